from __future__ import annotations

import json
import multiprocessing
import os
from pathlib import Path

import numpy as np
import pytest

from clc_text.text.encoders.vectors import cache
from clc_text.text.encoders.vectors.cache import cached_file
from clc_text.text.encoders.vectors.read_text import read_text
from clc_text.text.encoders.vectors.table import VectorTable, Wanted

WANTED = Wanted({f"w{n}": n for n in range(0, 3000, 2)}, 10)


@pytest.fixture
def vectors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CLC_TEXT_CACHE", str(tmp_path / "cache"))
    path = tmp_path / "g.txt"
    rows = np.random.default_rng(0).normal(size=(3000, 8))
    path.write_text("".join(f"w{n} {' '.join(f'{x:.4f}' for x in row)}\n" for n, row in enumerate(rows)))
    return path


def never(path: Path, wanted: Wanted) -> VectorTable:
    raise AssertionError("the file was read although the cache holds it")


def entries(path: Path) -> list[Path]:
    return sorted((path.parent / "cache" / "vectors").iterdir())


def test_the_second_load_maps_the_cache(vectors: Path) -> None:
    plain = read_text(vectors, WANTED)
    first = cached_file(vectors, WANTED, read_text)
    before = vectors.stat()
    vectors.write_bytes(b"?" * before.st_size)  # nobody looks into the file again
    os.utime(vectors, ns=(before.st_atime_ns, before.st_mtime_ns))
    second = cached_file(vectors, WANTED, never)
    for table in (first, second):
        assert isinstance(table.matrix, np.memmap)
        assert (table.words, table.source) == (plain.words, plain.source)
        np.testing.assert_array_equal(table.matrix, plain.matrix)


def test_an_entry_of_another_way_of_reading_is_left_alone(vectors: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "_READING", 1)
    cached_file(vectors, WANTED, read_text)
    monkeypatch.undo()
    monkeypatch.setenv("CLC_TEXT_CACHE", str(vectors.parent / "cache"))
    with pytest.raises(AssertionError):
        cached_file(vectors, WANTED, never)


def test_an_entry_belongs_to_one_file_one_vocabulary_and_one_number_of_words(vectors: Path) -> None:
    cached_file(vectors, WANTED, read_text)
    for other in (Wanted(WANTED.words, 11), Wanted({"w1": 0}, 10)):
        with pytest.raises(AssertionError):
            cached_file(vectors, other, never)
    os.utime(vectors, (1, 1))
    with pytest.raises(AssertionError):
        cached_file(vectors, WANTED, never)


@pytest.mark.parametrize("file", ["vectors.npy", "words.json", "entry.json"])
@pytest.mark.parametrize("harm", ["removed", "cut", "changed", "emptied"])
def test_a_damaged_entry_is_noticed_and_made_anew(vectors: Path, file: str, harm: str) -> None:
    cached_file(vectors, WANTED, read_text)
    path = entries(vectors)[0] / file
    raw = path.read_bytes()
    if harm == "removed":
        path.unlink()
    else:
        middle = len(raw) // 2
        changed = raw[:middle] + bytes([raw[middle] ^ 1]) + raw[middle + 1 :]
        path.write_bytes({"cut": raw[:-5], "changed": changed, "emptied": b""}[harm])
    if file == "entry.json" and harm == "changed":
        path.write_text(json.dumps(json.loads(raw) | {"crc32_vectors": 1}))
    again = cached_file(vectors, WANTED, read_text)
    np.testing.assert_array_equal(again.matrix, read_text(vectors, WANTED).matrix)
    cached_file(vectors, WANTED, never)
    assert len(entries(vectors)) == 1, "nothing is left lying aside"


def test_without_a_place_to_write_the_vectors_are_used_all_the_same(
    vectors: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (vectors.parent / "file").write_text("in the way")
    monkeypatch.setenv("CLC_TEXT_CACHE", str(vectors.parent / "file"))
    assert len(cached_file(vectors, WANTED, read_text).words) == 1505


def test_an_empty_selection_is_cached_too(vectors: Path) -> None:
    nothing = Wanted({"nobody": 0}, 0)
    assert cached_file(vectors, nothing, read_text).matrix.shape == (0, 8)
    assert cached_file(vectors, nothing, never).matrix.shape == (0, 8)


def _load_often(path: Path) -> float:
    total = 0.0
    for _ in range(20):
        total += float(cached_file(path, WANTED, read_text).matrix.sum())
    return total


def test_processes_at_once_do_not_spoil_it(vectors: Path) -> None:
    with multiprocessing.get_context("fork").Pool(4) as pool:
        sums = pool.map(_load_often, [vectors] * 8)
    assert len(set(sums)) == 1
    assert len(entries(vectors)) == 1


def test_the_platforms_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("CLC_TEXT_CACHE", raising=False)
    monkeypatch.setattr(cache.sys, "platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache.cache_directory() == tmp_path / "clc_text"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", "/home/somebody")
    assert cache.cache_directory() == Path("/home/somebody/.cache/clc_text")

"""Files are there whole or not at all."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch
from refusals import refused

from clc_text.errors import InputError
from clc_text.utils.files import (
    bring_back,
    check_folder_name,
    check_regular,
    read_json_lines,
    remove_leftovers,
    replace_folder,
    sha256_of_file,
    to_be_written,
    write_json,
    write_text,
    write_with,
)


def nothing_else(folder: Path, *names: str) -> None:
    assert sorted(path.name for path in folder.iterdir()) == sorted(names)


def test_text_and_json_replace_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "a.json"
    write_text(path, "Γ")
    write_json(path, {"path": Path("x"), "scalar": np.float32(0.5), "tensor": torch.tensor([1, 2]), "γ": "Γ"})
    assert json.loads(path.read_text(encoding="utf-8")) == {"path": "x", "scalar": 0.5, "tensor": [1, 2], "γ": "Γ"}
    nothing_else(path.parent, "a.json")


def test_what_is_no_json_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_json(path, 1)
    with pytest.raises(TypeError, match="object is not JSON"):
        write_json(path, object())
    assert path.read_text() == "1\n"
    nothing_else(tmp_path, "a.json")


def test_a_failing_writer_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    write_text(path, "old")

    def cut_short(aside: Path) -> None:
        aside.write_text("ne")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write_with(path, cut_short)
    assert path.read_text() == "old"
    nothing_else(tmp_path, "a.bin")


def test_a_folder_is_replaced_whole(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    replace_folder(folder, lambda aside: (aside / "one").write_text("1"))
    replace_folder(folder, lambda aside: (aside / "two").write_text("2"))
    nothing_else(folder, "two")
    nothing_else(tmp_path, "model")


def test_a_failing_folder_leaves_the_old_one(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    replace_folder(folder, lambda aside: (aside / "one").write_text("1"))

    def cut_short(aside: Path) -> None:
        (aside / "two").write_text("2")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        replace_folder(folder, cut_short)
    nothing_else(folder, "one")
    nothing_else(tmp_path, "model")


def test_a_folder_that_a_crash_left_moved_away_comes_back(tmp_path: Path) -> None:
    """The machine stops between the two renames: nothing of the clean-up runs."""
    folder = tmp_path / "model"
    replace_folder(folder, lambda aside: (aside / "one").write_text("1"))
    folder.rename(tmp_path / ".model.0123abcd.old")
    bring_back(folder, lambda before: 1)
    nothing_else(folder, "one")
    nothing_else(tmp_path, "model")
    bring_back(folder, lambda before: 1)
    bring_back(tmp_path / "other", lambda before: 1)
    nothing_else(tmp_path, "model")


def test_of_several_the_newest_comes_back_and_the_others_are_removed_then(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    for name, age in (("0", "7"), ("1", "10"), ("2", "9"), ("3", "")):
        write_text(tmp_path / f".model.{name}.old" / "age", age)
    write_text(tmp_path / ".model.4.part" / "age", "11")
    write_text(tmp_path / ".models.5.old" / "age", "12")

    def age(before: Path) -> int | None:
        text = (before / "age").read_text()
        return int(text) if text else None

    remove_leftovers(folder)
    assert len(list(tmp_path.glob(".model.*.old"))) == 4, "one of them may be all that there is"
    bring_back(folder, age)
    assert (folder / "age").read_text() == "10"
    remove_leftovers(folder)
    nothing_else(tmp_path, "model", ".models.5.old")


def test_nothing_unreadable_comes_back(tmp_path: Path) -> None:
    (tmp_path / ".model.0.old").mkdir()
    bring_back(tmp_path / "model", lambda before: None)
    nothing_else(tmp_path, ".model.0.old")


def test_a_folder_that_could_neither_be_replaced_nor_put_back_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "model"
    replace_folder(folder, lambda aside: (aside / "one").write_text("1"))
    real = os.replace

    def only_away(source: Path, target: Path) -> None:
        if target == folder:
            raise OSError("broken")
        real(source, target)

    monkeypatch.setattr(os, "replace", only_away)
    with pytest.raises(OSError, match="broken"):
        replace_folder(folder, lambda aside: (aside / "two").write_text("2"))
    (kept,) = tmp_path.iterdir()
    nothing_else(kept, "one")


def test_a_broken_line_of_json_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes('{"a": "Γ"}\r\n\n2\n{"cut": "Γ'.encode()[:-1])  # within a character
    assert read_json_lines(path) == [{"a": "Γ"}, 2]
    for line in (b'{"a": ', b'"\xff"', b"[" * 100_000):
        path.write_bytes(b"1\n\n" + line + b"\n4\n")
        with refused(where=path) as caught:
            read_json_lines(path)
        assert "line 3" in str(caught.value)


def test_sha256(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"x" * 3_000_000)
    assert sha256_of_file(path) == hashlib.sha256(b"x" * 3_000_000).hexdigest()


def test_a_place_that_takes_no_file_is_named_before_anything_is_made(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("a file")

    def never(aside: Path) -> None:
        raise AssertionError

    for path, sentence in (
        (tmp_path / "folder", "folder cannot be written: it is a folder; name a file"),
        (tmp_path / "file" / "a.csv", "a.csv cannot be written: what should be a folder there is a file"),
        (tmp_path / "file" / "deeper" / "a.csv", "a.csv cannot be written: what should be a folder there is a file"),
        (tmp_path / ("long" * 63), "cannot be written: its name is too long"),
        (Path("/proc/a.csv"), "/proc/a.csv cannot be written: "),
    ):
        with pytest.raises(InputError, match=sentence) as found:
            write_with(path, never)
        assert ".part" not in str(found.value)
    for path in (tmp_path / "file", tmp_path / "file" / "model", Path("/proc/model")):
        with refused(where=path, says="cannot be written"):
            replace_folder(path, never)
    assert (tmp_path / "file").read_text() == "a file"
    nothing_else(tmp_path, "file", "folder")


@pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES, errno.EPERM])
def test_a_read_only_place_is_one_sentence(number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def read_only(path: Path, *rest: object, **more: object) -> None:
        raise OSError(number, os.strerror(number), str(path))

    for method in ("touch", "mkdir"):
        monkeypatch.setattr(Path, method, read_only)
    with refused(where=tmp_path / "a.json", says="name another place"):
        write_json(tmp_path / "a.json", 1)
    with refused(where=tmp_path / "model", says="name another place"):
        replace_folder(tmp_path / "model", lambda aside: None)
    monkeypatch.undo()
    nothing_else(tmp_path)


def test_a_full_disk_is_one_sentence_about_the_outermost_place(tmp_path: Path) -> None:
    def full(aside: Path) -> None:
        aside.write_text("begun")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))  # as `write` raises it: without a name

    for write in (full, lambda aside: write_with(aside / "one", full)):
        with refused(where=tmp_path / "model", says="the disk is full") as found:
            (write_with if write is full else replace_folder)(tmp_path / "model", write)
        assert ".part" not in str(found.value)
        nothing_else(tmp_path)


def test_errors_of_other_files_and_a_body_that_writes_nothing_stay_defects(tmp_path: Path) -> None:
    for body in (
        lambda aside: Path("/proc/nothing").read_text(),
        lambda aside: tmp_path.read_text(),
        lambda aside: None,
    ):
        with pytest.raises(OSError, match=r"^\[Errno") as found:
            write_with(tmp_path / "a.csv", body)
        assert not isinstance(found.value, InputError)
        nothing_else(tmp_path)


def test_who_can_do_without_the_file_may_catch_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="it is a folder"):
        write_text(tmp_path, "")


@contextmanager
def at_most(size: int) -> Iterator[None]:
    """No file may become larger; writing on fails as on a full disk, with another number."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_what_libraries_say_of_a_disk_without_room_is_one_sentence(tmp_path: Path) -> None:
    from safetensors.numpy import save_file

    large, path = np.zeros(30_000), tmp_path / "a"
    for write, reason in (
        (lambda aside: aside.write_bytes(large.tobytes()), "it would be larger than a file may be here"),
        (lambda aside: save_file({"x": large}, aside), "it would be larger than a file may be here"),
        (lambda aside: torch.save(torch.from_numpy(large), aside), "writing it broke off; make room"),
    ):
        with at_most(9_000), pytest.raises(InputError, match=f"/a cannot be written: {reason}"):
            write_with(path, write)
        nothing_else(tmp_path)
        with at_most(9_000), refused(where=path, says=reason), to_be_written(path):
            write(path)
        path.unlink(missing_ok=True)


def test_what_libraries_say_of_their_input_stays_a_defect(tmp_path: Path) -> None:
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    (tmp_path / "b").write_bytes(b"no tensors")
    with pytest.raises(SafetensorError):
        write_with(tmp_path / "a", lambda aside: load_file(tmp_path / "b"))
    with pytest.raises(Exception, match=r".") as found:
        write_with(tmp_path / "a", lambda aside: torch.load(tmp_path / "b"))
    assert not isinstance(found.value, InputError)


@pytest.mark.parametrize(
    "name",
    [
        "/tmp/x",
        "../../..",
        "..",
        ".",
        "a/b",
        "a\\b",
        ".hidden",
        " a",
        "a ",
        "n" * 300,
        "é" * 101,
        "a\u202eb",
        "\x1b[2J",
    ],
)
def test_a_name_that_makes_another_folder_is_refused(name: str) -> None:
    with refused(key="name") as caught:
        check_folder_name(name, "name")
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 250


@pytest.mark.parametrize("name", ["trec_sym05", "TREC, symmetric 0.5", "Fragen: weiß", "a..b", ""])
def test_a_plain_name_is_taken(name: str) -> None:
    check_folder_name(name, "name")


def test_only_files_have_an_end(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/zero")):
        with refused(where=path, says="pipe or a device"):
            check_regular(path, "recipe")
    with refused(where=tmp_path, says="is a folder"):
        check_regular(tmp_path, "recipe")
    check_regular(tmp_path / "missing", "recipe")

"""20 Newsgroups in its three forms, and a cache that must not run anything."""

from __future__ import annotations

import io
import os
import pickle
import tarfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from refusals import refused
from sklearn.utils import Bunch

from clc_text.errors import InputError
from clc_text.text.datasets.news import News
from clc_text.text.datasets.reading.newsgroups import CACHE

DATA = os.environ.get("CLC_TEXT_DATA")
real = pytest.mark.skipif(
    not (DATA and Path(DATA, "20newsgroups", CACHE).exists()), reason="no 20 Newsgroups in $CLC_TEXT_DATA"
)
BODY = "From: a@b.c\nSubject: x\n\n> old\nnew text \xe9\n--\nmy signature\n"
ARTICLES = {
    "train": {"sci.space/20": BODY, "sci.space/3": "H: h\n\nspace\nships\n", "alt.atheism/7": "H: h\n\n> quoted only"},
    "test": {"alt.atheism/9": "H: h\n\nnone\nat all\n"},
}


def folders(root: Path) -> Path:
    for split, rows in ARTICLES.items():
        for name, text in rows.items():
            file = root / f"20news-bydate-{split}" / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(text.encode("latin-1"))
    return root


def archive(root: Path) -> Path:
    path = root / "20news-bydate.tar.gz"
    with tarfile.open(path, "w:gz") as handle:
        for split in ARTICLES:
            handle.add(folders(root / "unpacked") / f"20news-bydate-{split}", f"20news-bydate-{split}")
    return path


def cache(root: Path, content: Any = None) -> Path:
    if content is None:
        content = {
            split: Bunch(
                data=list(rows.values()),
                filenames=np.array([f"/tmp/20news-bydate-{split}/{name}" for name in rows]),
                target=np.arange(len(rows)),
                target_names=["alt.atheism", "sci.space"],
            )
            for split, rows in ARTICLES.items()
        }
    path = root / CACHE
    path.write_bytes(zlib.compress(pickle.dumps(content)))
    return path


@pytest.mark.parametrize("form", [folders, archive, cache])
def test_every_form_gives_the_same_rows(form: Any, tmp_path: Path) -> None:
    found = form(tmp_path)
    task = News(path=str(found), remove=[]).load(0)
    assert list(task.train["article"]) == ["alt.atheism/7", "sci.space/3", "sci.space/20"]
    assert task.train["text"][2] == BODY
    assert task.given_labels.tolist() == [0, 1, 1] and task.label_names == ["alt.atheism", "sci.space"]
    assert task.facts["not_original_train"] == "3 articles where 11314 are published"
    assert len(task.sources[0]["sha256"]) == 64
    News(path=str(tmp_path)).load(0)  # the folder that holds the form does as well


def test_parts_are_removed_and_empty_texts_counted(tmp_path: Path) -> None:
    path = str(folders(tmp_path))
    assert News(path=path, remove=["headers"]).load(0).train["text"][2].startswith("> old\nnew")
    task = News(path=path).load(0)
    assert task.train["text"][2] == "new text \xe9"
    assert task.facts["empty_texts"] == 1 and len(task.train) == 3
    task = News(path=path, drop_empty=True).load(0)
    assert task.facts["empty_train_rows_dropped"] == 1 and len(task.train) == 2


@real
def test_the_real_cache_reads_as_scikit_learn_reads_it() -> None:
    from sklearn.datasets import fetch_20newsgroups

    task = News().load(0)
    theirs = fetch_20newsgroups(
        data_home=Path(str(DATA), "20newsgroups"), remove=("headers", "footers", "quotes"), download_if_missing=False
    )
    assert task.label_names == theirs.target_names
    expected = {
        "/".join(Path(file).parts[-2:]): (text, label)
        for file, text, label in zip(theirs.filenames, theirs.data, theirs.target, strict=True)
    }
    ours = dict(zip(task.train["article"], zip(task.train["text"], task.given_labels, strict=True), strict=True))
    assert ours == expected
    assert (len(task.train), len(task.test or [])) == (11_314, 7_532)
    assert (task.facts["empty_texts"], task.facts["empty_test_texts"]) == (300, 215)


class Command:
    """What a hostile pickle looks like."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.mark),)


def test_a_hostile_cache_runs_nothing(tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    path = cache(tmp_path, Command(mark))
    with refused(where=path, says="mkdir"):
        News(path=str(path)).load(0)
    assert not mark.exists()


@pytest.mark.parametrize("content", [[], {"train": 1}, {"train": {"data": [], "filenames": [1]}}, np.arange(3)])
def test_a_pickle_of_something_else_is_refused(content: Any, tmp_path: Path) -> None:
    with refused(where=tmp_path / "20news-bydate_py3.pkz"):
        News(path=str(cache(tmp_path, content))).load(0)


def test_cut_files_are_named(tmp_path: Path) -> None:
    whole = cache(tmp_path)
    whole.write_bytes(whole.read_bytes()[:-20])
    with refused(where=whole):
        News(path=str(whole)).load(0)
    packed = archive(tmp_path)
    packed.write_bytes(packed.read_bytes()[:-60])
    with refused(where=packed):
        News(path=str(packed)).load(0)
    buffer = io.BytesIO()
    tarfile.open(fileobj=buffer, mode="w:gz").close()
    packed.write_bytes(buffer.getvalue())
    with refused(where=packed):
        News(path=str(packed)).load(0)


def test_missing_everywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("CLC_TEXT_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("SCIKIT_LEARN_DATA", str(tmp_path / "sklearn"))
    with pytest.raises(InputError) as raised:
        News().load(0)
    for part in (str(tmp_path / "data"), str(tmp_path / "sklearn"), CACHE, "HF_HUB_OFFLINE forbids it", "quickstart"):
        assert part in str(raised.value)

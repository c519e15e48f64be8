"""TREC: the original files, where they are looked for, and broken copies."""

from __future__ import annotations

import os
from pathlib import Path

import datasets
import numpy as np
import pytest
from refusals import refused

from clc_text.errors import InputError
from clc_text.text.datasets.trec import COARSE, FINE, TEST_FILE, TRAIN_FILE, Trec

DATA = os.environ.get("CLC_TEXT_DATA")
real = pytest.mark.skipif(
    not (DATA and Path(DATA, "trec", TRAIN_FILE).exists()), reason="the TREC files are not in $CLC_TEXT_DATA/trec"
)


def small(folder: Path, train: bytes = b"DESC:def What is rust ?\nHUM:ind Who sang ?\n") -> str:
    folder.mkdir(exist_ok=True)
    (folder / TRAIN_FILE).write_bytes(train)
    (folder / TEST_FILE).write_bytes(b"HUM:ind Who ran ?\n")
    return str(folder)


def test_fifty_fine_classes_lie_in_the_order_of_the_six_coarse_ones() -> None:
    assert len(FINE) == len(set(FINE)) == 50
    assert list(dict.fromkeys(name.split(":")[0] for name in FINE)) == COARSE


def test_original_files(tmp_path: Path) -> None:
    task = Trec(path=small(tmp_path / "t", b"DESC:def A sister\xf0city in K\xf6ln ?\nHUM:ind Who sang ?\n")).load(0)
    assert list(task.train["text"]) == ["A sister city in Köln ?", "Who sang ?"]
    assert task.given_labels.tolist() == [2, 3] and task.label_names == COARSE
    assert task.true_labels is not None and task.true_labels.tolist() == [2, 3]
    assert task.facts["not_original"] == f"{TRAIN_FILE} and {TEST_FILE} differ from the published files"
    fine = Trec(path=str(tmp_path / "t"), labels="fine").load(0)
    assert fine.name == "trec-fine" and fine.test_labels is not None
    assert fine.test_labels.tolist() == [FINE.index("HUM:ind")]


@real
def test_the_real_files() -> None:
    task = Trec().load(0)
    assert np.bincount(task.given_labels).tolist() == [86, 1250, 1162, 1223, 835, 896]
    assert task.test_labels is not None and np.bincount(task.test_labels).tolist() == [9, 94, 138, 65, 81, 113]
    assert "not_original" not in task.facts
    assert task.facts["leaked_test_texts"] == len(set(task.train["text"]) & set(task.test["text"]))  # type: ignore[index]
    assert task.facts["duplicate_texts"] == 5452 - len(set(task.train["text"]))
    assert not any("\xf0" in text for text in task.train["text"])


def test_missing_files_are_named_with_the_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(*_: object, **__: object) -> None:
        raise ConnectionError("no network")

    monkeypatch.setattr(datasets, "load_dataset", unreachable)
    monkeypatch.setenv("CLC_TEXT_DATA", str(tmp_path))
    with pytest.raises(InputError) as raised:
        Trec().load(0)
    for part in (TRAIN_FILE, TEST_FILE, str(tmp_path / "trec"), "CogComp/trec", "`recipes/quickstart.yaml` needs no"):
        assert part in str(raised.value)
    monkeypatch.delenv("CLC_TEXT_DATA")
    with refused(key="TREC"):
        Trec().load(0)
    with refused(key="TREC"):
        Trec(path=str(tmp_path / "nowhere")).load(0)


def test_the_hubs_parquet_is_the_last_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    features = datasets.Features(
        text=datasets.Value("string"),
        coarse_label=datasets.ClassLabel(names=COARSE),
        fine_label=datasets.ClassLabel(names=FINE[::-1]),
    )
    rows = {
        "text": ["What is rust ?", "Who sang ?"],
        "coarse_label": [2, 3],
        "fine_label": [FINE[::-1].index("DESC:def"), FINE[::-1].index("HUM:ind")],
    }
    split = datasets.Dataset.from_dict(rows, features=features)

    def from_hub(*arguments: object, **options: object) -> datasets.DatasetDict:
        calls.append((arguments, options))
        return datasets.DatasetDict(train=split, test=split)

    monkeypatch.setattr(datasets, "load_dataset", from_hub)
    monkeypatch.setenv("CLC_TEXT_DATA", str(tmp_path))
    task = Trec(labels="fine").load(0)
    assert [task.label_names[label] for label in task.given_labels] == ["DESC:def", "HUM:ind"]
    assert calls == [(("CogComp/trec", None), {"revision": "refs/convert/parquet"})]
    small(tmp_path / "trec")
    Trec().load(0)
    assert len(calls) == 1, "local files come before the network"


@pytest.mark.parametrize(
    ("content", "row"),
    [
        (b"", None),
        (b"HUM:ind Who ?\nDESC:de", 2),
        (b"HUM:ind Who ?\nDESC:wrong What ?\n", 2),
    ],
)
def test_broken_files(content: bytes, row: int | None, tmp_path: Path) -> None:
    folder = small(tmp_path / "t", content)
    with refused(where=Path(folder) / "train_5500.label", row=row):
        Trec(path=folder).load(0)


def test_the_order_of_the_classes_is_an_option_and_moves_no_row(tmp_path: Path) -> None:
    lines = "NUM:date When was it ?\nABBR:exp What is NASA ?\nDESC:def What is it ?\nENTY:food What is beer ?\n"
    for name in ("train_5500.label", "TREC_10.label"):
        (tmp_path / name).write_text(lines if name.startswith("train") else lines.replace("it", "that"))
    hub, sorted_names = (Trec(path=str(tmp_path), order=order).load(0) for order in ("hub", "alphabetical"))
    assert hub.label_names[:3] == ["ABBR", "ENTY", "DESC"]
    assert sorted_names.label_names == sorted(hub.label_names)
    named = [[task.label_names[label] for label in task.given_labels] for task in (hub, sorted_names)]
    assert named[0] == named[1] == ["NUM", "ABBR", "DESC", "ENTY"]

"""Folders of Parquet files as `clc-text correct` and the Hub lay them out."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as parquet
import pytest
from refusals import refused

from clc_text.text.datasets.files import Files


def shard(path: Path, word: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    parquet.write_table(pa.table({"text": [f"{word} one", f"{word} two"], "label": ["a", "b"]}), path)


def test_a_corrected_dataset_is_trained_on_under_the_name_of_its_source(tmp_path: Path) -> None:
    folder = tmp_path / "run" / "corrected"
    shard(folder / "data" / "train-00000-of-00001.parquet", "train")
    shard(folder / "history" / "step-0001.parquet", "history")
    (folder / "corrected.json").write_text('{"dataset": "tickets"}')
    task = Files(train=str(folder)).load(0)
    assert task.name == "tickets corrected"
    assert list(task.train["text"]) == ["train one", "train two"]
    assert Files(train=str(folder / "data")).load(0).name == "tickets corrected"
    assert Files(train=str(folder), title="mine").load(0).name == "mine"


@pytest.mark.parametrize("below", ["", "data"])
def test_of_several_splits_each_is_what_it_is_called(tmp_path: Path, below: str) -> None:
    folder = tmp_path / "owner--tickets"
    for split in ("train", "test", "validation"):
        shard(folder / below / f"{split}-00000-of-00001.parquet", split)
    task = Files(train=str(folder), test=str(folder)).load(0)
    assert task.name == "owner--tickets"
    assert list(task.train["text"]) == ["train one", "train two"]
    assert task.test is not None and list(task.test["text"]) == ["test one", "test two"]


def test_a_folder_without_the_split_is_refused(tmp_path: Path) -> None:
    shard(tmp_path / "data" / "test.parquet", "test")
    with refused(key="train"):
        Files(train=str(tmp_path)).load(0)

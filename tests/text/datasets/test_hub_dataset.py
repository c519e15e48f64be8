"""Datasets of the Hub, with `load_dataset` replaced; and the list of places."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import datasets
import pytest
from refusals import refused

from clc_text.errors import InputError
from clc_text.text.datasets.base import dataset
from clc_text.text.datasets.hub import Hub


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    features = datasets.Features(sentence=datasets.Value("string"), y=datasets.ClassLabel(names=["neg", "pos"]))
    train = datasets.Dataset.from_dict({"sentence": ["a", "b", "c"], "y": [1, 0, 1]}, features=features)
    test = datasets.Dataset.from_dict({"sentence": ["d"], "y": [0]}, features=features)
    made: list[Any] = []

    def load_dataset(*arguments: Any, **options: Any) -> datasets.DatasetDict:
        made.append((arguments, options))
        return datasets.DatasetDict(train=train.select([2, 0, 1]), test=test)

    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    return made


def test_a_hub_dataset(calls: list[Any]) -> None:
    hub = Hub(id="owner/name", config="small", revision="v1", test_split="test", text="sentence", label="y")
    task = hub.load(0)
    assert list(task.train["sentence"]) == ["c", "a", "b"], "a selection keeps its order"
    assert task.given_labels.tolist() == [1, 1, 0] and task.label_names == ["neg", "pos"]
    assert task.name == "name" and task.test_labels is not None and task.test_labels.tolist() == [0]
    assert calls == [(("owner/name", "small"), {"revision": "v1"})], "no code of a dataset is trusted"


def test_bad_splits(calls: list[Any]) -> None:
    with refused(where="owner/name", key="tests"):
        Hub(id="owner/name", test_split="tests", text="sentence", label="y").load(0)
    with refused(key="data.test_split"):
        Hub(id="owner/name", test_split="train")


def test_no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(InputError, match=r"'owner/absent' cannot be read .* HF_HUB_OFFLINE forbids the network"):
        Hub(id="owner/absent").load(0)


def test_places_in_the_order_of_looking(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLC_TEXT_DATA", str(tmp_path))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    first, second = dataset.get("trec")().places()
    assert (first.path, first.found) == (str(tmp_path / "trec"), False)
    assert second.path == (
        "the Hub's dataset CogComp/trec at refs/convert/parquet (offline: only a copy in the cache is used)"
    )
    assert dataset.get("quickstart")().places() == []
    files = dataset.get("files")(train=str(tmp_path), test="nowhere.csv")
    assert [place.found for place in files.places()] == [True, False]


def test_all_datasets_are_found() -> None:
    assert {"files", "hub", "news", "quickstart", "trec"} <= set(dataset.names())


def test_the_column_of_ids_has_another_name_than_the_dataset_s(calls: list[Any]) -> None:
    options = {"id": "owner/name", "test_split": "test", "text": "sentence", "label": "y"}
    assert Hub(**options).load(0).id_column is None
    assert Hub(**options, id_column="sentence").load(0).id_column == "sentence"

"""Given labels that are no classes: said in a sentence that names the column or the row."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from datasets import Dataset
from refusals import refused
from small_training import CLASSES, arguments, peers_model, rows

from clc_text import NoisyLabelTrainer
from clc_text.errors import InputError
from clc_text.training.data import check_labels


def trainer(folder: Path, data: Any, **more: Any) -> NoisyLabelTrainer:
    return NoisyLabelTrainer(peers_model(), arguments(folder, num_train_epochs=1, **more), train_dataset=data)


def table(labels: list[Any]) -> Dataset:
    return Dataset.from_dict({"features": rows().inputs["features"].tolist()[: len(labels)], "label": labels})


@pytest.mark.parametrize(
    ("labels", "told"),
    [
        (["a", "b"] * 25, {"key": "label"}),
        ([0, None, 1] * 10, {"row": 1}),
        ([0.0, 1.0, math.nan] * 10, {"row": 2}),
        ([0, -100] * 10, {"row": 1}),
    ],
)
def test_a_column_without_classes_is_named(tmp_path: Path, labels: list[Any], told: dict[str, Any]) -> None:
    with refused(**told):
        trainer(tmp_path, table(labels))


@pytest.mark.parametrize("in_a_table", [True, False])
def test_whole_floats_are_classes(tmp_path: Path, in_a_table: bool) -> None:
    """What pandas makes of a column of whole numbers with a hole in it."""
    numbers = [float(row % CLASSES) for row in range(50)]
    data: Any = table(numbers)
    if not in_a_table:
        data = [{"features": row["features"], "labels": row["label"]} for row in data]
    seen: list[Any] = []

    def metrics(prediction: Any) -> dict[str, float]:
        seen.append(prediction.label_ids)
        return {"rows": len(prediction.label_ids)}

    made = trainer(tmp_path, data, eval_strategy="no")
    made.compute_metrics = metrics
    made.train()
    assert made.given_labels().given.tolist() == [row % CLASSES for row in range(50)]
    assert math.isfinite(made.evaluate(data)["eval_loss"])
    assert made.predict(data).label_ids.dtype.kind == "i" and seen[0].dtype.kind == "i"
    with refused(key="labels"):
        trainer(tmp_path, table([0.0, 0.5] * 25))


def test_truth_values_are_the_classes_0_and_1(tmp_path: Path) -> None:
    made = trainer(tmp_path, table([True, False] * 25))
    made.train()
    assert made.given_labels().given.tolist() == [1, 0] * 25
    assert math.isfinite(made.evaluate(table([True, False] * 5))["eval_loss"])


@pytest.mark.parametrize("label", [-100, CLASSES, None, "a"])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_row_without_a_class_is_named_wherever_it_lies(tmp_path: Path, label: Any, seed: int) -> None:
    data: Any = [{"features": row, "labels": 0} for row in rows().inputs["features"]]
    data[47]["labels"] = label
    with pytest.raises(InputError) as caught:
        trainer(tmp_path, data, data_seed=seed).train()
    assert caught.value.row == 47


@pytest.mark.parametrize(
    ("label", "says"),
    [(-100, "-100"), (CLASSES, f"the model has {CLASSES} classes"), (None, "no label"), ("a", "the text 'a'")],
)
def test_a_row_without_a_class_is_named(tmp_path: Path, label: Any, says: str) -> None:
    data: Any = [{"features": row, "labels": 0} for row in rows().inputs["features"]]
    data[47]["labels"] = label
    with refused(row=47, says=says):
        trainer(tmp_path, data).train()


def test_a_distribution_that_is_no_number_is_named() -> None:
    labels = torch.full((3, 2), 0.5)
    labels[1, 0] = math.nan
    with pytest.raises(InputError) as caught:
        check_labels(labels, "training set", 2)
    assert caught.value.row == 1

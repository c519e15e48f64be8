"""Training set, evaluation sets and model may call the same class by different numbers: names decide."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from datasets import ClassLabel, Dataset, Features, Sequence, Value
from refusals import refused
from small_training import CLASSES, FEATURES, arguments, peers_model, rows

from clc_text import NoisyLabelTrainer
from clc_text.training.names import by_name

NAMES = ["billing", "login", "order", "other"]
OTHERWISE = ["other", "Login", "billing", "order"]


def table(names: list[str], seed: int = 1, column: str = "label") -> Dataset:
    """`rows` with named classes: the same rows of the same classes, whatever the names' order."""
    made = rows(seed=seed)
    folded = [name.casefold() for name in names]
    labels = [folded.index(NAMES[label]) for label in made.labels.tolist()]
    features = Features({"features": Sequence(Value("float32"), FEATURES), column: ClassLabel(names=names)})
    return Dataset.from_dict({"features": made.inputs["features"].tolist(), column: labels}, features=features)


def accuracy(prediction: Any) -> dict[str, float]:
    return {"accuracy": float((prediction.predictions.argmax(-1) == prediction.label_ids).mean())}


def trainer(folder: Path, train: Any, evaluation: Any = None, **more: Any) -> NoisyLabelTrainer:
    args = arguments(folder, num_train_epochs=6, learning_rate=2e-2)
    return NoisyLabelTrainer(
        more.pop("model", None) or peers_model(), args, train_dataset=train, eval_dataset=evaluation,
        compute_metrics=accuracy, **more,
    )  # fmt: skip


@pytest.mark.parametrize("way", ["as it is", "torch format", "set_transform", "label_ids"])
def test_an_evaluation_set_with_its_classes_in_another_order(tmp_path: Path, way: str) -> None:
    column = "labels" if way == "label_ids" else "label"
    other = table(OTHERWISE, seed=2, column=column)
    if way == "torch format":
        other = other.with_format("torch")
    elif way == "set_transform":
        other.set_transform(lambda batch: {**batch, "features": [torch.tensor(row) for row in batch["features"]]})
    made = trainer(tmp_path, table(NAMES), {"same": table(NAMES, seed=2), "other": other})
    made.train()
    same, found = made.predict(table(NAMES, seed=2)), made.predict(other)
    assert same.metrics["test_accuracy"] > 0.6  # so that a wrong order would show
    assert found.label_ids.tolist() == same.label_ids.tolist() == rows(seed=2).labels.tolist()
    np.testing.assert_array_equal(found.predictions, same.predictions)
    scores = made.evaluate()
    assert scores["eval_other_accuracy"] == scores["eval_same_accuracy"] == same.metrics["test_accuracy"]
    assert made._predict(other)[1].tolist() == rows(seed=2).labels.tolist()
    assert made.given_labels().given.tolist() == rows().labels.tolist()


def test_classes_that_the_training_set_does_not_know(tmp_path: Path) -> None:
    other = table([*OTHERWISE, "spam"], seed=2)
    trainer(tmp_path, table(NAMES), other)  # named, but of no row
    features = Features(dict(other.features))
    wrong = Dataset.from_dict({"features": other["features"][:], "label": [4] * len(other)}, features=features)
    with refused(key="spam"):
        trainer(tmp_path, table(NAMES), wrong)


def test_a_model_that_knows_the_classes_by_other_numbers(tmp_path: Path) -> None:
    def model(names: list[str]) -> Any:
        made = peers_model()
        made.config.id2label = dict(enumerate(names))
        return made

    with refused(key="billing"):
        trainer(tmp_path, table(NAMES), model=model(OTHERWISE))
    trainer(tmp_path, table(NAMES), model=model(NAMES))
    trainer(tmp_path, table(NAMES), model=model(["POSITIVE", "NEGATIVE", "NEUTRAL", "MIXED"]))  # nothing to compare
    # A training set without names is numbered as the model says.
    plain = table(NAMES).cast_column("label", Value("int64"))
    made = trainer(tmp_path, plain, table(OTHERWISE, seed=2), model=model(NAMES))
    assert made.predict(table(OTHERWISE, seed=2)).label_ids.tolist() == rows(seed=2).labels.tolist()


def test_rows_that_need_nothing_are_left_as_they_are() -> None:
    data = table(NAMES)
    for known in (None, NAMES, [*NAMES, "one more"]):
        assert by_name(data, known, "evaluation set") is data
    assert by_name(rows(), NAMES, "evaluation set").labels.max() < CLASSES
    # Of names that differ in case alone, neither stands for a third.
    odd = data.cast_column("label", ClassLabel(names=["A", "a", "b", "c"]))
    assert by_name(odd, ["a", "A", "b", "c"], "x").places.tolist() == [1, 0, 2, 3]

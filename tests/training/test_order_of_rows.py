"""A collator that reorders rows is refused whatever the rows call their labels; looking leaves no trace."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from refusals import refused
from small_training import CLASSES, arguments, peers_model, rows, same_tensors
from torch import Tensor, nn

from clc_text import NoisyLabelTrainer
from clc_text.errors import InputError
from clc_text.training.data import NumberedBatch

NAMES = "abcd"
MADE: dict[str, Callable[[dict[str, Any]], Any]] = {
    "another key": lambda row: row["y"],
    "a name": lambda row: NAMES.index(row["name"]),
    "a distribution": lambda row: np.eye(CLASSES, dtype=np.float32)[row["y"]] * 0.9 + 0.1 / CLASSES,
}


class Copies(list[dict[str, Any]]):
    """Rows that a collator may empty."""

    def __getitem__(self, row: Any) -> Any:
        return dict(super().__getitem__(row))


def plain(count: int = 50) -> Copies:
    ready = rows(count)
    return Copies(
        {"features": features, "y": label, "name": NAMES[label]}
        for features, label in zip(ready.inputs["features"], ready.labels.tolist(), strict=True)
    )


def collator(
    label: Callable[[dict[str, Any]], Any], reverse: bool = False
) -> Callable[[list[Any]], dict[str, Tensor]]:
    def collate(items: list[dict[str, Any]]) -> dict[str, Tensor]:
        items = items[::-1] if reverse else items
        labels = torch.from_numpy(np.array([label(item) for item in items]))
        return {"features": torch.stack([item.pop("features") for item in items]), "labels": labels}

    return collate


def trainer(folder: Path, collate: Any, **more: Any) -> NoisyLabelTrainer:
    chosen = arguments(folder, remove_unused_columns=False, num_train_epochs=2, **more)
    return NoisyLabelTrainer(peers_model(dropout=0.3), chosen, collate, plain(), method="standard")


@pytest.mark.parametrize("label", MADE.values(), ids=MADE.keys())
def test_another_order_is_refused_whatever_the_label(tmp_path: Path, label: Callable[[dict[str, Any]], Any]) -> None:
    with refused(key="data collator"):
        trainer(tmp_path, collator(label, reverse=True)).train()


@pytest.mark.parametrize("label", MADE.values(), ids=MADE.keys())
def test_rows_in_their_order_are_trained_on(tmp_path: Path, label: Callable[[dict[str, Any]], Any]) -> None:
    trainer(tmp_path, collator(label)).train()


def test_looking_leaves_no_trace_in_the_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Random parts by four generators, one of them the collator's own, and rows that the collator empties."""

    class Random:
        def __init__(self) -> None:
            self.own, self.calls = np.random.default_rng(0), 0

        def __call__(self, items: list[dict[str, Any]]) -> dict[str, Tensor]:
            self.calls += 1
            batch = collator(MADE["another key"])(items)
            drawn = random.random() + np.random.rand() + self.own.random() + float(torch.rand(()))
            return batch | {"features": batch["features"] + drawn}

    first, second = Random(), Random()
    looked = trainer(tmp_path / "looked", first)
    looked.train()
    monkeypatch.setattr("clc_text.training.order.BATCHES", 0)
    unlooked = trainer(tmp_path / "unlooked", second)
    unlooked.train()
    same_tensors(looked.model.state_dict(), unlooked.model.state_dict())
    assert first.calls == second.calls == 8


def test_only_the_first_batches_are_looked_at() -> None:
    calls = 0

    def counting(items: list[dict[str, Any]]) -> dict[str, Tensor]:
        nonlocal calls
        calls += 1
        return collator(MADE["a name"])(items)

    numbered = NumberedBatch(counting, watched=True)
    made = []
    for _ in range(6):
        before = calls
        numbered(list(enumerate(plain(50))))
        made.append(calls - before)
    assert made[4:] == [1, 1] and all(1 < made[look] <= 33 for look in range(4))


@pytest.mark.parametrize(
    "collate",
    [
        lambda items: collator(lambda row: random.randrange(2))(items),  # other labels at each call
        lambda items: collator(lambda row: sum(item["y"] for item in items) % CLASSES)(items),  # of the batch
        lambda items: collator(MADE["a name"])(items) if len(items) > 1 else 1 / 0,  # takes no single row
    ],
)
def test_a_collator_with_labels_of_its_own_is_taken_at_its_word(collate: Any) -> None:
    numbered = NumberedBatch(collate, watched=True)
    for _ in range(4):
        assert len(numbered(list(enumerate(plain(50))))["labels"]) == 50


def test_workers_count_together(tmp_path: Path) -> None:
    said = []
    for workers in (0, 1):
        with pytest.raises(InputError) as found:
            trainer(tmp_path, collator(MADE["a name"], reverse=True), dataloader_num_workers=workers).train()
        said.append(str(found.value))
    assert "another order" in said[0] and said[0] == said[1], "no traceback of the process that loaded the batch"


def test_a_network_without_a_configuration_is_no_exception(tmp_path: Path) -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(8, CLASSES)

        def forward(self, features: Tensor) -> dict[str, Tensor]:
            return {"logits": self.layer(features)}

    made = NoisyLabelTrainer(
        None, arguments(tmp_path, remove_unused_columns=False), collator(MADE["another key"], reverse=True), plain(),
        model_init=Net, method="clc_auto",
    )  # fmt: skip
    with refused(key="data collator"):
        made.train()

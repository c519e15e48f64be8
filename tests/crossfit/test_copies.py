"""Copies of a row are found, stay in its fold, and are no help to a network that must not know its label."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from datasets import Dataset
from small_training import arguments, peers_model, rows

from clc_text.crossfit.copies import first_copies_of
from clc_text.crossfit.trainer import NoisyLabelTrainer
from clc_text.data.folds import assign_folds
from clc_text.data.input_copies import first_copies
from clc_text.data.rows import Rows
from clc_text.methods.clc_auto import CLCAuto
from clc_text.text.networks.stacked_mlp import StackedMLP, StackedMLPConfig


def test_equal_in_all_inputs_to_the_bit() -> None:
    one = torch.tensor([[1.0, 2.0], [1.0, 2.0], [1.0, 2.0], [1.0, 2.0 + 1e-6], [3.0, 4.0], [3.0, 4.0]])
    other = torch.tensor([0, 0, 1, 0, 7, 7], dtype=torch.int32)
    assert first_copies({"one": one, "other": other}, 6).tolist() == [0, 0, 2, 3, 4, 4]
    many = torch.arange(1500).repeat(2).unsqueeze(1)  # across the blocks in which rows are read
    assert first_copies({"one": many}, 3000).tolist() == [*range(1500), *range(1500)]
    truths, grid = torch.tensor([True, False, True]), torch.tensor([[[0.0, 1.0]], [[0.0, 1.0]], [[0.0, 1.0]]])
    assert first_copies({"one": truths, "grid": grid.half()}, 3).tolist() == [0, 1, 0]
    assert first_copies({"none": torch.zeros(3, 0), "labels": truths}, 3).tolist() == [0, 0, 0]
    assert first_copies({"minus": torch.tensor([0.0, -0.0, 0.0])}, 3).tolist() == [0, 1, 0]


def trainer(folder: Path, data: Any, collate: Callable[[list[Any]], Any] | None = None) -> NoisyLabelTrainer:
    chosen = arguments(folder, remove_unused_columns=False)
    method = CLCAuto(folds=3, fold_rounds=2, fold_epochs=8)
    return NoisyLabelTrainer(peers_model(), chosen, collate, data, method=method, peers_init=peers_model)


def test_in_any_dataset_by_what_the_collator_makes_of_a_row(tmp_path: Path) -> None:
    columns = {"name": list("abcde"), "values": [[1.0], [2.0], [1.0], [1.0], [2.0]], "labels": [0, 1, 2, 3, 0]}

    def collate(items: list[dict[str, Any]], random: bool = False) -> dict[str, torch.Tensor]:
        features = torch.tensor([item.pop("values") for item in items]).expand(-1, 8)
        features = features + torch.randn(features.shape) if random else features
        return {"features": features, "labels": torch.tensor([item["labels"] for item in items])}

    def broken(items: list[dict[str, Any]]) -> dict[str, torch.Tensor]:
        if len(items) == 1:
            raise ValueError("it wants pairs")
        return collate(items)

    table = Dataset.from_dict(columns)
    listed = [table[row] for row in range(5)]
    assert first_copies_of(trainer(tmp_path, listed, collate)).tolist() == [0, 1, 0, 0, 1]
    assert all("values" in row for row in listed)  # the collator empties only what it is given here
    for other in (lambda items: collate(items, random=True), broken):
        assert first_copies_of(trainer(tmp_path, listed, other)).tolist() == [0, 1, 2, 3, 4]
    nothing = [{"name": "a", "labels": 0}, {"name": "a", "labels": 1}]
    alone = trainer(tmp_path, nothing, lambda items: {"labels": torch.tensor([item["labels"] for item in items])})
    assert first_copies_of(alone).tolist() == [0, 1]


# ---- folds ----


def test_without_copies_the_folds_are_what_they_always_were() -> None:
    labels = np.random.default_rng(0).integers(0, 7, 1003)
    assert (assign_folds(labels, 5, 3) == assign_folds(labels, 5, 3, np.arange(1003))).all()
    assert assign_folds(np.arange(12) % 3, 3, 0).tolist() == [1, 1, 2, 2, 2, 0, 0, 1, 2, 0, 0, 1]


def test_only_copies_move() -> None:
    labels = np.random.default_rng(0).integers(0, 7, 1000)
    first = np.arange(1000)
    first[[5, 500, 999]], first[700] = 2, 40
    before, after = assign_folds(labels, 5, 3), assign_folds(labels, 5, 3, first)
    assert len(set(after[[2, 5, 500, 999]])) == 1 and after[700] == after[40]
    same = np.setdiff1d(np.arange(1000), [5, 500, 999, 700])
    assert (before[same] == after[same]).all()


@pytest.mark.parametrize("seed", range(5))
def test_rows_that_all_have_copies_are_dealt_evenly(seed: int) -> None:
    random = np.random.default_rng(seed)
    labels = random.choice(4, 300, p=[0.6, 0.3, 0.08, 0.02])
    big = np.where(np.arange(300) < 120, 0, np.arange(300))  # two fifths are one row
    for first, given in ((np.tile(np.arange(300), 3), np.tile(labels, 3)), (big, labels)):
        fold = assign_folds(given, 4, seed, first)
        assert (fold == fold[first]).all()
        sizes = np.bincount(fold, minlength=4)
        assert sizes.min() > 0.5 * len(given) / 4
        for label in range(4):
            different = np.unique(first[given == label])
            assert len(different) < 4 or len(set(fold[given == label])) == 4


def test_copies_do_not_betray_a_row_s_label(tmp_path: Path) -> None:
    """Networks that had seen a copy of every row believed its label: of 32 % wrong ones they found 14 %."""
    data = rows(240, noise=0.4)
    centres = 2 * torch.randn(4, 8, generator=torch.Generator().manual_seed(0))
    true = torch.cdist(data.inputs["features"], centres).argmin(1)
    wrong = float((true != data.labels).float().mean())
    tripled = Rows({"features": data.inputs["features"].repeat(3, 1)}, data.labels.repeat(3))

    def wide(peers: int, seed: int = 0) -> StackedMLP:
        return StackedMLP(StackedMLPConfig(input_size=8, hidden_sizes=[200], num_labels=4, peers=peers, seed=seed))

    made = trainer(tmp_path, tripled)
    made.peers_init = wide
    found = made.make_cross_fit()
    assert found.facts["copies"] == 480
    for fold in found.folds:
        assert (fold.reshape(3, 240) == fold[:240]).all()
    assert abs(found.rate - wrong) < 0.08

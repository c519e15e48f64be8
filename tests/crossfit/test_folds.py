from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest
import torch
from transformers import TrainingArguments

from clc_text.crossfit.trainer import NoisyLabelTrainer
from clc_text.data.folds import assign_folds, deal_rounds
from clc_text.data.rows import Rows
from clc_text.methods.base import TrainingState
from clc_text.methods.fold_forward import FoldForward
from clc_text.models.peers_of import peers_from_init
from clc_text.text.networks.stacked_mlp import StackedMLP, StackedMLPConfig


def test_every_class_is_dealt_out_evenly_and_by_the_seed() -> None:
    labels = np.random.default_rng(0).integers(0, 7, 1003)
    fold = assign_folds(labels, 5, seed=3)
    for label in range(7):
        counts = Counter(fold[labels == label].tolist())
        assert max(counts.values()) - min(counts[k] for k in range(5)) <= 1
    counts = np.bincount(fold, minlength=5)
    assert counts.max() - counts.min() <= 1
    assert (fold == assign_folds(labels, 5, seed=3)).all()
    assert (fold != assign_folds(labels, 5, seed=4)).any()
    first = np.arange(1003) // 2 * 2
    rounds = [assign_folds(labels, 5, seed, first) for seed in (3, 4, 5)]
    assert np.array_equal(deal_rounds(labels, 5, 3, 3, first), rounds)


def held_out(values: torch.Tensor, fold: torch.Tensor) -> torch.Tensor:
    """What `predict_held_out` is held to: each row's value by the network of its own fold, [K, N, C] -> [N, C]."""
    return values[fold, torch.arange(values.shape[1])]


def test_each_row_is_judged_by_its_own_fold() -> None:
    values = torch.arange(3 * 4 * 2).view(3, 4, 2)
    found = held_out(values, torch.tensor([2, 0, 1, 1]))
    assert found.tolist() == [
        values[2, 0].tolist(),
        values[0, 1].tolist(),
        values[1, 2].tolist(),
        values[1, 3].tolist(),
    ]


def test_the_loss_by_hand_and_no_gradient_into_the_blind_fold() -> None:
    logits = torch.randn(2, 4, 3, generator=torch.Generator().manual_seed(0), requires_grad=True)
    log_probs = logits.log_softmax(-1)
    transition = torch.tensor([[0.8, 0.2, 0.0], [0.1, 0.8, 0.1], [0.0, 0.3, 0.7]])
    labels, fold = torch.tensor([0, 1, 2, 1]), torch.tensor([0, 1, 1, 0])
    state = TrainingState(memory={"fold": torch.tensor([9, 0, 1, 1, 0]), "transition": transition})
    state.rows = torch.tensor([1, 2, 3, 4])
    found = FoldForward().supervise(log_probs, labels, state)
    probs = log_probs.exp().detach()
    for peer in range(2):
        for row in range(4):
            given = sum(probs[peer, row, c] * max(transition[c, labels[row]], 1e-8) for c in range(3))
            assert math.isclose(found.losses[peer, row].item(), -math.log(given), rel_tol=1e-5)
            assert found.weights[peer, row] == (0 if fold[row] == peer else 0.5)
    found.loss.backward()
    assert logits.grad is not None
    for peer in range(2):
        for row in range(4):
            assert logits.grad[peer, row].any() == (fold[row] != peer)


def test_where_every_row_has_a_matrix_of_its_own_its_column_counts() -> None:
    random = torch.Generator().manual_seed(2)
    log_probs = torch.randn(2, 4, 3, generator=random).log_softmax(-1)
    columns = torch.rand(5, 3, generator=random)
    labels, rows = torch.tensor([0, 1, 2, 1]), torch.tensor([4, 2, 3, 1])
    memory = {"fold": torch.zeros(5, dtype=torch.long), "transition": torch.eye(3), "columns": columns.log()}
    found = FoldForward().supervise(log_probs, labels, TrainingState(memory=memory, rows=rows))
    for peer in range(2):
        for place, row in enumerate(rows):
            given = sum(log_probs[peer, place, c].exp() * columns[row, c] for c in range(3))
            assert math.isclose(found.losses[peer, place].item(), -math.log(given), rel_tol=1e-5)


def test_without_a_matrix_it_is_the_plain_cross_entropy() -> None:
    log_probs = torch.randn(2, 4, 3, generator=torch.Generator().manual_seed(1)).log_softmax(-1)
    labels = torch.tensor([0, 1, 2, 1])
    state = TrainingState(memory={"fold": torch.tensor([0, 1, 0, 1])}, rows=torch.arange(4))
    found = FoldForward().supervise(log_probs, labels, state)
    expected = [[-log_probs[peer, row, labels[row]].item() for row in range(4)] for peer in range(2)]
    torch.testing.assert_close(found.losses, torch.tensor(expected))


class OneNetwork(torch.nn.Module):
    def __init__(self, size: int, classes: int) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(size, classes)

    def forward(self, features: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"logits": self.layer(features)}


@pytest.mark.parametrize("stacked", [True, False])
def test_a_row_is_judged_by_the_peer_of_its_fold_alone(stacked: bool, tmp_path) -> None:
    """As if every peer judged every row, and those of the others were thrown away; batches that do not fit evenly."""
    rows, classes, peers = 23, 3, 4
    generator = torch.Generator().manual_seed(5)
    features = torch.randn(rows, 6, generator=generator)
    labels = torch.randint(classes, (rows,), generator=generator)
    if stacked:
        model = StackedMLP(StackedMLPConfig(6, [5, 4], num_labels=classes, peers=peers, dropout=0.5))
    else:
        model = peers_from_init(lambda: OneNetwork(6, classes), peers, 0)
    arguments = TrainingArguments(str(tmp_path), per_device_eval_batch_size=8, use_cpu=True, report_to=[])
    trainer = NoisyLabelTrainer(model, arguments, train_dataset=Rows({"features": features}, labels), method="clc")
    fold = torch.randint(peers, (rows,), generator=generator)
    everything = trainer.predict_log_probs(trainer.train_dataset)
    wanted = held_out(everything, fold)
    assert not torch.allclose(everything[0], everything[1])
    torch.testing.assert_close(trainer.predict_held_out(trainer.train_dataset, fold), wanted)

"""The noise matrix from anchors, against the rule read aloud."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pytest
import torch
from refusals import refused
from torch import Tensor

from clc_text.methods.base import TrainingState
from clc_text.methods.forward import Forward


def estimate(log_probs: Tensor, quantile: float | Literal["auto"] | None = 0.97) -> Tensor:
    """The matrix of one network: [N, C] -> [C, C]."""
    state = TrainingState()
    labels = torch.zeros(len(log_probs), dtype=torch.int64)
    Forward(anchor_quantile=quantile).prepare(log_probs.unsqueeze(0), labels, state)
    return state.memory["estimated_transition"][0]


@pytest.mark.parametrize("rows", [1, 2, 30, 101, 257])
def test_anchors_equal_the_literal_rule(rows: int) -> None:
    """For class i: numpy's 97th percentile with the next higher value, drop what is at or above it, take the best."""
    probs = torch.randn(rows, 4, generator=torch.Generator().manual_seed(rows), dtype=torch.float64).softmax(-1)
    expected = []
    for i in range(4):
        column = probs[:, i].numpy()
        limit = np.percentile(column, 97, method="higher")
        left = [n for n in range(rows) if column[n] < limit]
        anchor = max(left, key=lambda n: column[n]) if left else 0
        expected.append(probs[anchor])
    torch.testing.assert_close(estimate(probs.log()), torch.stack(expected))


def test_without_a_quantile_the_surest_row_is_the_anchor() -> None:
    probs = torch.tensor([[0.6, 0.4], [0.9, 0.1], [0.3, 0.7]], dtype=torch.float64)
    torch.testing.assert_close(estimate(probs.log(), None), probs[1:])


@pytest.mark.parametrize(("classes", "quantile"), [(3, 0.97), (33, 0.97), (34, None), (100, None)])
def test_where_a_class_has_fewer_rows_than_are_left_out_none_is(classes: int, quantile: float | None) -> None:
    log_probs = torch.randn(2000, classes, generator=torch.Generator().manual_seed(1)).mul(3).log_softmax(-1)
    state = TrainingState()
    Forward().prepare(log_probs.unsqueeze(0), torch.zeros(2000, dtype=torch.int64), state)
    found = state.memory["estimated_transition"][0]
    assert torch.equal(found, estimate(log_probs, quantile))
    assert not torch.equal(found, estimate(log_probs, None if quantile else 0.97))


def test_of_a_hundred_classes_the_anchors_find_the_matrix() -> None:
    """CIFAR-100's sizes: dropping the top 3 % of rows would drop every row of a class."""
    classes, rows = 100, 20_000
    random = np.random.default_rng(0)
    transition = 0.8 * np.eye(classes) + 0.2 * np.roll(np.eye(classes), 1, axis=1)
    of_true = 0.05 * random.dirichlet(np.ones(classes), rows)
    of_true[np.arange(rows), random.integers(0, classes, rows)] += 0.95
    probs = torch.from_numpy(of_true @ transition)
    found = estimate(probs.log(), "auto")
    assert found.diagonal().min() > 0.7
    assert estimate(probs.log(), 0.97).diagonal().max() < 0.1


def test_each_peer_estimates_its_own_matrix() -> None:
    log_probs = torch.randn(2, 60, 3, generator=torch.Generator().manual_seed(1)).log_softmax(-1)
    state = TrainingState()
    Forward(anchor_quantile=0.9).prepare(log_probs, torch.zeros(60, dtype=torch.int64), state)
    found = state.memory["estimated_transition"]
    assert found.shape == (2, 3, 3)
    torch.testing.assert_close(found[1], estimate(log_probs[1], 0.9))
    torch.testing.assert_close(found.sum(-1), torch.ones(2, 3))


def test_a_longer_warm_up_estimates_again() -> None:
    """A run that goes back and warms up longer must not keep the first estimate as if it had been given."""
    state = TrainingState()
    labels = torch.zeros(40, dtype=torch.int64)
    for seed in (1, 2):
        log_probs = torch.randn(1, 40, 3, generator=torch.Generator().manual_seed(seed)).log_softmax(-1)
        Forward().prepare(log_probs, labels, state)
        torch.testing.assert_close(state.memory["estimated_transition"][0], estimate(log_probs[0]))


def test_a_sound_matrix_is_found_again() -> None:
    """A network that predicts p(given | x) has T's rows as its predictions, up to a little chance of each row."""
    transition = torch.tensor([[0.7, 0.2, 0.1], [0.05, 0.8, 0.15], [0.3, 0.1, 0.6]])
    chance = 0.01 * torch.randn(300, 3, generator=torch.Generator().manual_seed(0))
    found = estimate((transition.log()[torch.arange(300) % 3] + chance).log_softmax(-1))
    torch.testing.assert_close(found, transition, atol=0.02, rtol=0)


def test_a_label_that_the_matrix_rules_out_costs_much_but_not_infinity() -> None:
    log_probs = torch.tensor([[[0.5, 0.5]]]).log().requires_grad_()
    state = TrainingState(memory={"transition": torch.tensor([[0.0, 1.0], [0.0, 1.0]])})
    for labels in (torch.tensor([0]), torch.tensor([[1.0, 0.0]])):
        found = Forward().supervise(log_probs, labels, state)
        assert 80 < found.loss < 100
        assert torch.autograd.grad(found.loss, log_probs)[0].isfinite().all()


def test_a_probability_that_underflows_still_has_its_loss() -> None:
    """T is the identity and p(1) = e^-200, which no float32 holds: the loss is 200, from the logarithms."""
    log_probs = torch.tensor([[[0.0, -200.0]]]).log_softmax(-1)
    identity = TrainingState(memory={"transition": torch.eye(2)})
    found = Forward().supervise(log_probs, torch.tensor([1]), identity)
    assert 87 < found.loss < 201  # the first class leaks in by the smallest float, e^-87
    mixed = TrainingState(memory={"transition": torch.tensor([[1.0, 0.0], [0.5, 0.5]], dtype=torch.float64)})
    exact = Forward().supervise(log_probs.double(), torch.tensor([1]), mixed)
    assert float(exact.loss) == pytest.approx(200 + np.log(2), rel=1e-6)


@pytest.mark.parametrize("matrix", ["true", "estimate"])
def test_a_matrix_that_nobody_gave(matrix: Literal["true", "estimate"]) -> None:
    with refused(key="method.matrix"):
        Forward(matrix=matrix).prepare(torch.zeros(1, 4, 3).log_softmax(-1), torch.zeros(4).long(), TrainingState())

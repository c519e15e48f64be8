"""CLC where its threshold or its options leave something simpler."""

from __future__ import annotations

import math

import pytest
import torch
from refusals import refused
from torch import Tensor

from clc_text.methods.base import TrainingState
from clc_text.methods.clc import CLC
from clc_text.methods.criteria import CRITERIA
from clc_text.methods.slc import SLC
from clc_text.methods.standard import Standard

GENERATOR = torch.Generator().manual_seed(3)
LOGITS = 2 * torch.randn(2, 16, 5, generator=GENERATOR, dtype=torch.float64)
LABELS = torch.randint(5, (16,), generator=GENERATOR)


def state(threshold: float | Tensor) -> TrainingState:
    found = torch.as_tensor(threshold, dtype=torch.float64).expand(2)
    return TrainingState(memory={"threshold": found})


def loss_and_gradient(method: CLC | Standard, at: TrainingState) -> tuple[Tensor, Tensor]:
    logits = LOGITS.clone().requires_grad_()
    loss = method.supervise(logits.log_softmax(-1), LABELS, at).loss
    return loss.detach(), torch.autograd.grad(loss, logits)[0]


@pytest.mark.parametrize("reduction", ["batch", "subset"])
@pytest.mark.parametrize("beta", [0.5, 0.3])
def test_nothing_low_is_beta_times_standard(beta: float, reduction: str) -> None:
    loss, gradient = loss_and_gradient(CLC(beta=beta, reduction=reduction), state(-math.inf))
    expected, expected_gradient = loss_and_gradient(Standard(), TrainingState())
    torch.testing.assert_close(loss, beta * expected)
    torch.testing.assert_close(gradient, beta * expected_gradient)


@pytest.mark.parametrize("reduction", ["batch", "subset"])
def test_everything_low_without_alpha_is_the_cross_entropy_with_the_peer(reduction: str) -> None:
    loss, gradient = loss_and_gradient(CLC(alpha=0.0, reduction=reduction), state(math.inf))
    logits = LOGITS.clone().requires_grad_()
    peers = LOGITS.flip(0).softmax(-1)
    cross = torch.nn.CrossEntropyLoss()
    expected = cross(logits[0], peers[0]) + cross(logits[1], peers[1])
    torch.testing.assert_close(loss, expected.detach())
    torch.testing.assert_close(gradient, torch.autograd.grad(expected, logits)[0])


def test_twins_that_are_equal_are_slc() -> None:
    log_probs = LOGITS[:1].repeat(2, 1, 1).log_softmax(-1)
    clc = CLC().supervise(log_probs, LABELS, state(0.8))
    slc = SLC().supervise(log_probs, LABELS, state(0.8))
    torch.testing.assert_close(clc.losses, slc.losses)
    assert clc.selected.any() and not clc.selected.all()


def test_two_peers_of_slc_never_look_at_each_other() -> None:
    log_probs = LOGITS.log_softmax(-1)
    thresholds = torch.tensor([0.5, 1.1], dtype=torch.float64)
    both = SLC().supervise(log_probs, LABELS, state(thresholds))
    for peer in (0, 1):
        alone = TrainingState(memory={"threshold": thresholds[peer : peer + 1]})
        found = SLC().supervise(log_probs[peer : peer + 1], LABELS, alone)
        torch.testing.assert_close(both.losses[peer : peer + 1], found.losses)
        torch.testing.assert_close(both.targets[peer : peer + 1], found.targets)


def test_the_third_term_is_squeezed_out_by_the_batch_reduction_only() -> None:
    """One row of 16 is high: it weighs β/16 with the batch reduction and β with the subset reduction."""
    probs = torch.full((2, 16, 2), 0.5, dtype=torch.float64)
    probs[:, 1:] = torch.tensor([0.99, 0.01], dtype=torch.float64)
    labels = torch.zeros(16, dtype=torch.int64)
    high = {}
    for reduction in ("batch", "subset"):
        found = CLC(alpha=0.0, reduction=reduction).supervise(probs.log(), labels, state(0.2))
        high[reduction] = float((found.losses * found.weights)[0, 0])
    assert high["batch"] == pytest.approx(0.5 * math.log(2) / 16)
    assert high["subset"] == pytest.approx(0.5 * math.log(2))


def test_the_threshold_belongs_to_the_peer_that_predicts() -> None:
    """A row is low when its own network's doubt is at most its own network's threshold; equal counts as low."""
    log_probs = LOGITS.log_softmax(-1)
    entropy = CRITERIA["entropy"](log_probs)
    thresholds = torch.stack([entropy[0].sort().values[3], entropy[1].sort().values[11]])
    found = CLC().supervise(log_probs, LABELS, state(thresholds))
    assert found.selected.sum(-1).tolist() == [12, 4]
    assert torch.equal(found.selected[1], entropy[0] <= thresholds[0])


@pytest.mark.parametrize("criterion", ["entropy", "margin", "confidence", "energy"])
def test_the_threshold_is_the_mean_doubt_of_each_peer(criterion: str) -> None:
    taken = TrainingState(logits=LOGITS)
    CLC(criterion=criterion).prepare(LOGITS.log_softmax(-1), LABELS, taken)
    scores = LOGITS if criterion == "energy" else LOGITS.log_softmax(-1)
    expected = [sum(CRITERIA[criterion](row).item() for row in peer) / 16 for peer in scores]
    assert taken.memory["threshold"].tolist() == pytest.approx(expected)
    if criterion != "energy":
        CLC(criterion=criterion, threshold_scale=0.85).prepare(LOGITS.log_softmax(-1), LABELS, taken)
        assert taken.memory["threshold"].tolist() == pytest.approx([0.85 * value for value in expected])


def test_the_energy_chooses_rows_by_their_logits() -> None:
    taken = TrainingState(logits=LOGITS)
    clc = CLC(criterion="energy")
    clc.prepare(LOGITS.log_softmax(-1), LABELS, taken)
    found = clc.supervise(LOGITS.log_softmax(-1), LABELS, taken)
    expected = -LOGITS.logsumexp(-1) <= taken.memory["threshold"].unsqueeze(-1)
    assert torch.equal(found.selected, expected.flip(0))
    taken.logits = None
    with refused(key="logits"):
        clc.supervise(LOGITS.log_softmax(-1), LABELS, taken)

"""Which rows are kept, and how many."""

from __future__ import annotations

import pytest
import torch

from clc_text.methods.base import TrainingState
from clc_text.methods.co_teaching import CoTeaching
from clc_text.methods.mentornet import MentorNet
from clc_text.methods.small_loss import smallest


def test_of_equal_losses_the_first_are_kept() -> None:
    losses = torch.tensor([[2.0, 1.0, 1.0, 1.0, 0.5], [3.0, 3.0, 3.0, 3.0, 3.0]])
    assert smallest(losses, 3).tolist() == [[False, True, True, False, True], [True, True, True, False, False]]


def test_a_long_batch_of_equal_losses_keeps_the_first() -> None:
    kept = smallest(torch.ones(2, 1000), 300)
    assert kept[:, :300].all() and not kept[:, 300:].any()


def test_none_and_all() -> None:
    assert not smallest(torch.rand(2, 4), 0).any()
    assert smallest(torch.rand(2, 4), 4).all()


@pytest.mark.parametrize(
    ("epoch", "options", "left_out"),
    [
        (0, {}, 0.0),
        (1, {}, 0.045),
        (5, {}, 0.225),
        (10, {}, 0.45),
        (150, {}, 0.45),
        (10, {"rate_scale": 0.5}, 0.225),
        (5, {"ramp_epochs": 20}, 0.1125),
        (20, {"rate_scale": 3.0}, 1.0),
    ],
)
def test_the_schedule(epoch: int, options: dict, left_out: float) -> None:
    state = TrainingState(epoch=epoch, noise_rate=0.45)
    assert CoTeaching(**options).left_out(state) == pytest.approx(left_out)


@pytest.mark.parametrize(("rate", "rows", "kept"), [(0.45, 128, 70), (0.2, 128, 102), (0.5, 7, 3), (0.5, 1, 0)])
def test_the_number_of_kept_rows_is_rounded_down(rate: float, rows: int, kept: int) -> None:
    log_probs = torch.randn(1, rows, 3, generator=torch.Generator().manual_seed(0)).log_softmax(-1)
    state = TrainingState(epoch=10, noise_rate=rate)
    found = MentorNet().supervise(log_probs, torch.zeros(rows, dtype=torch.int64), state)
    assert int(found.selected.sum()) == kept
    assert found.weights.sum().item() == pytest.approx(1.0 if kept else 0.0)


def test_more_than_two_peers_teach_in_a_circle() -> None:
    """Peer k learns what peer k-1 finds easy."""
    log_probs = torch.randn(3, 8, 4, generator=torch.Generator().manual_seed(2)).log_softmax(-1)
    labels = torch.arange(8) % 4
    state = TrainingState(epoch=10, noise_rate=0.5)
    own = MentorNet().supervise(log_probs, labels, state).selected
    taught = CoTeaching().supervise(log_probs, labels, state).selected
    assert torch.equal(taught, torch.stack([own[2], own[0], own[1]]))

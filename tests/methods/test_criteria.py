from __future__ import annotations

import math

import pytest
import torch

from clc_text.methods.criteria import CRITERIA, confidence, energy, entropy, margin, mean_threshold, share_of_maximum

PROBS = [0.5, 0.25, 0.25]


def test_by_hand() -> None:
    """H = 0.5 ln 2 + 2·0.25 ln 4 = 1.5 ln 2; margin 1 - (0.5 - 0.25); confidence 1 - 0.5; energy -ln(3 e^2)."""
    log_probs = torch.tensor(PROBS, dtype=torch.float64).log()
    assert entropy(log_probs).item() == pytest.approx(1.5 * math.log(2))
    assert margin(log_probs).item() == pytest.approx(0.75)
    assert confidence(log_probs).item() == pytest.approx(0.5)
    assert energy(torch.full((3,), 2.0)).item() == pytest.approx(-2 - math.log(3))


@pytest.mark.parametrize("name", sorted(CRITERIA))
def test_a_surer_prediction_has_less_doubt(name: str) -> None:
    logits = torch.tensor([[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [4.0, 0.0, 0.0], [60.0, 0.0, 0.0]])
    doubts = CRITERIA[name](logits if name == "energy" else logits.log_softmax(-1))
    assert doubts.shape == (4,)
    assert (doubts.diff() < 0).all()
    assert doubts.isfinite().all()


def test_the_energy_is_lost_in_log_probabilities() -> None:
    logits = 3 * torch.randn(20, 5, generator=torch.Generator().manual_seed(0))
    assert energy(logits).std() > 0.5
    assert energy(logits.log_softmax(-1)).abs().max() < 1e-5


@pytest.mark.parametrize("name", ["entropy", "margin", "confidence"])
def test_one_class_leaves_no_doubt(name: str) -> None:
    assert CRITERIA[name](torch.zeros(3, 1)).abs().tolist() == [0, 0, 0]


def test_threshold_and_share() -> None:
    assert mean_threshold(torch.tensor([[1.0, 3.0], [0.0, 1.0]])).tolist() == [2.0, 0.5]
    assert share_of_maximum(math.log(6), 6) == pytest.approx(1.0)
    assert share_of_maximum(0.0, 1) == 0.0

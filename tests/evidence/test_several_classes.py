"""Views of classes several of which may hold: weighed by the labels, through noise that is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from sklearn.metrics import average_precision_score

from clc_text.evidence.mixture import judge
from clc_text.evidence.several_classes import EVEN, beliefs_of_each, mixtures_of_each, weighed
from clc_text.noise.estimation.half_trust import ROOM

FLIPS = np.array([[0.8, 0.2], [0.2, 0.8]])
LEFT_OUT = np.array([[1.0, 0.0], [0.4, 0.6]])


def rows(noise: np.ndarray, count: int = 900) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Features [N, 8], which of three classes are given, and which hold: the last of 2 %, and no feature tells it."""
    random = np.random.default_rng(0)
    holds = (random.random((count, 3)) < [0.5, 0.3, 0.02]).astype(np.int64)
    features = 1.5 * holds[:, :2] @ np.eye(2, 8) + random.normal(size=(count, 8))
    given = (random.random(holds.shape) < noise[holds, 1]).astype(np.int64)
    return features.astype(np.float32), given, holds


@pytest.mark.parametrize("noise", [FLIPS, LEFT_OUT], ids=["flips", "left out"])
def test_weights_are_those_of_the_likeliest_labels(noise: np.ndarray) -> None:
    """Against the sum as it is written, added up number by number: nothing near is better."""
    random = np.random.default_rng(1)
    _, given, holds = rows(noise, 200)
    odds = np.stack([2 * holds - 1 + random.normal(size=holds.shape), random.normal(size=holds.shape)])
    each = np.stack([noise] * 3)

    def lost(weights: np.ndarray, biases: np.ndarray) -> float:
        value = 0.0
        for row in range(200):
            for one in range(3):
                log_odds = sum(weights[view] * odds[view, row, one] for view in range(2)) + biases[one]
                held = 1 / (1 + math.exp(-log_odds))
                yes = noise[0, 1] * (1 - held) + noise[1, 1] * held
                value -= math.log(yes if given[row, one] else 1 - yes)
        return value + EVEN / 2 * float(((weights - 0.5) ** 2).sum())

    weights, biases = weighed(odds, given, each)
    assert weights[0] > 5 * weights[1] >= 0
    least = lost(weights, biases)
    for _ in range(10):
        aside = np.maximum(weights + 0.1 * random.normal(size=2), 0)
        assert lost(aside, biases + 0.1 * random.normal(size=3)) > least - 1e-3


@pytest.mark.parametrize("noise", [FLIPS, LEFT_OUT], ids=["flips", "left out"])
def test_classes_that_no_view_has_learnt_are_judged_by_their_noise(noise: np.ndarray) -> None:
    features, given, holds = rows(noise)
    made = mixtures_of_each(features, None, None, given, np.stack([noise] * 3), 0)
    assert made is not None and [one.views for one in made] == [("linear", "neighbours")] * 3
    found = []
    for one, held in zip(made, given.T, strict=True):
        assert one.weights is not None
        found.append(
            judge(one.log_probs, one.weights, held, one.noise.sharpness, one.noise.transition, one.bias, ROOM).wrong
        )
    doubt, wrong = np.stack(found, 1), given != holds
    assert average_precision_score(wrong.ravel(), doubt.ravel()) > 2 * wrong.mean()
    rare = doubt[:, 2][given[:, 2] > 0]
    assert (rare > 0.9).all() if noise is FLIPS else (rare < 0.2).all()
    beliefs = beliefs_of_each(made)
    assert beliefs.sum(2) == pytest.approx(1)
    assert beliefs[..., 1].mean(0) == pytest.approx(holds.mean(0), abs=0.07)


def test_rows_that_are_all_alike_are_judged_by_networks_alone_or_not_at_all() -> None:
    _, given, _ = rows(FLIPS, 100)
    each, alike = np.stack([FLIPS] * 3), np.ones((100, 4), np.float32)
    assert mixtures_of_each(alike, None, None, given, each, 0) is None
    assert mixtures_of_each(None, csr_matrix((100, 5), dtype=np.float32), None, given, each, 0) is None
    made = mixtures_of_each(alike, None, np.full((100, 3), 0.3), given, each, 0)
    assert made is not None and made[0].views == ("networks",)

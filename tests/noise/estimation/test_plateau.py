"""The noise of each class by where the share of rows that were given it levels off."""

from __future__ import annotations

import numpy as np
import pytest

from clc_text.noise.estimation.plateau import plateau, undone

ROWS, FOLDS = 1200, 4


@pytest.fixture(scope="module")
def rows() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Features [N, D], what holds [N, 3] by a logistic law of them, and folds."""
    random = np.random.default_rng(0)
    features = random.normal(size=(ROWS, 12))
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    odds = features @ random.normal(size=(12, 3)) * 9 - 0.7
    holds = (random.random((ROWS, 3)) < 1 / (1 + np.exp(-odds))).astype(np.int64)
    return features, holds, random.integers(0, FOLDS, ROWS)


@pytest.mark.parametrize(("left", "wrong"), [(0.4, 0.0), (0.2, 0.2)])
def test_finds_both_rates_without_a_clean_label(
    rows: tuple[np.ndarray, np.ndarray, np.ndarray], left: float, wrong: float
) -> None:
    features, holds, fold = rows
    drawn = np.random.default_rng(1).random(holds.shape)
    given = np.where(drawn < np.where(holds > 0, left, wrong), 1 - holds, holds)
    found = plateau(features, given, fold)
    assert found.transition.sum(-1) == pytest.approx(1)
    assert found.transition[:, 1, 0] == pytest.approx(left, abs=0.1)
    assert found.transition[:, 0, 1] == pytest.approx(wrong, abs=0.06)
    rate, low, high = found.rates(given)
    assert (low <= rate).all() and (rate <= high).all()
    assert low.mean() < (given != holds).mean() < high.mean()
    assert rate.mean() == pytest.approx((given != holds).mean(), abs=0.03)


def test_sound_labels_show_no_noise(rows: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    features, holds, fold = rows
    found = plateau(features, holds, fold)
    assert (found.transition == np.eye(2)).all()
    assert found.rates(holds)[2].mean() < 0.05


def test_labels_drawn_at_random_show_none_either() -> None:
    """Nothing levels off where nothing is learnt, and a rate would be a guess: the ends say how little is known."""
    random = np.random.default_rng(3)
    features, given = random.normal(size=(300, 8)), random.integers(0, 2, (300, 2))
    found = plateau(features, given, random.integers(0, FOLDS, 300))
    assert (found.transition == np.eye(2)).all()
    assert found.rates(given)[2].mean() > 0.1


def test_a_constant_class_and_more_dimensions_than_rows() -> None:
    random = np.random.default_rng(4)
    features, given = random.normal(size=(40, 500)), np.zeros((40, 2), np.int64)
    found = plateau(features, given, random.integers(0, FOLDS, 40))
    assert np.isfinite(found.transition).all()
    assert (found.rates(given)[0] == 0).all()


def test_undone_is_the_inverse_of_the_noise() -> None:
    matrix = np.array([[0.9, 0.1], [0.4, 0.6]])
    true = np.array([[0.2, 0.8], [1.0, 0.0]])
    assert undone(true @ matrix, matrix) == pytest.approx(true)
    assert undone(np.array([[0.0, 1.0]]), matrix) == pytest.approx(np.array([[0.0, 1.0]]))

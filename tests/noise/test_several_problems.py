"""Several classes that may hold at once: each has a noise matrix of its own, as if it were alone."""

from __future__ import annotations

import numpy as np
import pytest

from clc_text.data.folds import assign_folds, rarest_of
from clc_text.noise.estimation.gain import gain_over_shares, gains_over_shares
from clc_text.noise.estimation.noise_fit import (
    fit_noise,
    fit_shares,
    fit_transition,
    log_likelihood,
    posterior_labels,
)

ROWS, CLASSES = 3000, 3
RATES = (0.0, 0.2, 0.4)  # of missing positives, by class


@pytest.fixture(scope="module")
def drawn() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Logits [N, K, 2], given labels [N, K] and true ones."""
    random = np.random.default_rng(0)
    odds = random.normal(-1.0, 3.0, (ROWS, CLASSES))
    true = (random.random((ROWS, CLASSES)) < 1 / (1 + np.exp(-odds))).astype(np.int64)
    missing = random.random((ROWS, CLASSES)) < np.array(RATES)
    return np.stack([np.zeros_like(odds), odds], -1), np.where(missing, 0, true), true


def test_each_class_is_fitted_by_itself(drawn: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    logits, labels, _ = drawn
    plain = fit_noise(logits, labels)
    found = fit_shares(plain, labels)
    assert found.transition.shape == (CLASSES, 2, 2)
    for one in range(CLASSES):
        alone = fit_shares(fit_noise(logits[:, one], labels[:, one]), labels[:, one])
        np.testing.assert_allclose(found.transition[one], alone.transition)
        np.testing.assert_allclose(found.probs[:, one], alone.probs)
        assert plain.transition[one, 1, 0] == pytest.approx(RATES[one], abs=0.04)
        assert plain.transition[one, 0, 1] < 0.02
        np.testing.assert_allclose(
            fit_transition(found.probs, labels)[one], fit_transition(found.probs[:, one], labels[:, one])
        )


def test_posterior_and_likelihood_of_every_pair(drawn: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    logits, labels, _ = drawn
    found = fit_noise(logits, labels)
    posterior = posterior_labels(found.probs, labels, found.transition)
    total = 0.0
    for row in range(0, ROWS, 97):
        for one in range(CLASSES):
            p, t = found.probs[row, one], found.transition[one][:, labels[row, one]]
            np.testing.assert_allclose(posterior[row, one], p * t / (p * t).sum())
    for row in range(ROWS):
        for one in range(CLASSES):
            total += np.log((found.probs[row, one] * found.transition[one][:, labels[row, one]]).sum())
    assert log_likelihood(found.probs, labels, found.transition) == pytest.approx(total / ROWS / CLASSES)


def test_the_gain_of_a_row_is_that_of_all_its_classes(drawn: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    logits, labels, _ = drawn
    probs, fold = fit_noise(logits, labels).probs, np.arange(ROWS) % 5
    each = sum(gains_over_shares(probs[:, one], labels[:, one], fold) for one in range(CLASSES))
    np.testing.assert_allclose(gains_over_shares(probs, labels, fold), each)
    assert gain_over_shares(probs, labels, fold)[0] == pytest.approx(float(each.mean()))


def test_rows_are_dealt_out_by_the_rarest_class_that_holds() -> None:
    labels = np.array([[1, 0, 0], [1, 1, 0], [0, 0, 0], [1, 0, 1], [1, 1, 0]])
    assert rarest_of(labels).tolist() == [1, 2, 0, 3, 2]
    random = np.random.default_rng(1)
    many = (random.random((500, 4)) < [0.5, 0.2, 0.1, 0.04]).astype(np.int64)
    fold = assign_folds(rarest_of(many), 5, seed=0)
    for one in range(4):
        held = np.bincount(fold[many[:, one] > 0], minlength=5)
        assert held.max() - held.min() <= 0.15 * held.mean() + 8

"""Expectation-maximisation on tables that keep the best classes of a row, beside that on all of the same rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from clc_text.data import best_classes
from clc_text.data.best_classes import BestClasses
from clc_text.noise.canaries import before_flips
from clc_text.noise.estimation import noise_fit as module
from clc_text.noise.estimation import of_best
from clc_text.noise.estimation.gain import gain_over_shares
from clc_text.noise.estimation.half_trust import half_trusted, never_certain
from clc_text.noise.estimation.noise_fit import (
    NoiseFit,
    counts_by,
    fit_noise,
    fit_shares,
    fit_transition,
    log_likelihood,
    posterior_labels,
    sharpened,
    shrunk,
    softmax,
)
from clc_text.noise.estimation.rate_interval import rate_of
from clc_text.noise.estimation.targets import targets_of

ROWS, CLASSES, KEPT = 500, 120, 30


def problem(
    classes: int = CLASSES, rows: int = ROWS, wrong: float = 0.2
) -> tuple[BestClasses, np.ndarray, np.ndarray]:
    """Log-probabilities that know something of the true classes, given and true classes."""
    random = np.random.default_rng(0)
    true = random.integers(0, classes, rows)
    given = np.where(random.random(rows) < 0.2, random.integers(0, classes, rows), true)
    logits = random.normal(size=(rows, classes))
    logits[np.arange(rows), true] += 4.0
    table = BestClasses.empty(given, classes, logs=True)
    table[:] = np.log(softmax(logits))
    return table, given, true


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> tuple[BestClasses, np.ndarray]:
    monkeypatch.setattr(best_classes, "BEST", KEPT)
    monkeypatch.setattr(of_best, "_ROWS_AT_ONCE", 64)
    table, given, _ = problem()
    return table, given


def literal_counts(probs: np.ndarray, labels: np.ndarray, transition: np.ndarray) -> np.ndarray:
    counts = np.zeros_like(transition)
    for row, given in enumerate(labels):
        joint = probs[row] * transition[:, given]
        counts[:, given] += joint / joint.sum()
    return counts


def test_a_step_counts_what_a_row_after_row_count_does(kept: tuple[BestClasses, np.ndarray]) -> None:
    table, labels = kept
    probs = sharpened(table, 1.4)
    whole = probs[:]
    transition = shrunk(counts_by(whole, labels))
    found = of_best.counts_of_best(probs, labels)
    np.testing.assert_allclose(found(transition), literal_counts(whole, labels, transition), rtol=1e-6, atol=1e-12)
    np.testing.assert_allclose(found(None), counts_by(whole, labels), rtol=1e-6, atol=1e-12)
    weights = np.linspace(0.2, 3, CLASSES)
    weighed = whole * weights / (whole @ weights)[:, None]
    np.testing.assert_allclose(of_best.weighed_sums(probs, weights), weighed.sum(0), rtol=1e-6)


def test_fits_are_those_of_the_same_rows_with_all_classes(kept: tuple[BestClasses, np.ndarray]) -> None:
    table, labels = kept
    whole = table[:]
    for power in (0.5, 1.0, 2.0):
        np.testing.assert_allclose(sharpened(table, power)[:], sharpened(whole, power), rtol=1e-5)
    one, other = fit_noise(table, labels, rounds=5), fit_noise(whole, labels, rounds=5)
    assert one.sharpness == other.sharpness
    assert one.log_likelihood == pytest.approx(other.log_likelihood, rel=1e-6)
    np.testing.assert_allclose(one.transition, other.transition, rtol=1e-4, atol=1e-9)
    np.testing.assert_allclose(one.probs[:], other.probs, rtol=1e-5)
    transition = other.transition
    fold = np.arange(ROWS) % 3
    functions: list[Callable[[Any], Any]] = [
        lambda probs: log_likelihood(probs, labels, transition),
        lambda probs: gain_over_shares(probs, labels, fold),
        lambda probs: rate_of(probs, labels, transition),
        lambda probs: fit_transition(probs, labels, transition, 3),
    ]
    for function in functions:
        np.testing.assert_allclose(function(one.probs), function(other.probs), rtol=1e-3, atol=1e-9)


def test_what_is_believed_is_what_all_classes_say_of_the_best_of_them(kept: tuple[BestClasses, np.ndarray]) -> None:
    table, labels = kept
    probs = sharpened(table, 1.0)
    whole = probs[:]
    transition = never_certain(shrunk(counts_by(whole, labels)))
    for function in (posterior_labels, half_trusted):
        one, other = function(probs, labels, transition), function(whole, labels, transition)
        np.testing.assert_allclose(one[:].sum(1), 1, rtol=1e-5)
        np.testing.assert_allclose(one.values, np.take_along_axis(other, one.classes.astype(int), 1), rtol=1e-5)
        np.testing.assert_array_equal(one.argmax(1), other.argmax(1))


def test_shares_are_fitted_as_on_all_classes(kept: tuple[BestClasses, np.ndarray]) -> None:
    table, labels = kept
    probs = sharpened(table, 1.0)
    transition = shrunk(counts_by(probs[:], labels))
    one = fit_shares(NoiseFit(0.0, 1.0, transition, probs), labels, rounds=4)
    other = fit_shares(NoiseFit(0.0, 1.0, transition, probs[:]), labels, rounds=4)
    np.testing.assert_allclose(one.transition, other.transition, rtol=1e-5, atol=1e-12)
    best = np.take_along_axis(other.probs, one.probs.classes.astype(int), 1)
    np.testing.assert_allclose(one.probs.values, best, rtol=1e-4)


def test_what_is_taught_is_near_what_all_classes_teach(kept: tuple[BestClasses, np.ndarray]) -> None:
    table, labels = kept
    one, other = targets_of(table, labels), targets_of(table[:], labels)
    assert (one.argmax(1) == other.argmax(1)).mean() > 0.97


def test_of_thousands_of_classes_labels_that_were_held_out_tell_how_even_noise_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "DENSE_CLASSES", 99)
    random = np.random.default_rng(1)
    table, given, true = problem(100, 1_500)
    spread = fit_noise(table, given)
    assert spread.even_rows == max(module.ROWS_OF_MANY)
    wrong = (given != true).mean()
    believed = posterior_labels(spread.probs, given, spread.transition)
    assert abs(1 - believed.of_labels(given).mean() - wrong) < 0.05
    moved = np.where(random.random(1_500) < 0.35, (true + 1) % 100, true)
    again = BestClasses.empty(moved, 100, logs=True)
    again[:] = problem(100, 1_500)[0][:]
    assert fit_noise(again, moved).even_rows == min(module.ROWS_OF_MANY)


def test_matrices_of_thousands_of_classes_are_made_in_place_and_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    counts = np.random.default_rng(0).random((30, 30)) + 40 * np.eye(30)
    transition = shrunk(counts)
    plain = shrunk(counts), never_certain(transition), before_flips(transition, 0.02)
    for name in ("noise_fit", "half_trust"):
        monkeypatch.setattr(f"clc_text.noise.estimation.{name}.DENSE_CLASSES", 20)
    monkeypatch.setattr("clc_text.noise.canaries.DENSE_CLASSES", 20)
    rows = min(0.1 * counts.sum() / 30, module.MOST_ROWS)
    many = shrunk(counts, rows), never_certain(transition), before_flips(transition, 0.02)
    for one, other in zip(plain, many, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-12)

"""The interval of the share of wrong labels, against simulated runs whose truth is known."""

from __future__ import annotations

import numpy as np
import pytest

from clc_text.noise.estimation.expectation_maximisation import em_weighted
from clc_text.noise.estimation.noise_fit import (
    fit_noise,
    fit_shares,
    fit_transition,
    log_likelihood,
    shrunk,
    softmax,
)
from clc_text.noise.estimation.rate_interval import _at_the_best, rate_interval, rate_of

ROUNDS = 3


def simulated(seed: int) -> tuple[bool, float, float]:
    """A run as cross-fitting sees it: rounds of networks that are too flat or too sure, and prefer some classes.

    Returns:
        Whether the interval holds the share of wrong labels, by how much the estimate is off, and half its width.
    """
    random = np.random.default_rng(seed)
    classes, rows = int(random.choice([3, 5, 8])), int(random.choice([600, 1200]))
    rate = random.uniform(0.05, 0.5)
    known = random.uniform(2.0, 4.0) * random.normal(size=(rows, classes))
    true = (softmax(known).cumsum(1) < random.random((rows, 1))).sum(1).clip(max=classes - 1)
    if random.random() < 0.5:
        rate = min(rate, 0.45)
        elsewhere = np.roll(np.eye(classes), 1, axis=1)
    else:
        elsewhere = (1 - np.eye(classes)) / (classes - 1)
    transition = (1 - rate) * np.eye(classes) + rate * elsewhere
    given = (transition[true].cumsum(1) < random.random((rows, 1))).sum(1).clip(max=classes - 1)
    power, bias = random.uniform(0.5, 2.0), random.normal(0, 0.2, classes)
    of_rounds = [power * (known + bias + random.normal(0, 0.5, known.shape)) for _ in range(ROUNDS)]
    fits = [fit_noise(one, given) for one in of_rounds]
    fit = fit_shares(fit_noise(np.log(np.mean([softmax(one) for one in of_rounds], 0) + 1e-12), given), given)
    rates = [rate_of(one.probs, given, one.transition) for one in fits]
    low, high = rate_interval(fit.probs, given, fit.transition, 30, rates)
    wrong = float((given != true).mean())
    return low <= wrong <= high, rate_of(fit.probs, given, fit.transition) - wrong, (high - low) / 2


def test_the_interval_holds_the_truth_in_nine_of_ten_simulated_runs() -> None:
    found = [simulated(seed) for seed in range(60)]
    assert sum(one[0] for one in found) >= 54
    # Not by being wide: it is no more than four times as wide as the estimates are off.
    assert np.mean([one[2] for one in found]) < 4 * np.abs([one[1] for one in found]).mean()


def a_problem(rows: int = 400, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Probabilities, given labels and T, with labels that are wrong by it."""
    random = np.random.default_rng(seed)
    transition = np.array([[0.7, 0.2, 0.1], [0.1, 0.8, 0.1], [0.0, 0.4, 0.6]])
    probs = random.dirichlet(np.full(3, 0.4), rows)
    true = (probs.cumsum(1) < random.random((rows, 1))).sum(1).clip(max=2)
    given = (transition[true].cumsum(1) < random.random((rows, 1))).sum(1).clip(max=2)
    return probs, given, transition


def test_weighted_rows_are_fitted_as_repeated_ones() -> None:
    """T, rate and likelihood of several weightings at once, against `fit_transition` on copies of the rows."""
    probs, given, _ = a_problem(150)
    weights = np.random.default_rng(1).integers(0, 3, (4, 150))
    matrices, rates, likelihoods = em_weighted(probs, given, weights.astype(float), 7, shrunk)
    begun, *_ = em_weighted(probs, given, weights.astype(float), 7, shrunk, np.full((3, 3), 1 / 3) + np.eye(3))
    for times, matrix, rate, likelihood, other in zip(weights, matrices, rates, likelihoods, begun, strict=True):
        p, y = probs.repeat(times, 0), given.repeat(times)
        literal = fit_transition(p, y, rounds=7)
        np.testing.assert_allclose(matrix, literal, atol=1e-10)
        np.testing.assert_allclose(other, fit_transition(p, y, np.full((3, 3), 1 / 3) + np.eye(3), 7), atol=1e-10)
        assert rate == pytest.approx(rate_of(p, y, literal))
        assert likelihood == pytest.approx(log_likelihood(p, y, literal))


def test_the_best_sharpness_is_read_off_a_parabola() -> None:
    steps = np.arange(5.0)[:, None]
    likelihoods = -((steps - np.array([[2.3, 0.0, 9.0]])) ** 2)
    rates = 0.1 + 0.02 * steps + 0.001 * steps**2 + np.zeros((1, 3))
    expected = [0.1 + 0.02 * x + 0.001 * x**2 for x in (2.3, 0.0, 4.0)]  # the last is best beyond what was tried
    np.testing.assert_allclose(_at_the_best(likelihoods, rates), expected)


def half(probs: np.ndarray, given: np.ndarray, transition: np.ndarray, of_rounds: tuple[float, ...] = ()) -> float:
    """Half the interval's width; its middle is what T implies."""
    low, high = rate_interval(probs, given, transition, 40, of_rounds)
    assert (low + high) / 2 == pytest.approx(rate_of(probs, given, transition))
    return (high - low) / 2


def test_what_makes_the_interval_wider() -> None:
    probs, given, _ = a_problem(2000)
    fit = fit_noise(np.log(probs), given)
    plain = half(fit.probs, given, fit.transition)
    assert half(fit.probs, given, fit.transition, (0.2,)) == plain  # one round has no spread
    spread = (0.2, 0.26)
    wider = (plain**2 + 1.96**2 * np.var(spread, ddof=1)) ** 0.5
    assert half(fit.probs, given, fit.transition, spread) == pytest.approx(wider)
    flat = softmax(0.6 * np.log(fit.probs))  # a sharpness beside the best
    assert half(flat, given, fit_transition(flat, given)) > 1.5 * plain
    few = slice(0, 200)
    assert half(fit.probs[few], given[few], fit.transition) > 1.5 * plain


def test_many_classes_keep_their_sharpness(monkeypatch: pytest.MonkeyPatch) -> None:
    from clc_text.noise.estimation import rate_interval as module

    probs, given, transition = a_problem()
    monkeypatch.setattr(module, "MANY_CLASSES", 2)
    monkeypatch.setattr(module, "sharpened", lambda *_: pytest.fail("the sharpness was tried"))
    low, high = rate_interval(probs, given, transition, 20)
    assert 0 < low < rate_of(probs, given, transition) < high < 1

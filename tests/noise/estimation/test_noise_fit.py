"""The estimates against slow, literal references, and against noise that is known."""

from __future__ import annotations

import math

import numpy as np
import pytest

from clc_text.noise.estimation import noise_fit as module
from clc_text.noise.estimation.gain import gain_over_shares
from clc_text.noise.estimation.half_trust import half_trusted, never_certain
from clc_text.noise.estimation.noise_fit import (
    SHRINKAGE,
    NoiseFit,
    fit_noise,
    fit_shares,
    fit_transition,
    log_likelihood,
    posterior_labels,
    shrunk,
    softmax,
)


def noisy_problem(rows: int, transition: np.ndarray, sureness: float, seed: int = 0) -> tuple[np.ndarray, ...]:
    """Log-probabilities that are calibrated, the classes drawn from them, and labels that went through the noise."""
    random = np.random.default_rng(seed)
    classes = len(transition)
    probs = softmax(sureness * random.normal(size=(rows, classes)))
    true = np.array([random.choice(classes, p=row) for row in probs])
    given = np.array([random.choice(classes, p=transition[c]) for c in true])
    return np.log(probs), true, given


def pairwise(classes: int, rate: float) -> np.ndarray:
    return (1 - rate) * np.eye(classes) + rate * np.roll(np.eye(classes), 1, axis=1)


def test_one_round_by_hand() -> None:
    probs = np.array([[0.7, 0.3], [0.2, 0.8], [0.6, 0.4]])
    labels = np.array([0, 1, 1])
    start = np.array([[0.9, 0.1], [0.3, 0.7]])
    counts = np.zeros((2, 2))
    for p, y in zip(probs, labels, strict=True):
        joint = [p[c] * start[c, y] for c in range(2)]
        for c in range(2):
            counts[c, y] += joint[c] / sum(joint)
    stay = (counts[0, 0] + counts[1, 1]) / 3
    expected = np.zeros((2, 2))
    for c in range(2):
        for k in range(2):
            average = stay if c == k else 1 - stay
            expected[c, k] = counts[c, k] + SHRINKAGE * 3 / 2 * average
        expected[c] /= expected[c].sum()
    np.testing.assert_allclose(fit_transition(probs, labels, start, rounds=1), expected, rtol=1e-12)


def test_shrinkage_gives_a_class_without_rows_the_average_noise() -> None:
    found = shrunk(np.array([[8.0, 2.0, 0.0], [0.0, 10.0, 0.0], [0.0, 0.0, 0.0]]))
    np.testing.assert_allclose(found.sum(1), 1)
    np.testing.assert_allclose(found[2], [0.05, 0.05, 0.9])


@pytest.mark.parametrize("rate", [0.2, 0.45])
def test_of_many_rows_the_matrix_is_found_as_it_is(rate: float) -> None:
    """What is added to a class's rows must vanish beside them: exact predictions, 200,000 rows."""
    random = np.random.default_rng(0)
    probs = random.dirichlet(np.full(6, 0.25), 200_000)
    truth = pairwise(6, rate)
    true = (probs.cumsum(1) < random.random((len(probs), 1))).sum(1).clip(max=5)
    given = (truth[true].cumsum(1) < random.random((len(true), 1))).sum(1).clip(max=5)
    found = fit_transition(probs, given, rounds=60)
    assert abs(np.diag(found).mean() - (1 - rate)) < 0.004
    posterior = posterior_labels(probs, given, found)
    assert abs(1 - posterior[np.arange(len(given)), given].mean() - (given != true).mean()) < 0.004


@pytest.mark.parametrize("rate", [0.2, 0.4])
def test_the_matrix_is_found(rate: float) -> None:
    truth = pairwise(4, rate)
    logits, _, given = noisy_problem(8000, truth, sureness=4)
    found = fit_noise(logits, given)
    np.testing.assert_allclose(found.transition, truth, atol=0.05)
    assert found.sharpness == 1.0  # they were calibrated


@pytest.mark.parametrize(("flattened", "wanted"), [(0.5, 2.0), (2.0, 0.5)])
def test_sharpness_makes_up_for_predictions_too_flat_or_too_sure(flattened: float, wanted: float) -> None:
    truth = pairwise(4, 0.3)
    logits, _, given = noisy_problem(8000, truth, sureness=4)
    found = fit_noise(flattened * logits, given)
    assert found.sharpness == wanted
    np.testing.assert_allclose(found.transition, truth, atol=0.05)


def test_the_likelihood_by_hand() -> None:
    probs, labels = np.array([[0.7, 0.3], [0.2, 0.8]]), np.array([0, 1])
    transition = np.array([[0.9, 0.1], [0.3, 0.7]])
    expected = (math.log(0.7 * 0.9 + 0.3 * 0.3) + math.log(0.2 * 0.1 + 0.8 * 0.7)) / 2
    assert log_likelihood(probs, labels, transition) == pytest.approx(expected)


def test_the_posterior_by_hand_and_a_label_that_cannot_be() -> None:
    probs = np.array([[0.7, 0.3], [1.0, 0.0]])
    transition = np.array([[1.0, 0.0], [0.3, 0.7]])
    found = posterior_labels(probs, np.array([0, 1]), transition)
    np.testing.assert_allclose(found, [[0.7 / 0.79, 0.09 / 0.79], [1.0, 0.0]])


def test_posterior_labels_are_right_more_often_than_given_ones_and_predictions() -> None:
    logits, true, given = noisy_problem(4000, pairwise(4, 0.3), sureness=2)
    fit = fit_noise(logits, given)
    posterior = posterior_labels(fit.probs, given, fit.transition)
    right = (posterior.argmax(1) == true).mean()
    assert right > (given == true).mean() + 0.05
    assert right > (logits.argmax(1) == true).mean() + 0.05


def test_shares_of_classes_that_predictions_have_wrong() -> None:
    """Predictions that favour one class threefold: the weights take it back, and the labels get likelier."""
    random = np.random.default_rng(4)
    rows, classes = 6000, 4
    true = random.integers(0, classes, rows)
    logits = 2.0 * np.eye(classes)[true] + random.normal(0, 1, (rows, classes))
    sound = softmax(2.0 * logits)
    transition = 0.6 * np.eye(classes) + 0.1
    given = np.array([random.choice(classes, p=transition[label]) for label in true])
    bias = np.array([3.0, 1.0, 1.0, 0.5])
    skewed = sound * bias / (sound * bias).sum(1, keepdims=True)
    before = NoiseFit(log_likelihood(skewed, given, transition), 1.0, transition, skewed)
    after = fit_shares(before, given)
    assert after.log_likelihood > before.log_likelihood
    assert abs(after.probs.mean(0) - 0.25).max() < 0.5 * abs(skewed.mean(0) - 0.25).max()
    np.testing.assert_allclose(after.probs.sum(1), 1)
    np.testing.assert_allclose(after.transition.sum(1), 1)

    def right(fit: NoiseFit) -> float:
        return float((posterior_labels(fit.probs, given, fit.transition).argmax(1) == true).mean())

    assert right(after) > right(before) + 0.01


def test_one_round_of_shares_is_its_definition() -> None:
    random = np.random.default_rng(0)
    rows, classes = 7, 3
    probs = random.dirichlet(np.ones(classes), rows)
    labels = np.array([0, 1, 2, 0, 1, 0, 2])
    transition = random.dirichlet(np.ones(classes), classes)
    found = fit_shares(NoiseFit(0.0, 1.4, transition, probs), labels, rounds=1)
    posterior = [[probs[n, c] * transition[c, labels[n]] for c in range(classes)] for n in range(rows)]
    posterior = [[value / sum(row) for value in row] for row in posterior]
    even = 0.1 * rows / classes
    weights = [
        (sum(row[c] for row in posterior) + even) / (sum(probs[n, c] for n in range(rows)) + even)
        for c in range(classes)
    ]
    for n in range(rows):
        total = sum(probs[n, c] * weights[c] for c in range(classes))
        for c in range(classes):
            assert abs(found.probs[n, c] - probs[n, c] * weights[c] / total) < 1e-12
    assert found.sharpness == 1.4


@pytest.mark.parametrize("given", ["all", "some"])
@pytest.mark.parametrize("start", [False, True])
def test_many_classes_are_fitted_as_few_are(monkeypatch: pytest.MonkeyPatch, given: str, start: bool) -> None:
    """Another way to sum, the same sums: also where classes have no rows, and in blocks."""
    random = np.random.default_rng(0)
    classes, rows = 12, 300
    labels = random.integers(0, classes if given == "all" else classes - 4, rows)
    probs = softmax(2 * random.normal(size=(rows, classes)))
    begin = softmax(3 * np.eye(classes)) if start else None
    expected = fit_transition(probs, labels, begin)
    monkeypatch.setattr(module, "MANY_CLASSES", 5)
    np.testing.assert_allclose(fit_transition(probs, labels, begin), expected, atol=1e-10)
    monkeypatch.setattr(module, "_ROWS_AT_ONCE", 40)
    np.testing.assert_allclose(fit_transition(probs, labels, begin), expected, atol=1e-10)


# ---- given labels that are distributions ----


def test_of_distributions_one_round_by_hand() -> None:
    probs, start = np.array([[0.7, 0.3], [0.2, 0.8]]), np.array([[0.9, 0.1], [0.3, 0.7]])
    given = np.array([[0.6, 0.4], [0.1, 0.9]])
    counts = np.zeros((2, 2))
    for p, g in zip(probs, given, strict=True):
        joint = np.array([[p[c] * start[c, y] * g[y] for y in range(2)] for c in range(2)])
        counts += joint / joint.sum()
    np.testing.assert_allclose(fit_transition(probs, given, start, rounds=1), shrunk(counts), rtol=1e-12)
    both = [
        sum(p[c] * start[c, y] * g[y] for c in range(2) for y in range(2)) for p, g in zip(probs, given, strict=True)
    ]
    assert log_likelihood(probs, given, start) == pytest.approx(np.log(both).mean())


def test_a_distribution_on_one_class_is_that_class() -> None:
    logits, _, given = noisy_problem(500, pairwise(4, 0.4), 1.5)
    as_distributions = np.eye(4, dtype=np.float32)[given]
    one, other = (fit_shares(fit_noise(logits, labels), labels) for labels in (given, as_distributions))
    assert one.sharpness == other.sharpness
    np.testing.assert_allclose(one.transition, other.transition, atol=1e-10)
    np.testing.assert_allclose(
        posterior_labels(one.probs, given, one.transition),
        posterior_labels(other.probs, as_distributions, other.transition),
        atol=1e-10,
    )
    fold = np.arange(500) % 5
    np.testing.assert_allclose(
        gain_over_shares(one.probs, given, fold), gain_over_shares(one.probs, as_distributions, fold), atol=1e-10
    )
    trusted = never_certain(one.transition)
    np.testing.assert_allclose(
        half_trusted(one.probs, given, trusted), half_trusted(one.probs, as_distributions, trusted), atol=1e-10
    )


def test_an_even_distribution_says_nothing() -> None:
    logits, _, given = noisy_problem(300, pairwise(3, 0.3), 1.0)
    labels = np.eye(3)[given]
    labels[::2] = 1 / 3
    fit = fit_noise(logits, labels, sharpness=(1.0,))
    found = posterior_labels(fit.probs, labels, fit.transition)
    np.testing.assert_allclose(found[::2], fit.probs[::2], atol=1e-12)
    assert not np.allclose(found[1::2], fit.probs[1::2], atol=0.1)


def test_how_sure_a_label_is_tells_more_than_its_likeliest_class() -> None:
    """Each row has a sign of its class, and as its label what that says: the likeliest class is right on 70 %."""
    logits, true, _ = noisy_problem(4000, np.eye(4), 1.2)
    random = np.random.default_rng(1)
    sign = 1.4 * np.eye(4)[true] + random.normal(size=(4000, 4))
    labels = softmax(1.4 * sign)
    right = {}
    for name, given in (("distribution", labels), ("class", labels.argmax(1))):
        fit = fit_noise(logits, given, sharpness=(1.0,))
        right[name] = (posterior_labels(fit.probs, given, fit.transition).argmax(1) == true).mean()
    assert 0.6 < (labels.argmax(1) == true).mean() < 0.75
    assert right["distribution"] > right["class"] + 0.01 > (labels.argmax(1) == true).mean() + 0.05


def test_counts_that_are_known_beside_count_as_rows_do() -> None:
    logits, true, given = noisy_problem(800, pairwise(4, 0.4), 0.8)
    probs = softmax(logits)
    known = np.zeros((4, 4))
    np.add.at(known, (true, given), 1.0)
    told = fit_transition(probs, given, known=50 * known)
    np.testing.assert_allclose(told, shrunk(50 * known), atol=0.02)
    assert np.abs(fit_transition(probs, given) - shrunk(known)).max() > np.abs(told - shrunk(known)).max()

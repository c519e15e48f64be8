"""Noise by class beside noise near a decision: against its definition, row by row, and on labels of known noise."""

from __future__ import annotations

from importlib import import_module

import numpy as np
import pytest

from clc_text.noise.estimation.near_noise import (
    ALONE,
    BEGUN,
    CLEARLY,
    ROUNDS,
    _rows_of,
    class_weights,
    doubt_by_chance,
    explaining,
    fit_near_noise,
    moved_by_chance,
    near_others,
    posterior_of_both,
    posterior_with_shares,
)
from clc_text.noise.estimation.noise_fit import SHRINKAGE, matrix_of, shrunk, softmax

Drawn = tuple[np.ndarray, np.ndarray, np.random.Generator]


def drawn(rows: int, classes: int, seed: int, spread: float = 2.0) -> Drawn:
    """Probabilities [N, C], and true classes that are drawn by them."""
    random = np.random.default_rng(seed)
    probs = softmax(spread * random.normal(size=(rows, classes)))
    true = (probs.cumsum(1) > random.random((rows, 1))).argmax(1)
    return probs, true, random


def moved_near(probs: np.ndarray, true: np.ndarray, share: float, random: np.random.Generator) -> np.ndarray:
    """A share of the labels drawn anew by the other classes' probabilities."""
    others = probs.copy()
    others[np.arange(len(true)), true] = 0.0
    others /= others.sum(1, keepdims=True)
    near = (others.cumsum(1) > random.random((len(true), 1))).argmax(1)
    return np.where(random.random(len(true)) < share, near, true)


def moved_anywhere(classes: int, true: np.ndarray, share: float, random: np.random.Generator) -> np.ndarray:
    anywhere = (true + random.integers(1, classes, len(true))) % classes
    return np.where(random.random(len(true)) < share, anywhere, true)


def moved_on(classes: int, true: np.ndarray, share: float, random: np.random.Generator) -> np.ndarray:
    return np.where(random.random(len(true)) < share, (true + 1) % classes, true)


def literal_given(probs: np.ndarray, given: int, true: int, transition: np.ndarray, nearness: float) -> float:
    """P(y | c, x), a row at a time."""
    near = 0.0 if given == true else probs[given] / (1 - probs[true])
    return float((1 - nearness) * transition[true, given] + nearness * near)


def test_what_explains_a_label_row_by_row() -> None:
    probs, true, random = drawn(40, 4, 0)
    labels, transition = moved_on(4, true, 0.3, random), shrunk(random.random((4, 4)) + 5 * np.eye(4))
    found = explaining(probs, labels, transition, 0.2)
    wanted = [
        [literal_given(row, label, true, transition, 0.2) for true in range(4)]
        for row, label in zip(probs, labels.tolist(), strict=True)
    ]
    np.testing.assert_allclose(found, wanted)
    joint = probs * wanted
    np.testing.assert_allclose(
        posterior_of_both(probs, labels, transition, 0.2), joint / joint.sum(1, keepdims=True)
    )  # fmt: skip
    of_all = [explaining(probs, np.full(40, given), transition, 0.2) for given in range(4)]
    np.testing.assert_allclose(np.sum(of_all, 0), 1.0)  # for each true class the given ones' probabilities sum to 1


def test_rows_that_are_certain() -> None:
    probs = np.array([[1.0, 0.0], [0.0, 1.0]])
    np.testing.assert_array_equal(near_others(probs, np.array([0, 0])), [[0.0, 1.0], [0.0, 0.0]])


def literal_even(probs: np.ndarray, labels: np.ndarray, rounds: int) -> tuple[np.ndarray, float]:
    """Three weights by expectation-maximisation, over every row and every class it may be of."""
    rows, classes = probs.shape
    stay, move, near = 1 - 2 * BEGUN, BEGUN, BEGUN
    for _ in range(rounds):
        counts = np.zeros(3)
        for row, label in zip(probs, labels, strict=True):
            joint = np.zeros((classes, 3))
            for true in range(classes):
                if true == label:
                    joint[true, 0] = row[true] * stay
                else:
                    joint[true, 1] = row[true] * move / (classes - 1)
                    joint[true, 2] = row[true] * near * row[label] / (1 - row[true])
            counts += joint.sum(0) / joint.sum()
        stay, move, near = counts / rows
    moved = move / (stay + move)
    transition = np.full((classes, classes), moved / (classes - 1))
    np.fill_diagonal(transition, 1 - moved)
    return transition, float(near)


def literal_pairs(probs: np.ndarray, labels: np.ndarray, rounds: int) -> tuple[np.ndarray, float]:
    """A matrix and λ likewise; the matrix is begun with rows as they are predicted."""
    rows, classes = probs.shape
    counts, nearness = np.zeros((classes, classes)), BEGUN
    for row, label in zip(probs, labels, strict=True):
        counts[:, label] += row
    for _ in range(rounds):
        transition, near = shrunk(counts), 0.0
        counts = np.zeros((classes, classes))
        for row, label in zip(probs, labels, strict=True):
            by_class = row * (1 - nearness) * transition[:, label]
            by_row = np.array([
                0.0 if true == label else row[true] * nearness * row[label] / (1 - row[true])
                for true in range(classes)
            ])  # fmt: skip
            both = by_class.sum() + by_row.sum()
            counts[:, label] += by_class / both
            near += float(by_row.sum() / both)
        nearness = near / rows
    return shrunk(counts), nearness


@pytest.mark.parametrize("even", [True, False])
def test_a_fit_is_its_definition(even: bool) -> None:
    probs, true, random = drawn(400, 3, 1)
    labels = moved_on(3, true, 0.3, random)
    rows = _rows_of(probs, labels)
    found = rows.fitted(even, 5)
    transition, nearness = (literal_even if even else literal_pairs)(probs, labels, 5)
    np.testing.assert_allclose(found[0], transition)
    assert found[1] == pytest.approx(nearness)
    likely = [
        sum(row[true] * literal_given(row, label, true, transition, nearness) for true in range(3))
        for row, label in zip(probs, labels.tolist(), strict=True)
    ]
    assert rows.log_likelihoods(*found).mean() == pytest.approx(np.log(likely).mean())


def test_the_labels_tell_which_noise_they_have() -> None:
    probs, true, random = drawn(6000, 5, 2, spread=3.0)
    near = fit_near_noise(np.log(probs), moved_near(probs, true, 0.15, random))
    assert near.nearness == pytest.approx(0.15, abs=0.04) and np.diag(near.transition).min() > 0.97
    anywhere = fit_near_noise(np.log(probs), moved_anywhere(5, true, 0.15, random))
    assert anywhere.nearness < 0.03 and np.diag(anywhere.transition) == pytest.approx(0.85, abs=0.05)
    on = fit_near_noise(np.log(probs), moved_on(5, true, 0.15, random))
    assert on.nearness < 0.03
    np.testing.assert_allclose(np.roll(on.transition, -1, 1).diagonal(), 0.15, atol=0.05)


def test_a_matrix_of_pairs_is_found_where_there_are_pairs() -> None:
    probs, true, random = drawn(1000, 10, 5, spread=3.0)
    even = fit_near_noise(np.log(probs), moved_anywhere(10, true, 0.3, random)).transition
    assert np.ptp(np.diag(even)) == pytest.approx(0)  # 89 numbers more, for nothing
    on = fit_near_noise(np.log(probs), moved_on(10, true, 0.3, random)).transition
    assert (np.roll(on, -1, 1).diagonal() > 0.1).all()


def test_a_matrix_is_not_taken_for_a_slight_lead(monkeypatch: pytest.MonkeyPatch) -> None:
    """Predictions of few rows that prefer some classes look like noise of these classes, where it is even."""

    def taken() -> int:
        found = 0
        for seed in range(12):
            probs, true, random = drawn(200, 6, 20 + seed)
            labels = moved_anywhere(6, true, 0.2, random)
            fit = fit_near_noise(np.log(probs) + random.normal(size=6), labels)
            found += int(np.ptp(np.diag(fit.transition)) > 1e-9)
        return found

    clearly = taken()
    monkeypatch.setattr(import_module("clc_text.noise.estimation.near_noise"), "CLEARLY", 0.0)
    assert clearly <= 3 < 5 <= taken()


def test_how_far_noise_is_ahead_of_predictions_alone_row_by_row() -> None:
    probs, true, random = drawn(200, 3, 12)
    labels = moved_near(probs, true, 0.2, random)
    found = fit_near_noise(np.log(probs), labels)
    even = np.ptp(np.diag(found.transition)) < 1e-9
    order = np.argsort(labels, kind="stable")
    apart = []
    for own, other in ((order[::2], order[1::2]), (order[1::2], order[::2])):
        powers = {}
        for power in (found.sharpness, *ALONE):
            flat = probs**power / (probs**power).sum(1, keepdims=True)
            powers[sum(np.log(flat[row, labels[row]]) for row in other)] = flat
        flat = powers[max(powers)]
        sharp = probs**found.sharpness / (probs**found.sharpness).sum(1, keepdims=True)
        transition, nearness = _rows_of(sharp[other], labels[other]).fitted(even, ROUNDS)
        for row in own:
            likely = sum(
                sharp[row, one] * literal_given(sharp[row], labels[row], one, transition, nearness) for one in range(3)
            )
            apart.append(np.log(likely) - np.log(flat[row, labels[row]]))
    assert found.ahead == pytest.approx(np.mean(apart) / (np.std(apart) / 200**0.5))


@pytest.mark.parametrize("sharpness", [0.5, 1.0, 2.0])
def test_noise_is_ahead_where_there_is_some(sharpness: float) -> None:
    probs, true, random = drawn(4000, 5, 13, spread=3.0)
    logits = np.log(probs) / sharpness
    assert fit_near_noise(logits, true).ahead < CLEARLY
    for labels in (moved_near(probs, true, 0.1, random), moved_anywhere(5, true, 0.03, random)):
        assert fit_near_noise(logits, labels).ahead > CLEARLY
    assert fit_near_noise(logits, np.eye(5)[labels]).ahead is None  # of distributions it says nothing
    alike, asked = fit_near_noise(logits, labels, compared=False), fit_near_noise(logits, labels)
    assert alike.ahead is None and alike.nearness == asked.nearness and (alike.transition == asked.transition).all()


@pytest.mark.parametrize("classes", [2, 5])
def test_labels_are_doubted_by_chance_as_much_as_a_rate_says(classes: int) -> None:
    random = np.random.default_rng(17)
    given = random.dirichlet(np.full(classes, 0.3), size=800)[:, 0].clip(1e-5, 1)
    for rate in (0.001, 0.1, 0.6):
        moved = moved_by_chance(given, rate, classes)
        found = doubt_by_chance(given, moved, classes)
        literal = [
            (1 - p) * moved / (classes - 1) / (p * (1 - moved) + (1 - p) * moved / (classes - 1)) for p in given
        ]
        np.testing.assert_allclose(found, literal, atol=1e-9)
        assert found.mean() == pytest.approx(rate, rel=1e-3)
    certain = np.ones(3)
    assert (doubt_by_chance(certain, moved_by_chance(certain, 0.1, classes), classes) == 0).all()


def test_two_classes_may_differ_by_a_slight_lead() -> None:
    probs, true, random = drawn(3000, 2, 11, spread=3.0)
    labels = np.where((true == 1) & (random.random(3000) < 0.08), 0, true)
    wrong = fit_near_noise(np.log(probs), labels).transition
    assert wrong[1, 0] > 2 * wrong[0, 1]


def test_sharpness_makes_up_for_predictions_too_flat() -> None:
    probs, true, random = drawn(4000, 4, 3, spread=3.0)
    assert fit_near_noise(np.log(probs) / 2, moved_near(probs, true, 0.1, random)).sharpness == 2.0


def test_the_posterior_ranks_wrong_labels_of_both_kinds() -> None:
    from sklearn.metrics import average_precision_score

    probs, true, random = drawn(6000, 5, 4, spread=3.0)
    for labels in (moved_near(probs, true, 0.12, random), moved_anywhere(5, true, 0.12, random)):
        fit, each = fit_near_noise(np.log(probs), labels), np.arange(len(labels))
        doubt = 1 - posterior_of_both(probs, labels, fit.transition, fit.nearness)[each, labels]
        rivals = probs.copy()
        rivals[each, labels] = -1
        wrong = labels != true
        best = max(
            average_precision_score(wrong, 1 - probs[each, labels]),
            average_precision_score(wrong, rivals.max(1) - probs[each, labels]),
        )
        assert average_precision_score(wrong, doubt) > best - 0.01
        assert doubt.mean() == pytest.approx(wrong.mean(), abs=0.03)  # it is a probability


def test_how_labels_of_each_class_were_given() -> None:
    belief, labels = np.eye(3)[[0, 0, 1, 2]], np.array([0, 1, 1, 2])
    np.testing.assert_allclose(matrix_of(belief, labels), shrunk(np.array([[1.0, 1, 0], [0, 1, 0], [0, 0, 1]])))


def test_a_class_without_labels_and_a_single_row() -> None:
    probs = np.full((5, 3), 1 / 3)
    found = fit_near_noise(np.log(probs), np.array([0, 0, 1, 1, 1]))
    assert np.isfinite(found.transition).all() and 0 <= found.nearness <= 1
    single = fit_near_noise(np.log(probs[:1]), np.zeros(1, np.int64))
    assert np.isfinite(single.transition).all()


def test_a_distribution_is_one_class_of_which_nobody_knows_which() -> None:
    probs, _, random = drawn(300, 3, 6)
    transition = shrunk(random.random((3, 3)) + 5 * np.eye(3))
    labels = random.dirichlet(np.ones(3), 300)
    wanted = [
        [
            sum(share * literal_given(row, given, true, transition, 0.2) for given, share in enumerate(label))
            for true in range(3)
        ]
        for row, label in zip(probs, labels, strict=True)
    ]
    np.testing.assert_allclose(explaining(probs, labels, transition, 0.2), wanted)
    found = _rows_of(probs, labels)
    likely = (probs * wanted).sum(1)
    assert found.log_likelihoods(transition, 0.2).mean() == pytest.approx(np.log(likely).mean())
    weights = random.random(300)
    counts = sum(weight * np.outer(row, label) for weight, row, label in zip(weights, probs, labels, strict=True))
    np.testing.assert_allclose(found.counts(weights), counts)


def test_a_distribution_on_one_class_is_that_class() -> None:
    probs, true, random = drawn(600, 4, 7)
    labels = moved_near(probs, true, 0.2, random)
    sure = np.eye(4)[labels]
    one, other = (fit_near_noise(np.log(probs), given) for given in (labels, sure))
    assert one.sharpness == other.sharpness and one.nearness == pytest.approx(other.nearness)
    np.testing.assert_allclose(one.transition, other.transition)
    np.testing.assert_allclose(
        posterior_with_shares(np.log(probs), labels), posterior_with_shares(np.log(probs), sure)
    )


def test_shares_of_classes_row_by_row() -> None:
    probs, true, random = drawn(200, 3, 8)
    labels = moved_on(3, true, 0.2, random)
    noise = fit_near_noise(np.log(probs), labels)
    weights = np.ones(3)
    for _ in range(4):
        before, after = np.zeros(3), np.zeros(3)
        for row, label in zip(probs, labels.tolist(), strict=True):
            now = weights * row / (weights * row).sum()
            joint = [now[c] * literal_given(now, label, c, noise.transition, noise.nearness) for c in range(3)]
            before, after = before + now, after + np.array(joint) / sum(joint)
        weights = weights * (after + SHRINKAGE * 200 / 3) / (before + SHRINKAGE * 200 / 3)
    np.testing.assert_allclose(class_weights(probs, labels, noise, 4), weights)


def test_a_rare_class_that_predictions_neglect_is_believed_as_often_as_it_is_given() -> None:
    random = np.random.default_rng(9)
    true = (random.random(4000) < 0.1).astype(np.int64)
    told = 2.5 * np.where(true == 1, 1.0, -1.0) + random.normal(size=4000) - 4.0  # log-odds, shifted
    labels = moved_anywhere(2, true, 0.05, random)
    pool = np.stack([np.zeros(4000), told], 1)
    pool -= np.log(np.exp(pool).sum(1, keepdims=True))
    found = posterior_with_shares(pool, labels)
    assert np.exp(pool).mean(0)[1] < 0.05
    assert found.mean(0)[1] == pytest.approx(0.1, abs=0.03)
    assert (found.argmax(1) == true).mean() >= (labels == true).mean()


def test_the_posterior_of_a_large_table_part_by_part(monkeypatch: pytest.MonkeyPatch) -> None:
    probs, true, random = drawn(500, 3, 10)
    labels = moved_on(3, true, 0.2, random)
    whole = posterior_with_shares(np.log(probs), labels)
    for one in ("clc_text.data.beliefs", "clc_text.noise.estimation.noise_fit"):
        monkeypatch.setattr(import_module(one), "CELLS_AT_ONCE", 3 * 37)
    np.testing.assert_array_equal(posterior_with_shares(np.log(probs), labels), whole)
    monkeypatch.setattr(import_module("clc_text.noise.estimation.near_noise"), "SEARCH_CELLS", 3 * 250)
    by_half = posterior_with_shares(np.log(probs), labels)
    np.testing.assert_allclose(by_half, whole, atol=0.25)
    assert (by_half.argmax(1) == whole.argmax(1)).mean() > 0.95

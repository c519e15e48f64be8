"""What is believed, moved to shares that somebody told: against a literal reading, and against its definition."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from refusals import refused
from scipy.optimize import linprog
from scipy.stats import binom

from clc_text.artifacts.cross_fit import CrossFit
from clc_text.data.class_shares import ClassShares, plain, weighed, written
from clc_text.data.labels import Labels
from clc_text.data.trusted import TrustedLabels
from clc_text.evidence.mixture import TOLD


def beliefs(rows: int = 400, classes: int = 4, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).dirichlet([0.3 + place for place in range(classes)], rows)


def test_exact_shares_are_reached_as_by_turns() -> None:
    """Against the slow way: classes are multiplied by how far they are off, again and again, row after row."""
    belief, wanted = beliefs(), np.array([0.3, 0.3, 0.3, 0.1])
    slow = [row.copy() for row in belief]
    for _ in range(500):
        off = wanted / np.mean(slow, axis=0)
        slow = [row * off / (row * off).sum() for row in slow]
    found = ClassShares(wanted, wanted).applied(belief)
    np.testing.assert_allclose(found.mean(0), wanted, atol=1e-5)
    np.testing.assert_allclose(found, slow, atol=1e-5)


def test_ranges_move_as_little_as_may_be() -> None:
    """By the conditions of the optimum: inside its range a class keeps its weight, and it is raised or lowered only as
    far as the end of it. And no other belief in these ranges that was tried is nearer to the first one."""
    belief = beliefs()
    shares = ClassShares(np.array([0.2, 0.0, 0.0, 0.0]), np.array([0.4, 1.0, 0.25, 1.0]))
    weights = shares.weights(belief)
    moved = weighed(belief, weights)
    mean = moved.mean(0)
    assert belief.mean(0)[0] < 0.2 and belief.mean(0)[2] > 0.25
    assert mean[0] == pytest.approx(0.2, abs=1e-5) and weights[0] > 1
    assert mean[2] == pytest.approx(0.25, abs=1e-5) and weights[2] < 1
    assert weights[1] == weights[3] == 1

    def divergence(other: np.ndarray) -> float:
        return float((other * np.log(np.maximum(other, 1e-300) / belief)).sum())

    random = np.random.default_rng(1)
    for _ in range(50):
        other = weighed(moved, random.uniform(0.9, 1.1, 4))
        other = 0.9 * moved + 0.1 * other
        inside = (other.mean(0) >= shares.low) & (other.mean(0) <= shares.high)
        assert not inside.all() or divergence(other) >= divergence(moved) - 1e-6


def test_what_lies_in_its_range_is_left_alone() -> None:
    belief = beliefs()
    shares = ClassShares(belief.mean(0) - 0.01, belief.mean(0) + 0.01)
    assert (shares.weights(belief) == 1).all() and shares.applied(belief) is belief


def test_a_certain_row_stays_certain() -> None:
    belief = beliefs()
    belief[:50] = np.eye(4)[3]
    moved = ClassShares.of({"a": 0.4}, "abcd").applied(belief)
    np.testing.assert_array_equal(moved[:50], belief[:50])
    assert moved.mean(0)[0] == pytest.approx(0.4, abs=1e-5)


def test_shares_that_certain_rows_rule_out_do_not_break_it() -> None:
    certain = np.eye(2)[np.zeros(20, int)]
    moved = ClassShares.of({"b": 0.5}, "ab").applied(certain)
    assert np.isfinite(moved).all() and (moved == certain).all()


@pytest.mark.parametrize("seed", range(5))
def test_least_wrong_is_the_least_distance_to_such_shares(seed: int) -> None:
    """Against a linear program: labels that are moved, so that the classes come to be as common as was told."""
    random = np.random.default_rng(seed)
    given = random.integers(0, 4, 200)
    counted = np.bincount(given, minlength=4) / 200
    centre = random.dirichlet(np.ones(4))
    shares = ClassShares((centre - 0.05).clip(0), (centre + 0.05).clip(0, 1))
    sums = np.kron(np.ones((1, 4)), np.eye(4))  # of moves [from, to], by to
    leaving = np.kron(np.eye(4), np.ones((1, 4)))
    cost = 1 - np.eye(4).ravel()
    found = linprog(
        cost, A_ub=np.vstack([sums, -sums]), b_ub=np.concatenate([shares.high, -shares.low]),
        A_eq=leaving, b_eq=counted, bounds=(0, 1),
    )  # fmt: skip
    assert shares.least_wrong(given) == pytest.approx(found.fun, abs=1e-8)
    assert shares.least_wrong(np.eye(4)[given]) == pytest.approx(found.fun, abs=1e-8)


def test_what_a_rule_hides_is_found_by_what_was_told() -> None:
    """Rows that no rule caught are given class 0: whoever learns that believes it, but for how sure he is."""
    random = np.random.default_rng(0)
    true = random.integers(0, 3, 3000)
    missed = (true > 0) & (random.random(3000) < 0.6)
    given = np.where(missed, 0, true)
    hint = np.where(missed, random.normal(1.0, 1.0, 3000), random.normal(-1.0, 1.0, 3000))
    elsewhere = 0.4 / (1 + np.exp(-hint))  # what is left of the truth in the belief of who learnt the rule
    belief = np.full((3000, 3), 0.02)
    belief[np.arange(3000), given] += 0.94 - elsewhere
    belief[np.arange(3000), true] += elsewhere
    belief /= belief.sum(1, keepdims=True)
    before = (belief.argmax(1) == true).mean()
    shares = ClassShares.of({0: (0.3, 0.4)}, [0, 1, 2])
    after = (shares.applied(belief).argmax(1) == true).mean()
    assert before == pytest.approx((given == true).mean(), abs=0.01) and after > before + 0.15
    assert shares.least_wrong(given) <= (given != true).mean()


def test_told_by_names() -> None:
    shares = ClassShares.of({"spam": "0.1-0.3", "ham": [0.5, 0.8]}, ["ham", "other", "spam"])
    np.testing.assert_allclose(shares.low, [0.5, 0, 0.1])
    np.testing.assert_allclose(shares.high, [0.8, 1, 0.3])
    assert ClassShares.of(shares.to_dict(["ham", "other", "spam"]), ["ham", "other", "spam"]).low[0] == 0.5
    np.testing.assert_allclose(ClassShares.of("even", "abcd").low, 0.25)
    np.testing.assert_allclose(ClassShares.of({"a": 0.33, "b": 0.33, "c": 0.33}, "abc").high, 1 / 3)
    np.testing.assert_allclose(ClassShares.of({1: 0.2}, [1, 2]).low, [0.2, 0])
    np.testing.assert_allclose(ClassShares.of({1: 0.2}, [1.0, 2.0]).low, [0.2, 0])


@pytest.mark.parametrize(
    ("share", "ends"),
    [
        ("1e-3", (0.001, 0.001)), ("1e-3-2e-1", (0.001, 0.2)), (" .1 - .3 ", (0.1, 0.3)), ("0.1–0.3", (0.1, 0.3)),
        (np.array([0.1, 0.3]), (0.1, 0.3)), (np.float64(0.25), (0.25, 0.25)),
    ],
)  # fmt: skip
def test_shares_as_they_are_written(share: Any, ends: tuple[float, float]) -> None:
    shares = ClassShares.of({"a": share}, "abc")
    assert (shares.low[0], shares.high[0]) == ends


def test_shares_counted_by_pandas() -> None:
    counted = pd.Series(["b", "a", "b", "c"]).value_counts(normalize=True)
    np.testing.assert_allclose(ClassShares.of(counted, "abc").low, [0.25, 0.5, 0.25])
    assert plain(counted) == {"a": 0.25, "b": 0.5, "c": 0.25}
    assert plain({"a": np.array([0.1, 0.2]), True: 0.1, 2.0: 0.1, 2.5: 0.1}) == {
        "a": [0.1, 0.2], "true": 0.1, "2": 0.1, "2.5": 0.1
    }  # fmt: skip
    with refused(says="give a share", key="class_shares.b"):
        ClassShares.of(pd.Series(["b", "a", "b", "c"]).value_counts(), "abc")


@pytest.mark.parametrize(
    ("told", "words", "key"),
    [
        ("evenly", "give 'even'", "class_shares"),
        ([0.5, 0.5], "give 'even'", "class_shares"),
        ({"spma": 0.1}, "did you mean 'spam'", "class_shares.spma"),
        ({"spam": 1.2}, "1.2", "class_shares.spam"),
        ({"spam": "0.3-0.1"}, "0.3-0.1", "class_shares.spam"),
        ({"spam": "a lot"}, "a lot", "class_shares.spam"),
        ({"spam": True}, "give a share", "class_shares.spam"),
        ({"spam": float("nan")}, "give a share", "class_shares.spam"),
        ({"spam": None}, "give a share", "class_shares.spam"),
        ({"spam": 0}, "a small share", "class_shares.spam"),
        ({"spam": 0.7, "ham": 0.6}, "sum to at least 1.3", "class_shares"),
        ({"spam": 0.2, "ham": 0.5}, "sum to at most 0.7", "class_shares"),
        ({"spam": 1}, "leave nothing to 'ham'", "class_shares"),
        ({"spam": -0.1}, "-0.1", "class_shares.spam"),
        ({"spam": "-0.1"}, "-0.1", "class_shares.spam"),
        ({"spam": 10**400}, "give a share", "class_shares.spam"),
        ({}, "give 'even'", "class_shares"),
    ],
)
def test_shares_that_cannot_be(told: Any, words: str, key: str) -> None:
    with refused(says=words, key=key):
        ClassShares.of(told, ["ham", "spam"])


def test_a_class_told_by_two_names_is_told_twice() -> None:
    with refused(says="twice", key="class_shares.1"):
        ClassShares.of({1: 0.2, "1": 0.3}, [1, 2, 3])


def test_of_distributions_the_likeliest_class_is_what_may_be_wrong() -> None:
    """All rows are labelled 0, of which by what was told a tenth are wrong, however unsure the labels are."""
    unsure = np.tile([0.6, 0.4], (50, 1))
    assert ClassShares.of({1: 0.1}, [0, 1]).least_wrong(unsure) == pytest.approx(0.1)


def test_written_on_a_command_line() -> None:
    assert written(["even"]) == "even"
    assert written(["a=b=0.2", "c=0.1-0.3"]) == {"a=b": "0.2", "c": "0.1-0.3"}
    with refused(says="CLASS=SHARE", key="--share"):
        written(["spam"])
    with refused(says="twice", key="--share"):
        written(["a=0.1", "a=0.2"])
    assert plain({1: np.float64(0.25), "b": (np.float32(0.5), 1)}) == {"1": 0.25, "b": [0.5, 1]}
    assert plain("even") == "even"


def test_cross_fitted_beliefs_are_moved_together() -> None:
    belief, targets = beliefs(seed=2), beliefs(seed=3)
    given = belief.argmax(1)
    found = CrossFit(
        np.zeros((1, 400), np.int64), beliefs(seed=4), np.eye(4), belief, {"rate": 0.0, "folds": 2, "sharpness": 1.0,
        "log_likelihood": 0.0, "rounds": [], "gain": 1.0, "gain_error": 0.1}, targets,
    )  # fmt: skip
    wanted = np.full(4, 0.25)
    moved = found.with_shares(ClassShares(wanted, wanted), Labels(given))
    assert moved.targets is not None
    np.testing.assert_allclose(moved.posterior.mean(0), wanted, atol=1e-5)
    np.testing.assert_allclose(moved.probs.mean(0), wanted, atol=1e-5)
    np.testing.assert_allclose(moved.targets.mean(0), wanted, atol=1e-5)
    np.testing.assert_allclose(moved.transition.sum(1), 1)
    assert moved.rate == pytest.approx(1 - moved.posterior[np.arange(400), given].mean())
    assert moved.facts["class_shares"] == [[0.25] * 4, [0.25] * 4] and "class_shares" not in found.facts
    nothing = CrossFit(found.folds, found.probs, found.transition, belief, {**found.facts, "gain": 0.0}, targets)
    assert nothing.with_shares(ClassShares(wanted, wanted), Labels(given)).posterior is belief


@pytest.mark.parametrize("at_random", [12, 100])
def test_ranges_by_random_answers_hold_the_truth(at_random: int) -> None:
    """Answers to random rows and, beside them, to chosen ones of a single class, which stand for themselves alone."""
    random = np.random.default_rng(0)
    true = random.choice(4, 2000, p=[0.5, 0.3, 0.17, 0.03])
    chosen = np.flatnonzero(true == 3)[:10]
    open_rows = np.setdiff1d(np.arange(2000), chosen)
    held = np.zeros(4)
    for _ in range(300):
        drawn = random.choice(open_rows, at_random, replace=False)
        rows = np.concatenate([chosen, drawn])
        inclusion = np.concatenate([np.ones(10), np.full(at_random, at_random / len(open_rows))])
        shares = ClassShares.of_answers(TrustedLabels(rows, true[rows], inclusion), 2000, 4, 0.05)
        assert shares is not None
        counted = np.bincount(true, minlength=4) / 2000
        held += (shares.low <= counted) & (counted <= shares.high)
    assert (held / 300 >= 0.92).all()


@pytest.mark.parametrize(("classes", "at_random"), [(2000, 100), (500, 25), (20, 12), (2, 12)])
def test_right_answers_do_not_make_sound_labels_wrong(classes: int, at_random: int) -> None:
    """Of all ranges together, and most of classes that are too rare for so few answers to count."""
    random = np.random.default_rng(0)
    true = np.arange(6000) % classes
    least = []
    for _ in range(100):
        rows = random.choice(6000, at_random, replace=False)
        inclusion = np.full(at_random, at_random / 6000)
        shares = ClassShares.of_answers(TrustedLabels(rows, true[rows], inclusion), 6000, classes)
        assert shares is not None and (shares.low <= shares.high).all()
        least.append(shares.least_wrong(true))
    assert np.mean(least) < 0.02 and np.quantile(least, 0.95) < TOLD


@pytest.mark.parametrize("answered", [0, 7, 25])
def test_ranges_by_answers_are_where_so_many_would_be_rare(answered: int) -> None:
    """By their definition: at either end 2.5 % of draws of 25 have so many of the class, or more, or less."""
    labels = (np.arange(25) < answered).astype(int)
    trusted = TrustedLabels(np.arange(25), labels, np.full(25, 0.25))
    shares = ClassShares.of_answers(trusted, 100, 2, 0.05)
    assert shares is not None
    low, high = shares.low[1], shares.high[1]
    assert low == 0 if answered == 0 else binom.sf(answered - 1, 25, low) == pytest.approx(0.025)
    assert high == 1 if answered == 25 else binom.cdf(answered, 25, high) == pytest.approx(0.025)


@pytest.mark.parametrize(("classes", "outside"), [(2, 0.2), (5, 0.2), (6, 1 / 6), (50, 0.02)])
def test_of_all_ranges_by_answers_one_is_missed_in_the_mean(classes: int, outside: float) -> None:
    trusted = TrustedLabels(np.arange(25), np.arange(25) % classes, np.full(25, 0.25))
    shares = ClassShares.of_answers(trusted, 100, classes)
    told = ClassShares.of_answers(trusted, 100, classes, outside)
    assert shares is not None and told is not None and shares.ends == told.ends


def test_answers_that_contradict_what_was_told() -> None:
    random = np.random.default_rng(0)
    true = random.choice(3, 2000, p=[0.3, 0.3, 0.4])
    rows = random.choice(2000, 60, replace=False)
    trusted, names = TrustedLabels(rows, true[rows], np.full(60, 60 / 2000)), ["ham", "other", "spam"]
    told = ClassShares.of({"other": 0.7, "ham": (0.01, 0.3)}, names).contradicted(trusted, 2000, names)
    assert told is not None and "'other'" in told and "tells of 70.0%, which" in told
    assert ClassShares.of({"other": (0.2, 0.4)}, names).contradicted(trusted, 2000, names) is None
    chosen = TrustedLabels(rows, true[rows])  # nobody knows how these were drawn
    assert ClassShares.of({"other": 0.7}, names).contradicted(chosen, 2000, names) is None


def test_answers_that_say_nothing_of_all_rows() -> None:
    told = np.arange(20) % 2
    assert ClassShares.of_answers(TrustedLabels(np.arange(20), told), 100, 2) is None
    few = TrustedLabels(np.arange(20), told, np.full(20, 0.5))  # drawn from 40 rows
    assert ClassShares.of_answers(few, 100, 2) is None and ClassShares.of_answers(few, 60, 2) is not None


def test_answers_that_bear_out_what_is_believed_change_nothing() -> None:
    belief = beliefs()
    facts: Any = {"rate": 0.1, "rounds": [], "gain": 1.0, "gain_error": 0.1}
    found = CrossFit(np.zeros((1, 400), np.int64), belief, np.eye(4) * 0.9 + 0.025, belief, facts, belief)
    wide = ClassShares(belief.mean(0) - 0.05, belief.mean(0) + 0.05)
    kept = found.with_shares(wide, Labels(belief.argmax(1)), by_answers=True)
    assert kept.posterior is belief and kept.targets is belief and kept.transition is found.transition
    assert kept.rate == 0.1 and "shares_by_answers" in kept.facts and "class_shares" not in kept.facts

"""The noise of each class by where the share of rows that were given it levels off."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize
from sklearn.linear_model import LogisticRegression

from clc_text.data.copies import first_rows
from clc_text.data.folds import assign_folds, rarest_of
from clc_text.noise.estimation import plateau as module
from clc_text.noise.estimation.plateau import believed, by_odds, likelihoods, of_given, plateau

ROWS = 1200
Rows = tuple[np.ndarray, np.ndarray]


@pytest.fixture(scope="module")
def rows() -> Rows:
    """Features [N, D], and what holds [N, 3] by a logistic law of them."""
    random = np.random.default_rng(0)
    features = random.normal(size=(ROWS, 12))
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    odds = features @ random.normal(size=(12, 3)) * 9 - 0.7
    return features, (random.random((ROWS, 3)) < 1 / (1 + np.exp(-odds))).astype(np.int64)


def noisy(holds: np.ndarray, left: float | np.ndarray, wrong: float | np.ndarray, seed: int) -> np.ndarray:
    drawn = np.random.default_rng(seed).random(holds.shape)
    return np.where(drawn < np.where(holds > 0, left, wrong), 1 - holds, holds)


@pytest.mark.parametrize(("left", "wrong"), [(0.4, 0.0), (0.2, 0.2), (0.0, 0.1)])
def test_finds_both_rates_without_a_clean_label(rows: Rows, left: float, wrong: float) -> None:
    features, holds = rows
    given = noisy(holds, left, wrong, 1)
    found = plateau(features, given, 0)
    assert found.transition.sum(-1) == pytest.approx(1)
    assert found.transition[:, 1, 0] == pytest.approx(left, abs=0.1)
    assert found.transition[:, 0, 1] == pytest.approx(wrong, abs=0.06)
    rate, low, high = found.rates(given)
    assert (low <= rate).all() and (rate <= high).all()
    assert 0 < low.mean() < (given != holds).mean() < high.mean()
    assert rate.mean() == pytest.approx((given != holds).mean(), abs=0.03)


def test_sound_labels_show_no_noise(rows: Rows) -> None:
    found = plateau(*rows, 0)
    assert (found.transition == np.eye(2)).all()
    assert found.rates(rows[1])[2].mean() < 0.05


def test_labels_drawn_at_random_show_none_either() -> None:
    """Nothing levels off where nothing is learnt, and a rate would be a guess: the ends say how little is known."""
    random = np.random.default_rng(3)
    features, given = random.normal(size=(300, 8)), random.integers(0, 2, (300, 2))
    found = plateau(features, given, 0)
    assert (found.transition == np.eye(2)).all()
    assert found.rates(given)[2].mean() > 0.1


def test_a_class_is_not_learnt_by_the_copies_of_its_rows() -> None:
    """Labels drawn at random, every row twice with the same: who saw the copy would foretell them."""
    random = np.random.default_rng(5)
    features, given = random.normal(size=(150, 200)).repeat(2, 0), random.integers(0, 2, (150, 2)).repeat(2, 0)
    found = plateau(features, given, 0)
    assert (found.transition == np.eye(2)).all()
    assert found.rates(given)[2].mean() > 0.1


def test_a_constant_class_and_more_dimensions_than_rows() -> None:
    random = np.random.default_rng(4)
    features, given = random.normal(size=(40, 500)), np.zeros((40, 2), np.int64)
    found = plateau(features, given, 0)
    assert np.isfinite(found.transition).all()
    assert (found.rates(given)[0] == 0).all()


def test_rows_that_are_all_alike_tell_nothing() -> None:
    """They are copies of each other, and lie in one fold."""
    given = np.random.default_rng(0).integers(0, 2, (60, 2))
    found = plateau(np.ones((60, 3)), given, 0)
    assert (found.transition == np.eye(2)).all()
    assert found.rates(given)[2].mean() > 0.1, "the ends say how little is known"


def test_many_rows_are_judged_by_some_of_them(rows: Rows, monkeypatch: pytest.MonkeyPatch) -> None:
    features, holds = rows
    monkeypatch.setattr(module, "ROWS", ROWS // 3)
    few, all_of_these = plateau(features, holds, 0), plateau(features[::3], holds[::3], 0)
    np.testing.assert_array_equal(few.high, all_of_these.high)


@pytest.fixture(scope="module")
def drawn() -> Rows:
    """Log-odds [N, 3] and labels [N, 3] that are noisy along them."""
    random = np.random.default_rng(6)
    odds = random.normal(0, 2, (400, 3))
    holds = (random.random(odds.shape) < 1 / (1 + np.exp(1 - 1.5 * odds))).astype(np.int64)
    return odds, noisy(holds, 0.3, 0.05, 7)


@pytest.mark.parametrize(("place", "number"), [(0, 0), (3, 0), (0, 4), (5, 2), (8, 6)])
def test_likelihoods_are_those_of_a_literal_fit(drawn: Rows, place: int, number: int) -> None:
    odds, labels = drawn
    left, wrong = module.LEFT_OUT[place] ** 2, module.GIVEN_WRONGLY[number] ** 2
    found = likelihoods(odds, labels)[place, number]
    for one in range(3):
        score = (odds[:, one] - odds[:, one].mean()) / odds[:, one].std()

        def lost(curve: np.ndarray, score: np.ndarray = score, one: int = one) -> float:
            value = 0.0
            for at, label in zip(score, labels[:, one], strict=True):
                given = wrong + (1 - left - wrong) / (1 + np.exp(-curve[0] * at - curve[1]))
                value -= np.log(given if label else 1 - given)
            return value + module.RIDGE / 2 * float(curve @ curve)

        literal = min(
            float(minimize(lost, start, bounds=[(0, None), (None, None)], method="L-BFGS-B").fun)
            for start in ([1.0, 0.0], [3.0, -1.0])
        )
        assert found[one] == pytest.approx(-literal, abs=0.02)  # nats, of 140 to 280


def test_regressions_are_scikit_learns(rows: Rows) -> None:
    """Each row by what did not see its fold, under the penalty that was chosen."""
    features, holds = rows
    shown = module._rotated(features)
    fold = assign_folds(rarest_of(holds), 3, 0, first_rows(features))
    found = module._odds(shown, holds.astype(np.float64), fold)
    apart = []
    for penalty in module.PENALTIES:
        model = LogisticRegression(C=1 / penalty, tol=1e-8, max_iter=1000)
        literal = np.empty(found.shape)
        for number in range(3):
            own = fold == number
            for one in range(3):
                literal[own, one] = model.fit(shown[~own], holds[~own, one]).decision_function(shown[own])
        apart.append(np.abs(literal - found).max())
    assert min(apart) < 0.05


@pytest.mark.parametrize(("left", "wrong"), [(0.0, 0.0), (0.2, 0.0), (0.2, 0.2), (0.0, 0.1)])
def test_the_ends_hold_the_share_of_wrong_labels(left: float, wrong: float) -> None:
    """Of sets whose labels follow the curve, noise is told in all that have it, and in no other."""
    for seed in range(5):
        random = np.random.default_rng(seed)
        odds = random.normal(0, 5, (400, 4))
        holds = (random.random(odds.shape) < 1 / (1 + np.exp(0.5 - odds))).astype(np.int64)
        given = noisy(holds, left, wrong, 100 + seed)
        found = by_odds(odds, given)
        _, low, high = found.rates(given).mean(1)
        assert low <= (given != holds).mean() <= high
        assert (found.transition != np.eye(2)).any() == (left + wrong > 0)


def test_classes_of_other_rates_are_told_apart() -> None:
    """One of four is left out twice as often as the others: its own rows say so, drawn towards what all say."""
    random = np.random.default_rng(8)
    odds = random.normal(0, 4, (3000, 4))
    holds = (random.random(odds.shape) < 1 / (1 + np.exp(-odds))).astype(np.int64)
    found = by_odds(odds, noisy(holds, np.array([0.4, 0.2, 0.2, 0.2]), 0.0, 9)).transition[:, 1, 0]
    assert found[0] > found[1:].max() + 0.1
    assert found == pytest.approx(np.array([0.4, 0.2, 0.2, 0.2]), abs=0.06)


def test_what_is_believed_does_not_depend_on_how_sure_a_view_is(drawn: Rows) -> None:
    odds, labels = drawn[0][:, 0], drawn[1][:, 0]
    matrix = np.array([[0.95, 0.05], [0.3, 0.7]])

    def by(odds: np.ndarray) -> np.ndarray:
        return believed(np.stack([-np.logaddexp(0, odds), -np.logaddexp(0, -odds)], 1), labels, matrix)

    found = by(odds)
    assert found.sum(1) == pytest.approx(1)
    assert by(5 * odds - 2) == pytest.approx(found)

    def lost(curve: np.ndarray) -> float:
        given = 0.05 + 0.65 / (1 + np.exp(-curve[0] * odds - curve[1]))
        return -float(np.log(np.where(labels > 0, given, 1 - given)).sum())

    curve = minimize(lost, [1.0, 0.0]).x
    assert found[:, 1] == pytest.approx(1 / (1 + np.exp(-curve[0] * odds - curve[1])), abs=0.01)


def test_flips_on_purpose_are_no_noise_of_the_given_labels() -> None:
    share, shares = 0.04, np.array([0.3, 0.6])
    flips = np.array([[1 - share, share], [share, 1 - share]])
    before = np.array([[[1.0, 0.0], [0.2, 0.8]], [[0.9, 0.1], [0.1, 0.9]]])
    wrong = np.array([0.3 * 0.2, 0.1])  # of the classes, which hold of 0.3 and 0.6 of the rows
    after = before @ flips
    both = np.stack([shares * one[:, 1, 0] + (1 - shares) * one[:, 0, 1] for one in (before, after)])
    assert both[0] == pytest.approx(wrong)
    each, rates = of_given(after, np.stack([both[1], both[1] - 0.01, both[1] + 0.01]), share)
    assert each == pytest.approx(before)
    assert rates[0] == pytest.approx(wrong)
    assert rates[2] - rates[1] == pytest.approx(0.02 / 0.92)
    alone = np.array([[0.05, 0.05], [0.03, 0.04], [0.06, 0.07]])  # the flips are within the ends
    each, rates = of_given(np.stack([flips, flips]), alone, share)
    assert (each == np.eye(2)).all()
    assert (rates[:2] == 0).all() and (rates[2] > 0).all()
    assert of_given(after, alone, 0.0) == (after, alone)

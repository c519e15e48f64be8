"""The mixture against a literal reading of its formulas, and the range of readings on noise of several kinds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from refusals import refused

from clc_text.data.class_shares import ClassShares
from clc_text.data.labels import Labels
from clc_text.evidence import mixture
from clc_text.evidence.evidence import LARGEST, mixture_of, too_large
from clc_text.evidence.mixture import LEAST, chosen_views, clipped, fit_near, gain_of_view, judge, judge_near
from clc_text.evidence.readings import Reading, agreement, span
from clc_text.evidence.views import weights
from clc_text.noise.estimation.near_noise import NearNoise


def labels_of(given: np.ndarray, canaries: int = 0) -> Labels:
    canary = np.arange(len(given)) < canaries
    trained = np.where(canary, (given + 1) % (given.max() + 1), given)
    return Labels(given, trained, None, canary)


def blobs(rows: int = 1500, classes: int = 4, apart: float = 1.0, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    true = random.integers(0, classes, rows)
    centres = apart * random.normal(size=(classes, 16))
    return (centres[true] + random.normal(size=(rows, 16))).astype(np.float32), true


def flipped(true: np.ndarray, rate: float, seed: int = 1) -> np.ndarray:
    random = np.random.default_rng(seed)
    classes = int(true.max()) + 1
    other = (true + random.integers(1, classes, len(true))) % classes
    return np.where(random.random(len(true)) < rate, other, true)


def test_judging_row_by_row() -> None:
    random = np.random.default_rng(0)
    views = clipped(random.dirichlet(np.ones(3), size=(4, 50)))
    transition = random.dirichlet(np.ones(3), size=3) * 0.3 + np.eye(3) * 0.7
    given = random.integers(0, 3, 50)
    shares = np.array([0.4, 0.3, 0.2, 0.1])
    found = judge(views, shares, given, 1.4, transition)
    for row in range(50):
        p = np.exp(1.4 * sum(share * view[row].astype(float) for share, view in zip(shares, views, strict=True)))
        p /= p.sum()
        q, h = p * transition[:, given[row]], p * np.sqrt(transition[:, given[row]])
        q, h = q / q.sum(), h / h.sum()
        other = max((c for c in range(3) if c != given[row]), key=lambda c: h[c])
        np.testing.assert_allclose(found.probs[row], p)
        np.testing.assert_allclose(found.belief[row], q)
        assert found.suggested[row] == other
        assert found.wrong[row] == pytest.approx((1 + h[other] - h[given[row]]) / 2)
        assert found.agree[row] == all(int(view[row].argmax()) == other for view in views)
    assert ((found.wrong >= 0) & (found.wrong <= 1)).all()


@pytest.mark.parametrize(("views", "told"), [(1, False), (3, False), (3, True)])
def test_judging_by_noise_near_a_decision_row_by_row(views: int, told: bool) -> None:
    random = np.random.default_rng(3)
    log_probs = clipped(random.dirichlet(np.ones(3), size=(views, 50)))
    transition = random.dirichlet(np.ones(3), size=3) * 0.3 + np.eye(3) * 0.7
    given, shares = random.integers(0, 3, 50), np.full(views, 1 / views)
    w, v = (np.array([0.01, 2.0, 1.0]), np.array([0.5, 1.5, 1.0])) if told else (np.ones(3), np.ones(3))
    noise = NearNoise(1.4, transition, 0.2, class_weights=w if told else None, prior_weights=v if told else None)
    found = judge_near(log_probs, shares, given, noise)
    for row, label in enumerate(given.tolist()):
        p = np.exp(1.4 * log_probs[:, row].astype(float).mean(0))
        p /= p.sum()
        near = [0.0 if c == label else p[label] / (1 - p[c]) for c in range(3)]
        q = w * p * (0.8 * transition[:, label] + 0.2 * np.array(near))
        q, p = q / q.sum(), v * p / (v * p).sum()
        other = max((c for c in range(3) if c != label), key=lambda c: q[c])
        np.testing.assert_allclose(found.probs[row], p)
        np.testing.assert_allclose(found.belief[row], q)
        assert found.suggested[row] == other and found.wrong[row] == pytest.approx(1 - q[label])
        asked = [c for c in range(3) if not (told and label == 0 and c == label)]
        differ = sum(max(asked, key=lambda c: view[row, c]) != other for view in log_probs)
        assert found.agree[row] == (differ <= (views == 3))


def test_labels_doubted_by_chance_row_by_row() -> None:
    """In the order of how improbable they are, however probable the second class is; beliefs are as they were."""
    random = np.random.default_rng(4)
    log_probs = clipped(random.dirichlet(np.ones(3), size=(2, 50)))
    given = random.integers(0, 3, 50)
    noise = NearNoise(1.4, np.eye(3) * 0.97 + 0.01, 0.2, by_chance=0.3)
    found = judge_near(log_probs, np.full(2, 0.5), given, noise)
    before = judge_near(log_probs, np.full(2, 0.5), given, replace(noise, by_chance=None))
    for row, label in enumerate(given.tolist()):
        p = np.exp(1.4 * log_probs[:, row].astype(float).mean(0))
        p /= p.sum()
        q = [p[c] * (0.7 if c == label else 0.15) for c in range(3)]
        assert found.wrong[row] == pytest.approx(1 - q[label] / sum(q))
    np.testing.assert_array_equal(found.belief, before.belief)
    np.testing.assert_array_equal(found.suggested, before.suggested)
    assert (np.diff(found.probs[np.arange(50), given][np.argsort(found.wrong)]) <= 0).all()
    assert (np.argsort(found.wrong) != np.argsort(before.wrong)).any()


@pytest.mark.parametrize(
    ("ahead", "rows", "chance"),
    [(-5.0, 900, True), (-0.1, 900, True), (-5.0, 299, False), (0.1, 900, False), (None, 900, False)],
)
def test_labels_that_noise_does_not_explain_are_doubted_by_chance_and_as_much(
    monkeypatch: pytest.MonkeyPatch, ahead: float | None, rows: int, chance: bool
) -> None:
    log_probs = clipped(np.random.default_rng(5).dirichlet(np.full(4, 0.3), size=(3, rows)))
    given, equal = log_probs[0].argmax(1), np.full(3, 1 / 3)
    fitted = NearNoise(1.0, np.eye(4) * 0.96 + 0.01, 0.1, ahead=ahead)
    monkeypatch.setattr(mixture, "fit_near_noise", lambda *_: fitted)
    found = fit_near(log_probs, equal, given, np.ones(rows, bool))
    assert (found.by_chance is not None) == chance
    before = judge_near(log_probs, equal, given, replace(found, by_chance=None))
    assert judge_near(log_probs, equal, given, found).wrong.mean() == pytest.approx(before.wrong.mean())


def test_predictions_without_labels_are_of_the_classes_as_common_as_was_told() -> None:
    """Labels that a rule made and that the predictions repeat: what is believed of a row is its label for certain, and
    predictions that were weighed like it would leave nothing to the class that most rows are given."""
    random = np.random.default_rng(0)
    true = random.integers(0, 3, 3000)
    given = np.where((true > 0) & (random.random(3000) < 0.5), 0, true)
    probs = np.full((3000, 3), 0.02)
    probs[np.arange(3000), given] += 0.74
    probs[np.arange(3000), true] += 0.2
    log_probs = clipped(probs[None])
    told = ClassShares.of({0: (0.3, 0.4)}, [0, 1, 2])
    noise = fit_near(log_probs, np.ones(1), given, np.ones(3000, bool), told)
    judged = judge_near(log_probs, np.ones(1), given, noise)
    for found in (judged.probs, judged.belief):
        assert found.mean(0)[0] == pytest.approx(0.4, abs=1e-3)
    assert noise.class_weights is not None and noise.prior_weights is not None
    assert noise.class_weights[0] < noise.prior_weights[0] < 1
    as_believed = fit_near(
        log_probs, np.ones(1), given, np.ones(3000, bool), ClassShares.of({0: (0, 0.99)}, [0, 1, 2])
    )
    assert (as_believed.prior_weights == 1).all() and (as_believed.class_weights == 1).all()


def test_no_view_is_surer_than_the_bound() -> None:
    probs = np.exp(clipped(np.array([[[1.0, 0.0, 0.0]]])).astype(float))
    np.testing.assert_allclose(probs.sum(-1), 1, rtol=1e-6)
    assert probs.min() == pytest.approx(LEAST, rel=1e-2)


def test_views_that_have_learnt_nothing_are_not_heard() -> None:
    _, true = blobs()
    given = flipped(true, 0.1)
    good = np.full((1500, 4), 0.05) + 0.8 * np.eye(4)[true]
    random = np.random.default_rng(5)
    noise = random.dirichlet(np.ones(4), size=1500)
    fold, first = np.arange(1500) % 5, np.arange(1500)
    views = {"noise": noise, "good": good}
    assert chosen_views({name: gain_of_view(one, given, fold, first) for name, one in views.items()}) == ["good"]
    assert chosen_views({"noise": gain_of_view(noise, given, fold, first)}) == []
    assert mixture_of(random.normal(size=(1500, 8)).astype(np.float32), labels_of(given), 4, 0) is None
    assert mixture_of(np.ones((1500, 8), np.float32), labels_of(given), 4, 0) is None  # features all alike


def test_the_mixture_finds_wrong_labels_and_its_range_holds_their_share() -> None:
    features, true = blobs()
    for rate in (0.0, 0.12, 0.3):
        given = flipped(true, rate)
        found = mixture_of(features, labels_of(given), 4, 0)
        assert found is not None and set(found.views) <= {"linear", "discriminant", "neighbours"}
        every = np.arange(1500)
        low, high = found.readings(given, every)[1]
        assert low <= (given != true).mean() <= high
        judged = judge(found.log_probs, weights(found.views), given, found.noise.sharpness, found.noise.transition)
        if rate:
            first = np.argsort(-judged.wrong)[: int(0.5 * rate * 1500)]
            assert (given != true)[first].mean() > 0.85
        assert judged.wrong[given == true].mean() < 0.25
        assert agreement(found.log_probs) > 0.7


def test_canaries_are_learnt_but_are_no_noise_of_the_given_labels() -> None:
    features, true = blobs(apart=2.0)
    without, with_them = (mixture_of(features, labels_of(true, canaries), 4, 0) for canaries in (0, 300))
    assert without is not None and with_them is not None
    assert np.diag(with_them.noise.transition).mean() > 0.95
    judged = judge(
        with_them.log_probs,
        weights(with_them.views),
        labels_of(true, 300).trained,
        with_them.noise.sharpness,
        with_them.noise.transition,
    )
    assert judged.wrong[:300].mean() > 0.8 > 0.2 > judged.wrong[300:].mean()


def test_what_cannot_be_judged() -> None:
    features, true = blobs(rows=50)
    features[7, 3] = np.nan
    with refused(row=7):
        mixture_of(features, labels_of(true), 4, 0)
    with refused(key="views"):
        too_large(LARGEST, 5)


@pytest.mark.filterwarnings("error")
def test_a_share_that_is_beyond_its_ends_by_rounding_has_a_range() -> None:
    assert span([Reading("mixture", "doubt", -1e-17), Reading("words", "doubt", 1 + 1e-15)], 100) == (0.0, 1.0)

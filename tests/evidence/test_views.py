"""Views of a row: each by a slow reference, none of them by the row's own label or a copy's."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from clc_text.data.folds import deal_rounds
from clc_text.data.nearest import NEIGHBOURS
from clc_text.evidence.views import OF_FEATURES, OF_WORDS, VIEWS, views_for, weights
from clc_text.evidence.views.base import FIT_ROWS, Seen, fit_rows, folds_of, shares
from clc_text.evidence.views.bayes import SMOOTHING, bayes
from clc_text.evidence.views.neighbours import neighbours


def seen(rows: int = 300, classes: int = 4, noise: float = 0.2, seed: int = 0, copies: int = 0) -> Seen:
    random = np.random.default_rng(seed)
    true = random.integers(0, classes, rows)
    features = (random.normal(size=(classes, 12))[true] + random.normal(size=(rows, 12))).astype(np.float32)
    first = np.arange(rows)
    if copies:
        features[-copies:], first[-copies:] = features[:copies], np.arange(copies)
        true[-copies:] = true[:copies]
    labels = np.where(random.random(rows) < noise, (true + 1) % classes, true)
    folds = deal_rounds(labels, 5, seed, 2, first)
    return Seen(features, labels, classes, first, folds, seed, words_from(features))


def words_from(features: np.ndarray) -> Any:
    """A term for each feature that is far on its positive side, and one that every text has."""
    return csr_matrix(np.c_[features * (features > 0.5), np.ones(len(features))].astype(np.float32))


@pytest.mark.parametrize("name", VIEWS)
def test_probabilities_that_know_the_classes(name: str) -> None:
    rows = seen()
    probs = VIEWS[name](rows)
    assert probs.shape == (300, 4) and (probs > 0).all()
    np.testing.assert_allclose(probs.sum(1), 1)
    assert (probs.argmax(1) == rows.labels).mean() > 0.6  # by chance a quarter
    np.testing.assert_array_equal(probs, VIEWS[name](rows))


@pytest.mark.parametrize("name", VIEWS)
def test_no_row_is_judged_by_its_own_label_or_a_copys(name: str) -> None:
    """With folds as they were, another label of a row and its copy changes nothing of what is said of either."""
    rows = seen(copies=20)
    other = rows.labels.copy()
    other[[3, 283]] = (other[[3, 283]] + 1) % 4  # row 283 is the copy of row 3
    changed = replace(rows, labels=other)
    same = rows
    before, after = VIEWS[name](same), VIEWS[name](changed)
    if name == "neighbours":  # the classes' shares, which are one label's worth of the counts, hold all labels
        before, after = before * (NEIGHBOURS + 1) - shares(rows.labels, 4), after * (NEIGHBOURS + 1) - shares(other, 4)
    np.testing.assert_allclose(before[[3, 283]], after[[3, 283]], atol=1e-9)
    assert np.abs(before - after).max() > 1e-3  # of other rows it does


def test_naive_bayes_row_by_row() -> None:
    """Against the formula, term by term: log share + Σ w · log of the term's smoothed share of the class."""
    rows = seen(rows=60, classes=3)
    found, dense = bayes(rows), rows.words.toarray().astype(float)
    fold = rows.folds[0]
    for row in range(0, 60, 7):
        others = np.flatnonzero(fold != fold[row])
        logs = np.empty(3)
        for label in range(3):
            members = [other for other in others if rows.labels[other] == label]
            counts = sum(dense[member] for member in members) + SMOOTHING
            logs[label] = np.log(len(members) / len(others)) + (dense[row] * np.log(counts / counts.sum())).sum()
        expected = np.exp(logs - logs.max())
        np.testing.assert_allclose(found[row], expected / expected.sum(), rtol=1e-4)


def test_words_and_features_count_alike() -> None:
    names = ["networks", "discriminant", "neighbours", "words", "linear_words"]
    np.testing.assert_allclose(weights(names), [1 / 6, 1 / 6, 1 / 6, 1 / 4, 1 / 4])
    np.testing.assert_allclose(weights(names[:2]), [1 / 2, 1 / 2])
    np.testing.assert_allclose(weights(names[3:4]), [1.0])
    rows = seen(rows=20)
    assert "linear" not in views_for(rows) and OF_WORDS.keys() <= views_for(rows).keys()
    assert views_for(replace(rows, words=None)).keys() == OF_FEATURES.keys()


def test_neighbours_row_by_row() -> None:
    rows = seen(rows=80, copies=10)
    found = neighbours(rows)
    unit = rows.features / np.linalg.norm(rows.features, axis=1, keepdims=True)
    prior = shares(rows.labels, rows.classes)
    for row in range(80):
        others = [other for other in range(80) if rows.first[other] != rows.first[row]]
        others.sort(key=lambda other: -float(unit[row] @ unit[other]))
        nearest, next_one = others[:NEIGHBOURS], others[NEIGHBOURS]
        if rows.first[next_one] == rows.first[nearest[-1]]:
            continue  # a row and its copy are equally near, and only one of them is counted
        counts = prior.copy()
        for other in nearest:
            counts[rows.labels[other]] += 1
        np.testing.assert_allclose(found[row], counts / counts.sum())


@pytest.mark.parametrize("name", VIEWS)
@pytest.mark.parametrize("rows", [6, 9, 40])
def test_few_rows_a_class_of_one_row_and_a_feature_that_never_varies(name: str, rows: int) -> None:
    few = seen(rows=rows, classes=3)
    features = few.features.copy()
    features[:, 0] = 1.0
    labels = few.labels.copy()
    labels[labels == 2] = 0
    labels[0] = 2
    folds = deal_rounds(labels, 5, 0, 2)
    probs = VIEWS[name](Seen(features, labels, 3, few.first, folds, words=words_from(features)))
    assert np.isfinite(probs).all()
    np.testing.assert_allclose(probs.sum(1), 1)


def test_the_gaussian_is_told_of_the_noise() -> None:
    """Of two classes, one loses 40 % of its labels to the other: the second fit puts more of them right."""
    from clc_text.evidence.views.discriminant import discriminant

    random = np.random.default_rng(3)
    true = random.integers(0, 2, 2000)
    features = (1.2 * true[:, None] + random.normal(size=(2000, 5))).astype(np.float32)
    labels = np.where((true == 1) & (random.random(2000) < 0.4), 0, true)
    folds = deal_rounds(labels, 5, 0, 2)
    rows = Seen(features, labels, 2, np.arange(2000), folds)
    once = discriminant(Seen(features, labels, 2, rows.first, np.stack([folds[0], np.zeros(2000, int)])))
    twice = discriminant(rows)
    assert (twice.argmax(1) == true).mean() > (once.argmax(1) == true).mean() + 0.02


@pytest.mark.parametrize("name", VIEWS)
def test_of_labels_at_random_no_view_knows_anything(name: str) -> None:
    from clc_text.noise.estimation.gain import gain_over_shares

    for seed in range(3):
        random = np.random.default_rng(seed)
        features, labels = random.normal(size=(400, 60)).astype(np.float32), random.integers(0, 6, 400)
        folds = deal_rounds(labels, 5, seed, 2)
        probs = VIEWS[name](Seen(features, labels, 6, np.arange(400), folds, words=words_from(features)))
        gain, error = gain_over_shares(probs, labels, folds[0])
        assert gain < max(0.01, 3 * error), name


def test_of_many_classes_fewer_rows_are_learnt_from() -> None:
    assert fit_rows(2) == fit_rows(400) == FIT_ROWS
    assert fit_rows(1_000) * 1_000 <= fit_rows(400) * 400
    assert fit_rows(10**9) == 1


def test_a_row_that_a_model_cannot_judge_is_judged_by_nothing() -> None:
    """A linear model of older scikit-learns gives 0 / 0 where no class fits a row."""

    class Model:
        def fit(self, inputs: Any, labels: np.ndarray) -> Model:
            self.classes = len(np.unique(labels))
            return self

        def predict_proba(self, inputs: np.ndarray) -> np.ndarray:
            scores = np.eye(self.classes)[np.zeros(len(inputs), int)]
            scores[inputs[:, 0] > 1] = 0
            return scores / scores.sum(1, keepdims=True)

    rows = seen()
    found = folds_of(rows, rows.features, Model)
    np.testing.assert_allclose(found.sum(1), 1)
    odd = rows.features[:, 0] > 1
    assert odd.any() and (found[odd] == 1 / 4).all() and (found[~odd, 0] > 0.99).all()


def test_the_gaussian_is_that_of_ledoit_and_wolf() -> None:
    """Weights and biases from what the cells have in common, beside the formula on the rows themselves."""
    from sklearn.covariance import ledoit_wolf

    from clc_text.evidence.views.discriminant import _Table

    rows = seen(rows=200, classes=3)
    features = (rows.features * np.linspace(0.1, 30, 12) + 5).astype(np.float32)
    table = _Table.of(features, np.arange(0, 200), rows.folds[0], rows.folds[1] % 2)
    cells = [cell for cell in table.cells if cell.outer != 1]
    random = np.random.default_rng(0)
    targets = [random.dirichlet(np.ones(3), len(cell.rows)) for cell in cells]
    weights, biases = table.fitted(cells, targets)
    values, all_targets = np.concatenate([table.of_cell(cell) for cell in cells]), np.concatenate(targets)
    means = all_targets.T @ values / all_targets.sum(0)[:, None]
    covariance, share = ledoit_wolf(values - all_targets @ means, assume_centered=True)
    assert 0 < share < 1
    expected = np.linalg.solve(covariance, means.T)
    np.testing.assert_allclose(weights, expected, rtol=1e-4)
    prior = np.log(all_targets.mean(0))
    np.testing.assert_allclose(biases, prior - (means.T * expected).sum(0) / 2, rtol=1e-4)


def test_products_that_are_not_kept_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    rows, view = seen(), OF_FEATURES["discriminant"]
    kept = view(rows)
    monkeypatch.setattr(sys.modules[view.__module__], "KEPT", 0)
    np.testing.assert_array_equal(view(rows), kept)


@pytest.mark.parametrize("power", [1.0, 3.0])
def test_the_gaussian_is_no_surer_than_the_labels_bear_out(power: float) -> None:
    """Labels are drawn by probabilities, some are wrong; these probabilities are told as they are, or too surely."""
    from clc_text.evidence.views.discriminant import no_surer
    from clc_text.noise.estimation.noise_fit import sharpened

    random = np.random.default_rng(5)
    logits = 1.5 * random.normal(size=(6000, 4))
    probs = sharpened(logits, 1.0)
    true = np.array([random.choice(4, p=one) for one in probs])
    labels = np.where(random.random(6000) < 0.15, random.integers(0, 4, 6000), true)
    rows = replace(seen(rows=30), labels=labels)
    told = sharpened(logits, power)
    found = no_surer(told, rows)
    np.testing.assert_allclose(found.sum(1), 1)
    assert np.abs(found - probs).mean() < 0.03
    if power > 1:
        assert np.abs(told - probs).mean() > 0.08

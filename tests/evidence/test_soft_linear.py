"""A logistic regression on distributions, beside scikit-learn's on rows that are repeated by their weight."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from clc_text.evidence.soft_linear import soft_linear, soft_linear_folds, soft_logs


def problem(rows: int = 120) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    features = random.normal(size=(rows, 5))
    return features, random.dirichlet(np.ones(3), rows)


def test_it_is_the_weighted_regression() -> None:
    features, belief = problem()
    found = np.exp(soft_logs(features, soft_linear(features, belief)))
    repeated, labels = np.tile(features, (3, 1)), np.repeat(np.arange(3), len(features))
    model = LogisticRegression(C=1.0, tol=1e-8, max_iter=2000)
    expected = model.fit(repeated, labels, sample_weight=belief.T.ravel()).predict_proba(features)
    assert found == pytest.approx(expected, abs=2e-3)


def test_a_row_is_judged_by_a_model_that_saw_neither_it_nor_its_copies() -> None:
    features, belief = problem()
    features[1] = features[0]
    fold = np.arange(len(features)) % 5
    fold[1] = fold[0]
    before = soft_linear_folds(features, belief, fold)
    changed = belief.copy()
    least = np.argsort(belief[:2], axis=1)[:, :2]
    np.put_along_axis(changed[:2], least, np.take_along_axis(belief[:2], least[:, ::-1], axis=1), axis=1)
    after = soft_linear_folds(features, changed, fold)
    assert (before[:2] == after[:2]).all()
    assert (before[fold != fold[0]] != after[fold != fold[0]]).any()
    assert np.exp(before).sum(1) == pytest.approx(np.ones(len(features)))

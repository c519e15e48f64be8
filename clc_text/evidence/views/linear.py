"""A regularised logistic regression on features of length 1."""

from __future__ import annotations

import warnings

import numpy as np

from clc_text.evidence.views.base import Seen, shares, some, unit_rows

ITERATIONS = 300


def linear(seen: Seen) -> np.ndarray:
    """See `View`. A class that the other folds lack has only its share of the labels."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    features, fold = unit_rows(seen.features), seen.folds[0]
    found = np.empty((len(fold), seen.classes))
    for number in np.unique(fold):
        own, rest = np.flatnonzero(fold == number), some(np.flatnonzero(fold != number), seen.seed)
        labels = seen.labels[rest]
        found[own] = shares(labels, seen.classes)
        present = np.unique(labels)
        if len(present) < 2:
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # a view need not be exact to be a view
            model = LogisticRegression(max_iter=ITERATIONS).fit(features[rest], labels)
        missing = np.ones(seen.classes, bool)
        missing[present] = False
        left = 1 - found[own[0], missing].sum()
        found[np.ix_(own, present)] = left * model.predict_proba(features[own])
    return np.asarray(found / found.sum(1, keepdims=True))  # the model's own sums are those of float32

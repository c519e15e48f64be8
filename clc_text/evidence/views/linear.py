"""A regularised logistic regression on features of length 1."""

from __future__ import annotations

import warnings

import numpy as np

from clc_text.evidence.views.base import Seen, folds_of, unit_rows

ITERATIONS = 300


def linear(seen: Seen) -> np.ndarray:
    """See `View`."""
    assert seen.features is not None
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # a view need not be exact to be a view
        return folds_of(seen, unit_rows(seen.features), lambda: LogisticRegression(max_iter=ITERATIONS))

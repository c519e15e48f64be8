"""A logistic regression that learns distributions: what a belief about each row's class is taught to."""

from __future__ import annotations

from typing import Any

import numpy as np

from clc_text.evidence.views.base import some, unit_rows
from clc_text.noise.estimation.logistic import linear_model, of_one_class

PENALTY = 1.0  # as scikit-learn's C = 1, on rows of length 1
ITERATIONS = 100


def soft_linear(features: Any, belief: np.ndarray, penalty: float = PENALTY) -> np.ndarray:
    """float64 [D + 1, C], weights and, last, biases, that make Σ CE(q, p) + penalty/2 · |W|² small (L-BFGS).

    Args:
        features: [N, D], dense or sparse.
        belief: [N, C], q.
    """
    return linear_model(features, belief, of_one_class, penalty, ITERATIONS)


def soft_logs(features: Any, weights: np.ndarray) -> np.ndarray:
    """float64 [N, C], log-probabilities."""
    from scipy.special import log_softmax

    return np.asarray(log_softmax(features @ weights[:-1] + weights[-1], axis=1))


def soft_linear_folds(features: Any, belief: np.ndarray, fold: np.ndarray) -> np.ndarray:
    """float64 [N, C], log-probabilities of each row by a regression that saw no row of its fold.

    Args:
        features: float32 [N, D], which no label has shaped; or sparse, of rows of length 1.
        belief: [N, C].
        fold: int64 [N], copies together (`assign_folds`).
    """
    rows = features.astype(np.float64) if hasattr(features, "tocsr") else unit_rows(features).astype(np.float64)
    log_probs = np.empty(belief.shape)
    for number in np.unique(fold):
        own = fold == number
        others = some(np.flatnonzero(~own), int(number))
        log_probs[own] = soft_logs(rows[own], soft_linear(rows[others], belief[others]))
    return log_probs

"""Linear models of what may be labels or shares, by L-BFGS: of classes of which one holds, or of each alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Loss = Callable[[np.ndarray, np.ndarray], tuple[float, np.ndarray]]
"""Of log-odds [N, C] and targets [N, C]: the sum over all of what is lost, and its slope [N, C] by the log-odds."""


def linear_model(
    features: Any, targets: np.ndarray, lost: Loss, penalty: float, iterations: int, biases: np.ndarray | None = None
) -> np.ndarray:
    """float64 [D + 1, C], weights and, last, biases, that make the loss and penalty/2 · |W|² small together.

    Args:
        features: [N, D], dense or sparse.
        targets: float64 [N, C].
        lost: `of_one_class` or `of_each_class`.
        iterations: of L-BFGS, at most.
        biases: [C], to begin with; None: 0.
    """
    from scipy.optimize import minimize

    start = np.zeros((features.shape[1] + 1, targets.shape[1]))
    if biases is not None:
        start[-1] = biases

    def loss(flat: np.ndarray) -> tuple[float, np.ndarray]:
        weights = flat.reshape(start.shape)
        value, error = lost(features @ weights[:-1] + weights[-1], targets)
        value += penalty / 2 * (weights[:-1] ** 2).sum()
        slope = np.concatenate([features.T @ error + penalty * weights[:-1], error.sum(0, keepdims=True)])
        return value / len(targets), slope.ravel() / len(targets)

    solution: Any = minimize(loss, start.ravel(), jac=True, method="L-BFGS-B", options={"maxiter": iterations})
    return np.asarray(solution.x.reshape(start.shape))


def of_one_class(odds: np.ndarray, targets: np.ndarray) -> tuple[float, np.ndarray]:
    """Cross-entropy with softmax, of classes of which one holds; the targets of a row may have any sum."""
    from scipy.special import log_softmax

    logs = log_softmax(odds, axis=1)
    return float(-(targets * logs).sum()), np.exp(logs) * targets.sum(1, keepdims=True) - targets


def of_each_class(odds: np.ndarray, targets: np.ndarray) -> tuple[float, np.ndarray]:
    """Binary cross-entropy, of classes each of which may hold or not."""
    from scipy.special import expit

    return float((np.logaddexp(0, odds) - targets * odds).sum()), expit(odds) - targets

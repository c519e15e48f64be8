"""A Gaussian for each class, with one shrunken covariance for all: linear discriminant analysis, told of the noise.

It is fitted twice: to the given labels, and then to what its first predictions and the noise matrix that they imply
make of them. Few parameters and a mean over each class leave little to memorise.

Sources: linear discriminant analysis with the covariance of Ledoit and Wolf, "A well-conditioned estimator for
large-dimensional covariance matrices", 2004; noisy labels in it: Lawrence and Schölkopf, "Estimating a kernel Fisher
discriminant in the presence of label noise", ICML 2001.
"""

from __future__ import annotations

import numpy as np

from clc_text.evidence.views.base import Seen, fit_rows, shares, some
from clc_text.noise.estimation.noise_fit import fit_noise, posterior_labels, softmax
from clc_text.noise.estimation.plateau import undone

LEAST = 1e-6  # probability
INNER = 2  # folds of the first predictions
ROWS_AT_ONCE = 65_536  # that are judged: a product may round as the number of its rows has it, so as many as can be
_TINY = 1e-9


def discriminant(seen: Seen) -> np.ndarray:
    """See `View`.

    What a fold's rows are judged by is made of the other folds alone, the first predictions and the noise matrix too:
    a row whose label had shaped the targets of rows like it would find its label again (measured on labels drawn at
    random: a gain of 0.1 nats from nothing).
    """
    assert seen.features is not None
    outer, inner = seen.folds[0], seen.folds[-1] % INNER
    found = np.empty((len(outer), seen.classes))
    for number in np.unique(outer):
        own = np.flatnonzero(outer == number)
        rest = some(np.flatnonzero(outer != number), seen.seed, fit_rows(seen.classes))
        if not len(rest):
            found[own] = shares(seen.labels, seen.classes)
            continue
        features, labels = seen.features[rest].astype(np.float64), seen.labels[rest]
        targets = _targets(features, labels, inner[rest], seen.classes, seen.known)
        weights, biases = _fitted(features, targets)
        for start in range(0, len(own), ROWS_AT_ONCE):
            rows = own[start : start + ROWS_AT_ONCE]
            found[rows] = _softened(seen.features[rows] @ weights + biases)
    return found


def _targets(
    features: np.ndarray, labels: np.ndarray, fold: np.ndarray, classes: int, known: np.ndarray | None
) -> np.ndarray:
    """float64 [n, C], what predictions across folds and the noise matrix that they imply make of labels [n]."""
    plain = np.eye(classes)[labels]
    if len(np.unique(fold)) < 2:
        return plain
    probs = np.empty(plain.shape)
    for number in np.unique(fold):
        own, rest = fold == number, fold != number
        weights, biases = _fitted(features[rest], plain[rest])
        probs[own] = _softened(features[own] @ weights + biases)
    if known is not None:  # what predicts the given labels, taken back through the noise
        return posterior_labels(undone(probs, known), labels, known)
    fit = fit_noise(np.log(probs), labels)
    return posterior_labels(fit.probs, labels, fit.transition)


def _softened(logits: np.ndarray) -> np.ndarray:
    """Probabilities [n, C] of which none is below `LEAST`."""
    found = softmax(logits).clip(LEAST)
    return np.asarray(found / found.sum(1, keepdims=True))


def _fitted(features: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Weights [D, C] and biases [C] of the log-odds, from features [n, D] and targets [n, C]."""
    from sklearn.covariance import ledoit_wolf

    counts = targets.sum(0) + _TINY
    means = targets.T @ features / counts[:, None]
    scale = features.std(0)
    scale[scale < _TINY] = 1.0  # a feature that never varies tells nothing, and must not be divided by
    covariance, _ = ledoit_wolf((features - targets @ means) / scale, assume_centered=True)
    covariance *= np.outer(scale, scale)
    covariance[np.diag_indices_from(covariance)] += _TINY
    weights = np.linalg.solve(covariance, means.T)
    biases = np.log(counts / counts.sum()) - 0.5 * (means.T * weights).sum(0)
    return weights, biases

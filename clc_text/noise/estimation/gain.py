"""How much held-out predictions tell of the given labels: whether the networks have learnt anything at all."""

from __future__ import annotations

import numpy as np

from clc_text.data.best_classes import Table, some_rows
from clc_text.noise.estimation.noise_fit import MOST_ROWS, are_several, explained, fit_transition

LEAST = 0.01  # nats a row. Recipes of this project gain 0.13 and more; below it a noise matrix is hardly determined
ERRORS = 2.0  # standard errors: what chance alone exceeds once in 40 times
NOTHING = "networks that had not seen a label foretell it no better than the labels' shares do"


def gain_over_shares(
    probs: Table,
    labels: np.ndarray,
    fold: np.ndarray,
    first: np.ndarray | None = None,
    even_rows: float = MOST_ROWS,
) -> tuple[float, float]:
    """Log-likelihood of the given labels, in nats a row, above that by their shares alone; and its standard error.

    The noise matrix and the shares that judge a fold are those of the other folds: a matrix explains the very labels
    that it was fitted to even where the predictions are noise (measured on 20 Newsgroups: 0.04 nats of 0.49).

    Args:
        probs: [N, C] out-of-sample predictions of the true class.
        labels: int64 [N] given labels, or float [N, C] distributions.
        fold: int64 [N], whatever parts the rows, copies together.
        first: int64 [N], the first copy of each row, all of which count as one draw; None: all rows differ.
        even_rows: see `noise_fit.shrunk`.
    """
    gain = gains_over_shares(probs, labels, fold, even_rows)
    mean = float(gain.mean())
    each = np.arange(len(labels)) if first is None else first
    apart = np.bincount(each, weights=gain - mean)
    return mean, float(np.sqrt((apart**2).sum()) / len(labels))


def gains_over_shares(probs: Table, labels: np.ndarray, fold: np.ndarray, even_rows: float = MOST_ROWS) -> np.ndarray:
    """float64 [N], of each row; of several problems (see `noise_fit`) the sum over them."""
    if are_several(labels) and isinstance(probs, np.ndarray):
        each = [gains_over_shares(probs[:, one], labels[:, one], fold) for one in range(labels.shape[1])]
        return np.sum(each, axis=0)
    classes = probs.shape[1]
    gain = np.zeros(len(labels))
    for one in np.unique(fold):
        rest, part = fold != one, fold == one
        if not rest.any():
            continue
        transition = fit_transition(some_rows(probs, rest), labels[rest], even_rows=even_rows)
        counts = labels[rest].sum(0) if labels.ndim == 2 else np.bincount(labels[rest], minlength=classes)
        shares = counts + 1.0  # a class may be missing from the other folds
        shares /= shares.sum()
        given = labels[part]
        likelihood = explained(some_rows(probs, part), given, transition)
        by_shares = given @ shares if given.ndim == 2 else shares[given]
        gain[part] = np.log(np.maximum(likelihood, 1e-12)) - np.log(by_shares)
    return gain


def is_nothing(gain: float, error: float) -> bool:
    """Whether a gain cannot be told from none."""
    return gain < max(LEAST, ERRORS * error)

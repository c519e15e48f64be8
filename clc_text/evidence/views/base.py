"""What a view is: probabilities of a row's class by something that has not seen the row's label."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

FIT_ROWS = 50_000  # of more rows, so many are learnt from: a view's error has long ceased to fall with them


@dataclass(frozen=True)
class Seen:
    """What a view may look at.

    Attributes:
        features: float32 [N, D], of the rows, which no label has shaped; finite.
        labels: int64 [N], given labels.
        classes: C.
        first: int64 [N], the first row with the same features: whoever has seen a copy has seen the row.
        folds: int64 [R, N], R ways to deal the rows into folds, copies together (`crossfit.folds.assign_folds`).
        seed: of whatever is drawn.
    """

    features: np.ndarray
    labels: np.ndarray
    classes: int
    first: np.ndarray
    folds: np.ndarray
    seed: int = 0


class View(Protocol):
    """Gives float64 [N, C], P(class) of each row, the row's own label and its copies' unseen; each row sums to 1."""

    def __call__(self, seen: Seen) -> np.ndarray: ...


def shares(labels: np.ndarray, classes: int) -> np.ndarray:
    """float64 [C], the classes' shares of some labels, one pseudo-label spread over them."""
    counts = np.bincount(labels, minlength=classes) + 1.0 / classes
    return np.asarray(counts / counts.sum())


def some(rows: np.ndarray, seed: int) -> np.ndarray:
    """At most `FIT_ROWS` of the row numbers, drawn at random and in order."""
    if len(rows) <= FIT_ROWS:
        return rows
    random = np.random.Generator(np.random.PCG64(seed))
    return np.sort(random.choice(rows, FIT_ROWS, replace=False))


def unit_rows(features: np.ndarray) -> np.ndarray:
    """float32 [N, D], each row of length 1; a row of zeros stays."""
    from sklearn.preprocessing import normalize

    found: np.ndarray = normalize(features).astype(np.float32, copy=False)
    return found

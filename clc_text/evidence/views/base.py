"""What a view is: probabilities of a row's class by something that has not seen the row's label."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from clc_text.data.nearest import Nearest

LEAST = 1e-9  # probability
FIT_ROWS = 50_000  # of more rows, so many are learnt from: a view's error has long ceased to fall with them
FIT_CELLS = 20_000_000  # rows times classes that are learnt from: fewer rows where there are more than 400 classes


@dataclass(frozen=True)
class Seen:
    """What a view may look at.

    Attributes:
        features: float32 [N, D], of the rows, which no label has shaped; finite; None: there are none.
        labels: int64 [N], given labels.
        classes: C.
        first: int64 [N], the first row with the same features: whoever has seen a copy has seen the row.
        folds: int64 [R, N], R ways to deal the rows into folds, copies together (`crossfit.folds.assign_folds`).
        seed: of whatever is drawn.
        words: sparse float32 [N, M], TF-IDF of the terms of each text; None where rows are no texts.
        near: the nearest others of each row, where they have been found; None: who needs them looks for them.
    """

    features: np.ndarray | None
    labels: np.ndarray
    classes: int
    first: np.ndarray
    folds: np.ndarray
    seed: int = 0
    words: Any | None = None
    near: Nearest | None = None


class View(Protocol):
    """Gives float64 [N, C], P(class) of each row, the row's own label and its copies' unseen; each row sums to 1."""

    def __call__(self, seen: Seen) -> np.ndarray: ...


def shares(labels: np.ndarray, classes: int) -> np.ndarray:
    """float64 [C], the classes' shares of some labels, one pseudo-label spread over them."""
    counts = np.bincount(labels, minlength=classes) + 1.0 / classes
    return np.asarray(counts / counts.sum())


def some(rows: np.ndarray, seed: int, most: int = FIT_ROWS) -> np.ndarray:
    """At most so many of the row numbers, drawn at random and in order."""
    if len(rows) <= most:
        return rows
    random = np.random.Generator(np.random.PCG64(seed))
    return np.sort(random.choice(rows, most, replace=False))


def folds_of(seen: Seen, inputs: Any, model: Callable[[], Any], most: int = FIT_ROWS) -> np.ndarray:
    """float64 [N, C], of a scikit-learn classifier, each fold's rows by one that was fitted to the other folds.

    A class that these lack has only its share of the labels.

    Args:
        inputs: [N, D], dense or sparse, what the classifier reads of a row.
        model: makes one that is not fitted.
        most: rows that are learnt from, at most.
    """
    fold = seen.folds[0]
    probs = np.empty((len(fold), seen.classes))
    for number in np.unique(fold):
        own, rest = np.flatnonzero(fold == number), some(np.flatnonzero(fold != number), seen.seed, most)
        labels = seen.labels[rest]
        probs[own] = shares(labels, seen.classes)
        present = np.unique(labels)
        if len(present) < 2:
            continue
        fitted = model().fit(inputs[rest], labels)
        missing = np.ones(seen.classes, bool)
        missing[present] = False
        left = 1 - probs[own[0], missing].sum()
        with np.errstate(invalid="ignore"):
            said = fitted.predict_proba(inputs[own])
        said[~np.isfinite(said).all(1)] = 1 / len(present)  # older releases divide by 0 where no class fits at all
        probs[np.ix_(own, present)] = left * said
    np.clip(probs, LEAST, None, out=probs)
    probs /= probs.sum(1, keepdims=True)  # a model's own sums are those of float32
    return probs


def fit_rows(classes: int) -> int:
    """How many rows are learnt from, at most."""
    return min(FIT_ROWS, max(1, FIT_CELLS // classes))


def unit_rows(features: Any) -> Any:
    """float32 [N, D], dense or sparse as the features are, each row of length 1; a row of zeros stays."""
    from sklearn.preprocessing import normalize

    return normalize(features).astype(np.float32, copy=False)

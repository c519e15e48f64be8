"""Tables of predicted probabilities, checked, and counts made into distributions."""

from __future__ import annotations

import numpy as np

from clc_text.errors import InputError

MANY_CLASSES = 100  # above, sums over classes are made another way, and rows are resampled less often
MOST_CLASSES = 1_000  # of a noise matrix that is shown, or found again and again from resampled rows
MOST_FITTED = 5_000  # of one that cross-fitting finds: 200 MB
_CELLS = 200_000_000  # of all resampled tables and matrices together


def check_classes(classes: int, most: int = MOST_CLASSES) -> None:
    """
    Args:
        classes: C.
        most: that there may be.

    Raises:
        InputError: the classes are too many for a noise matrix.
    """
    if classes > most:
        raise InputError(
            f"{classes:,} classes are too many for an estimate of the noise: the matrix of which class is taken for "
            f"which would have {classes**2:,} entries, and {most:,} classes are the most; join classes "
            "(data.label_map), or train with a method that needs no such matrix (method: clc) and correct by "
            "--policy agree",
            key="classes",
        )


def resamplings(wanted: int, rows: int, classes: int) -> int:
    """How often rows are resampled: as wanted, where there are not so many classes that it would take minutes."""
    if classes <= MANY_CLASSES:
        return wanted
    return min(wanted, max(10, _CELLS // (rows * classes + classes**2)))


def checked(p: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """p as float64 [N, C] and labels as int64 [N].

    Raises:
        InputError: p is no table of distributions, or a label is none of its classes.
    """
    p = mean_of_peers(p)
    labels = np.asarray(labels)
    if labels.shape != (len(p),) or not np.issubdtype(labels.dtype, np.integer):
        raise InputError(f"{len(p)} rows of probabilities need as many class numbers, and got {labels.shape} labels")
    wrong = np.flatnonzero((labels < 0) | (labels >= p.shape[1]))
    if len(wrong):
        raise InputError(
            f"row {wrong[0] + 1} has the label {labels[wrong[0]]}, but p has {p.shape[1]} classes",
            row=int(wrong[0] + 1),
        )
    return p, labels.astype(np.int64)


def mean_of_peers(p: np.ndarray) -> np.ndarray:
    p = np.asarray(p, dtype=np.float64)
    if p.ndim == 3:
        p = p.mean(0)
    if p.ndim != 2 or 0 in p.shape:
        raise InputError(f"probabilities must have the shape [rows, classes] or [peers, rows, classes], not {p.shape}")
    bad = np.flatnonzero(~(np.isfinite(p).all(1) & (p >= 0).all(1) & (np.abs(p.sum(1) - 1) < 1e-3)))
    if len(bad):
        raise InputError(
            f"row {bad[0] + 1} of the probabilities is no distribution: {p[bad[0]][:8].round(4).tolist()}",
            row=int(bad[0] + 1),
        )
    return p


def count_pairs(rows: np.ndarray, columns: np.ndarray, classes: int) -> np.ndarray:
    """int64 [C, C]: how often each pair of classes occurs, of two classes [N] of every row."""
    return np.bincount(rows * classes + columns, minlength=classes * classes).reshape(classes, classes)


def rows_to_one(counts: np.ndarray) -> np.ndarray:
    """Rows [..., C, C] divided by their sums; an empty row becomes that of the identity: nothing speaks for noise."""
    sums = counts.sum(-1, keepdims=True)
    identity = np.broadcast_to(np.eye(counts.shape[-1]), counts.shape).copy()
    return np.divide(counts, sums, out=identity, where=sums > 0)

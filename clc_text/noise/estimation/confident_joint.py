"""The confident joint: true and given labels counted over the rows a network is sure of (Northcutt et al. 2021)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from clc_text.noise.estimation.probabilities import checked, rows_to_one

# cleanlab's allowance for rounding when a probability is compared with a threshold, and its least threshold.
_SLACK = 1e-6
_LEAST_THRESHOLD = 2e-6


class ConfidentJoint(NamedTuple):
    """joint float64 [C, C] (row = true class, column = given class, sums to 1), its rows as T, and 1 - its trace."""

    joint: np.ndarray
    matrix: np.ndarray
    rate: float


def confident_counts(p: np.ndarray, labels: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """float64 [C, C], the confident joint before calibration: rows by (confidently true class, given class).

    A class's threshold is the mean probability of the class over the rows given it (Northcutt et al. 2021, Eq. 2);
    a row counts for the class whose threshold it reaches; where it reaches several, for its most probable class; where
    it reaches none, not at all. A class always counts at least one row as rightly labelled. This is cleanlab's
    definition (`cleanlab.count.compute_confident_joint`, whose rows are the given classes).

    Args:
        weights: float64 [N], how often each row counts; once where None.
    """
    p, labels = checked(p, labels)
    return _confident_counts(p, labels, np.ones(len(labels)) if weights is None else weights)


def _confident_counts(p: np.ndarray, labels: np.ndarray, w: np.ndarray) -> np.ndarray:
    classes = p.shape[1]
    own = p[np.arange(len(labels)), labels]
    of_class = np.bincount(labels, w, classes)
    means = np.bincount(labels, w * own, classes) / np.where(of_class > 0, of_class, 1)
    thresholds = np.where(of_class > 0, np.maximum(means, _LEAST_THRESHOLD), 2.0)  # 2: no row counts for such a class
    reached = p >= thresholds - _SLACK
    how_many = reached.sum(1)
    guess = np.where(how_many > 1, p.argmax(1), reached.argmax(1))
    w = np.where(how_many > 0, w, 0.0)
    counts = np.bincount(guess * classes + labels, w, classes * classes).reshape(classes, classes)
    np.fill_diagonal(counts, np.maximum(counts.diagonal(), 1.0))
    return counts


def confident_joint(p: np.ndarray, labels: np.ndarray, weights: np.ndarray | None = None) -> ConfidentJoint:
    """The joint distribution of true and given labels (Northcutt et al. 2021).

    The counts are scaled so that each given class has its observed share (cleanlab rounds them to whole rows as well,
    which is not done here). A true class that no row counts for gets an identity row in T.

    Args:
        p: [N, C] or [P, N, C] probabilities.
        labels: int64 [N] given labels.
        weights: float64 [N], how often each row counts; once where None.
    """
    p, labels = checked(p, labels)
    return _confident_joint(p, labels, np.ones(len(labels)) if weights is None else weights)


def _confident_joint(p: np.ndarray, labels: np.ndarray, w: np.ndarray) -> ConfidentJoint:
    counts = _confident_counts(p, labels, w)
    shares = np.bincount(labels, w, p.shape[1])
    joint = counts / counts.sum(0) * (shares / shares.sum())
    return ConfidentJoint(joint, rows_to_one(joint), float(1 - np.trace(joint)))


def confident_all(p: np.ndarray, labels: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """T [R, C, C] and the rate [R] for each of R weightings [R, N] of the rows; the input is not checked."""
    joints = [_confident_joint(p, labels, row) for row in weights]
    return np.stack([one.matrix for one in joints]), np.array([one.rate for one in joints])

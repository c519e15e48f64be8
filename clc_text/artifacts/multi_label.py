"""Scores of predictions of which several classes may hold at once."""

from __future__ import annotations

import numpy as np


def multi_label_scores(log_odds: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """``f1_micro``, ``f1_macro``, ``average_precision`` (mean over the classes) and ``subset_accuracy``, 0 … 1.

    A class is predicted where its log-odds are above 0. Of a class that neither holds nor is predicted anywhere F1 is
    not defined, and of one that never holds no average precision: the means leave them out.

    Args:
        log_odds: [N, C].
        truth: [N, C] of 0 and 1.
    """
    held = np.asarray(truth) > 0.5
    said = np.asarray(log_odds) > 0
    each = f1_of_each(said, held)
    return {
        "f1_micro": f1_micro(said, held),
        "f1_macro": float(np.nanmean(each)) if np.isfinite(each).any() else 0.0,
        "average_precision": average_precision(np.asarray(log_odds), held),
        "subset_accuracy": float((said == held).all(1).mean()),
    }


def f1_micro(said: np.ndarray, held: np.ndarray) -> float:
    """2 TP / (2 TP + FP + FN) over all rows and classes, [N, C] each; 1 where there is nothing to find or say."""
    said, held = np.asarray(said) > 0.5, np.asarray(held) > 0.5
    both, either = int((said & held).sum()), int(said.sum() + held.sum())
    return 2 * both / either if either else 1.0


def f1_of_each(said: np.ndarray, held: np.ndarray) -> np.ndarray:
    """float64 [C], F1 of each class; NaN where it neither holds nor is predicted anywhere."""
    both, either = (said & held).sum(0), said.sum(0) + held.sum(0)
    return np.divide(2.0 * both, either, out=np.full(len(both), np.nan), where=either > 0)


def average_precision(scores: np.ndarray, held: np.ndarray) -> float:
    """The mean over the classes that hold somewhere of the average precision of ranking the rows by a score [N, C]."""
    from sklearn.metrics import average_precision_score

    of_classes = [average_precision_score(held[:, one], scores[:, one]) for one in np.flatnonzero(held.any(0))]
    return float(np.mean(of_classes)) if of_classes else 0.0

"""Expectation-maximisation on tables that keep the best classes of a row (`data.best_classes`), to rounding as on all
classes of the same rows, but at the cost of those that are kept.

All other classes of a row have one probability r, so that Σ_c p(c) T[c, y] is what the kept ones are above r, and r
times the sum of T's column; and column y of the counts, Σ p(c) T[c, y] / Σ_k p(k) T[k, y], is T[:, y] times a number
that all classes share and what the kept ones add to it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from clc_text.data.best_classes import BestClasses

_SMALLEST = 1e-12
_ROWS_AT_ONCE = 16_384


def likelihoods(probs: BestClasses, labels: np.ndarray, transition: np.ndarray) -> np.ndarray:
    """float64 [N], Σ_c p(c) T[c, y]; labels int64 [N]."""
    of_label = transition.T
    sums = of_label.sum(1)
    likely = np.empty(len(probs))
    for part in _parts(len(probs)):
        given, rest = labels[part], probs.rest[part].astype(np.float64)
        above = probs.values[part].astype(np.float64) - rest[:, None]
        likely[part] = (above * of_label[given[:, None], probs.classes[part]]).sum(1) + rest * sums[given]
    return likely


def counts_of_best(probs: BestClasses, labels: np.ndarray) -> Callable[[np.ndarray | None], np.ndarray]:
    """See `noise_fit.Counted`. What it gives lies in memory class by class of the given labels, as T should that it is
    asked with."""
    order = np.argsort(labels, kind="stable")  # rows of a class one after another find its column in the cache
    table, given = probs.rows(order), labels[order]

    def counted(transition: np.ndarray | None) -> np.ndarray:
        of_label = None if transition is None else np.ascontiguousarray(transition.T)
        sums = None if of_label is None else of_label.sum(1)
        shared = np.zeros(probs.count)
        counts = np.zeros((probs.count, probs.count))
        flat = counts.reshape(-1)
        for part in _parts(len(table)):
            rest, labels_of = table.rest[part].astype(np.float64), given[part].astype(np.int64)
            above = table.values[part].astype(np.float64) - rest[:, None]
            classes = table.classes[part]
            if of_label is not None and sums is not None:
                likely = (above * of_label[labels_of[:, None], classes]).sum(1) + rest * sums[labels_of]
                weight = 1 / np.maximum(likely, _SMALLEST)
                rest *= weight
                above *= weight[:, None]
            np.add.at(flat, (labels_of[:, None] * probs.count + classes).ravel(), above.ravel())
            shared += np.bincount(labels_of, rest, probs.count)
        counts += shared[:, None]
        if of_label is not None:
            counts *= of_label
        return counts.T

    return counted


def weighed_sums(probs: BestClasses, weights: np.ndarray) -> np.ndarray:
    """float64 [C], Σ_n of what the rows have where each class counts as often as its weight [C], ∝ w · p."""
    sums = np.empty(len(probs))
    for part in _parts(len(probs)):
        rest = probs.rest[part].astype(np.float64)
        above = probs.values[part].astype(np.float64) - rest[:, None]
        sums[part] = (above * weights[probs.classes[part]]).sum(1) + rest * weights.sum()
    return weights * probs.of_classes(1 / np.maximum(sums, _SMALLEST))


def _parts(rows: int) -> Iterator[slice]:
    for start in range(0, rows, _ROWS_AT_ONCE):
        yield slice(start, start + _ROWS_AT_ONCE)

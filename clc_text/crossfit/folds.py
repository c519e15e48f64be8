"""Which network may not see which row."""

from __future__ import annotations

import numpy as np


def assign_folds(labels: np.ndarray, folds: int, seed: int) -> np.ndarray:
    """int64 [N], the fold of each row, 0 … folds-1: the rows of every given class are dealt out as evenly as can be.

    Args:
        labels: int64 [N] given labels.
        folds: K; with fewer rows than folds some stay empty.
        seed: of the shuffle that comes before the deal.
    """
    random = np.random.Generator(np.random.PCG64(seed))
    order = random.permutation(len(labels))
    by_class = order[np.argsort(labels[order], kind="stable")]  # dealt on from class to class, so folds are equal too
    found = np.empty(len(labels), dtype=np.int64)
    found[by_class] = np.arange(len(labels)) % folds
    return found

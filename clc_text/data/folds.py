"""Which network may not see which row."""

from __future__ import annotations

import numpy as np

UNEVEN = 0.2  # of a fold's fair share of the rows, N/K: so many more or fewer are no reason to deal anew


def assign_folds(labels: np.ndarray, folds: int, seed: int, first: np.ndarray | None = None) -> np.ndarray:
    """int64 [N], the fold of each row, 0 … folds-1: the rows of every given class are dealt out as evenly as can be.

    Copies of a row share its fold, since the network that is blind to a row must not see its label beside another. A
    row without copies is dealt as it would be among rows that all differ, unless copies make the folds uneven.

    Args:
        labels: int64 [N] given labels.
        folds: K; with fewer rows than folds some stay empty.
        seed: of the shuffle that comes before the deal.
        first: int64 [N], the first copy of each row (`first_copies`); None: all rows differ.
    """
    random = np.random.Generator(np.random.PCG64(seed))
    order = random.permutation(len(labels))
    by_class = order[np.argsort(labels[order], kind="stable")]  # dealt on from class to class, so folds are equal too
    fold = np.empty(len(labels), dtype=np.int64)
    fold[by_class] = np.arange(len(labels)) % folds
    if first is None or (first == np.arange(len(first))).all():
        return fold
    fold = fold[first]
    return _dealt_whole(labels, folds, order, first) if _uneven(fold, labels, folds, first) else fold


def deal_rounds(labels: np.ndarray, folds: int, seed: int, rounds: int, first: np.ndarray | None = None) -> np.ndarray:
    """int64 [rounds, N], `assign_folds` of so many seeds in a row."""
    return np.stack([assign_folds(labels, folds, seed + number, first) for number in range(rounds)])


def rarest_of(labels: np.ndarray) -> np.ndarray:
    """int64 [N], by which rows of several classes at once are dealt out: the rarest class of each, from 1; 0: none.

    Source: the idea of Sechidis et al., "On the Stratification of Multi-Label Data", ECML 2011: rare classes first.

    Args:
        labels: [N, K] of 0 and 1.
    """
    order = np.argsort(labels.sum(0), kind="stable")
    held = labels[:, order] > 0
    return np.where(held.any(1), 1 + order[held.argmax(1)], 0)


def _uneven(fold: np.ndarray, labels: np.ndarray, folds: int, first: np.ndarray) -> bool:
    """Whether following their first copies has made a fold too large or small, or robbed it of a class."""
    even, sizes = len(labels) / folds, np.bincount(fold, minlength=folds)
    if (np.abs(sizes - even) > UNEVEN * even + 1).any() or (sizes == 0).any():
        return True
    for label in np.unique(labels):
        rows = labels == label
        if len(np.unique(first[rows])) >= folds and len(np.unique(fold[rows])) < folds:
            return True
    return False


def _dealt_whole(labels: np.ndarray, folds: int, order: np.ndarray, first: np.ndarray) -> np.ndarray:
    """Rows with all their copies, the largest groups first, each to the fold with the fewest rows of its class."""
    sizes = np.bincount(first, minlength=len(first))
    groups = order[first[order] == order]
    held, sums = np.zeros((int(labels.max()) + 1, folds), dtype=np.int64), np.zeros(folds, dtype=np.int64)
    dealt = np.empty(len(labels), dtype=np.int64)
    for group in groups[np.argsort(-sizes[groups], kind="stable")].tolist():
        of_class = held[labels[group]]
        fold = np.lexsort((sums, of_class))[0]
        of_class[fold] += sizes[group]
        sums[fold] += sizes[group]
        dealt[group] = fold
    return dealt[first]

"""Canaries: labels flipped on purpose, to measure how many of them a run finds."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from clc_text.data.best_classes import DENSE_CLASSES
from clc_text.errors import InputError
from clc_text.noise.draws import uniforms

MAX_SHARE = 0.2
GROUPS = 8  # of copies at least, where so many are to be had: a few large ones would tell of a few texts


def plant(
    labels: np.ndarray, share: float, seed: int, num_classes: int, first: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Flips a share of the given labels, each to another class, all of them alike.

    ``round(share * N)`` rows, at least one where `share` is above 0, as far as copies allow it, spread over the given
    classes in proportion to their rows (largest remainders); the rows of a class are drawn at random.

    A copy of a canary would betray it by its label. So rows without copies are taken, where these are at least half of
    a class; else rows with all their copies, of those with so few that together they are half of it and each is an
    eighth of the canaries at most, and where these are too few the others, those with few copies first (of the last
    ones it may be a few rows more, but not half of the class, which then has fewer canaries, or none). In a class most
    of whose rows have copies, those without are mostly rows of another class (1,000,000 texts of eight classes, put
    together from some thousand parts: 24 % of the canaries had a wrong label before, where 15 % of all have).

    Args:
        labels: int64 [N] given labels; not changed.
        share: 0 ... 0.2.
        seed: of the draw.
        num_classes: C.
        first: int64 [N], the number of the first row with the same inputs, a row's own where it is the first; None:
            all rows differ.

    Returns:
        int64 [N] labels to train on, and bool [N], true where a row is a canary.

    Raises:
        InputError: the share is out of range, or there is no other class or no row to flip.
    """
    if not 0 <= share <= MAX_SHARE:
        raise InputError(f"canaries is {share}; it must be a share from 0 to {MAX_SHARE}", key="canaries")
    labels = np.array(labels, dtype=np.int64)
    canary = np.zeros(len(labels), dtype=bool)
    if share == 0:
        return labels, canary
    if num_classes < 2 or len(labels) == 0:
        raise InputError(
            f"canaries is {share}, but there is no label to flip (rows: {len(labels)}, classes: {num_classes}); "
            "set it to 0",
            key="canaries",
        )
    quotas = apportion(np.bincount(labels, minlength=num_classes), max(1, round(share * len(labels))))
    first = np.arange(len(labels)) if first is None else first
    sizes = np.bincount(first, minlength=len(labels))  # 0 where a row is not the first
    order = np.argsort(uniforms(seed, "canary-row", len(labels)), kind="stable")
    order = order[sizes[order] > 0]
    for given_class, quota in enumerate(quotas):
        rows = order[labels[order] == given_class]
        most = min(_usual_size(sizes[rows]), max(1, quota // GROUPS))
        rows = rows[np.argsort(np.maximum(sizes[rows], most), kind="stable")]
        canary[_first_groups(rows, sizes[rows], quota)] = True
    canary = canary[first]
    # 1 ... C-1 classes further: any class but the given one.
    steps = 1 + (uniforms(seed, "canary-target", len(labels)) * (num_classes - 1)).astype(np.int64)[first]
    return np.where(canary, (labels + steps) % num_classes, labels), canary


def _first_groups(rows: np.ndarray, sizes: np.ndarray, quota: int) -> np.ndarray:
    """The first of some groups, int64 [groups], whose sizes [groups] are the quota together; smaller ones among the
    rest make it full, where there are any, or one more passes it, if all together are less than half of the rows."""
    sums = np.cumsum(sizes)
    whole = int(np.searchsorted(sums, quota, side="right"))
    taken, left = [*rows[:whole]], quota - (int(sums[whole - 1]) if whole else 0)
    for place in range(whole, len(rows)):
        if left <= 0:
            break
        if sizes[place] <= left:
            taken.append(rows[place])
            left -= int(sizes[place])
    not_full = left > 0 and whole < len(rows) and rows[whole] not in taken[whole:]
    if not_full and 2 * (quota - left + sizes[whole]) < sums[-1]:
        taken.append(rows[whole])
    return np.array(taken, np.int64)


def _usual_size(sizes: np.ndarray) -> int:
    """The size up to which groups of copies are at least half of all rows; sizes: int64 [groups]."""
    ascending = np.sort(sizes)
    sums = np.cumsum(ascending)
    return int(ascending[np.searchsorted(2 * sums, sums[-1])]) if len(sums) else 0


class CanaryCount(NamedTuple):
    """What became of the canaries: how many there are, are given another label, and of these their own again."""

    planted: int
    found: int
    repaired: int


def count_canaries(given: np.ndarray, trained: np.ndarray, canary: np.ndarray, judged: np.ndarray) -> CanaryCount:
    """Args: int64 [N] labels before and after the flips, bool [N], and the class that each row is thought to have."""
    found = canary & (judged != trained)
    return CanaryCount(int(canary.sum()), int(found.sum()), int((found & (judged == given)).sum()))


def before_flips(transition: np.ndarray, share: float) -> np.ndarray:
    """float64 [C, C], the noise of the labels before `plant` flipped a share of them, from that of the flipped ones.

    With K the noise that `plant` makes, the flipped labels' T is T K, so that T is found by K's inverse; what sampling
    has left below zero is none.
    """
    if share == 0:
        return transition
    classes = len(transition)
    if classes > DENSE_CLASSES:  # K is a (I + b 1 1ᵀ), of which the inverse is known; T's rows are of sum 1
        even = share / (classes - 1)
        matrix = ((transition - even) / (1 - share - even)).clip(0)
    else:
        matrix = (transition @ np.linalg.inv(_flips(classes, share))).clip(0)
    return np.asarray(matrix / matrix.sum(1, keepdims=True))


def after_flips(transition: np.ndarray, share: float) -> np.ndarray:
    """float64 [C, C], the noise T K of labels of which `plant` has flipped a share, from T of those before."""
    return transition if share == 0 else np.asarray(transition @ _flips(len(transition), share))


def _flips(classes: int, share: float) -> np.ndarray:
    """float64 [C, C], K."""
    matrix = np.full((classes, classes), share / (classes - 1))
    np.fill_diagonal(matrix, 1 - share)
    return matrix


def apportion(sizes: np.ndarray, seats: int) -> np.ndarray:
    """int64 [C] that sum to `seats`, in proportion to `sizes` and never above them (largest remainders)."""
    exact = sizes * (seats / sizes.sum())
    whole = np.floor(exact + 1e-9).astype(np.int64)
    by_remainder = np.argsort(whole - exact, kind="stable")
    whole[by_remainder[: seats - int(whole.sum())]] += 1
    return whole

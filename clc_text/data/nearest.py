"""The nearest other rows of each row by cosine, found exactly and once for whoever asks.

Every product of two blocks of rows serves both: its rows look among its columns, and its columns among its rows. Only
what is nearer than the farthest of those that a row has found so far is looked at any further.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from clc_text.data.beliefs import blocks

NEIGHBOURS = 30
BLOCK = 2048  # rows whose similarities to as many others are in memory at once
PARTS = 8  # of a block's columns


@dataclass(frozen=True)
class Nearest:
    """Of N rows, of which U differ.

    Attributes:
        first: int64 [N], the first copy of each row.
        group: int64 [N], the number 0 … U - 1 of what each row is a copy of.
        places: int64 [U, k], the numbers of the nearest others, the nearest first; k is 0 where there are none.
        similarity: float32 [U, k], their cosines.
    """

    first: np.ndarray
    group: np.ndarray
    places: np.ndarray
    similarity: np.ndarray


def nearest(features: np.ndarray, first: np.ndarray, seed: int, most: int, count: int = NEIGHBOURS) -> Nearest:
    """
    Args:
        features: float [N, D], finite; a row of zeros is at a right angle to all.
        first: int64 [N], the first copy of each row.
        seed, most: neighbours are sought among so many different rows, drawn where there are more.
        count: of neighbours of each, at most.
    """
    different, group = np.unique(first, return_inverse=True)
    among = np.arange(len(different))
    if len(among) > most:
        among = np.sort(np.random.Generator(np.random.PCG64(seed)).choice(among, most, replace=False))
    count = min(count, len(among) - 1)
    if count < 1:
        return Nearest(
            first, group, np.zeros((len(different), 0), np.int64), np.zeros((len(different), 0), np.float32)
        )
    found = _Found(np.full((len(different), count), -np.inf, np.float32), np.zeros((len(different), count), np.int64))
    inside = _unit_blocks(features, different, among)
    outside = np.setdiff1d(np.arange(len(different)), among, assume_unique=True)
    for rows, vectors in inside:  # first among their own block, which leaves little to look at in the others
        near = vectors @ vectors.T
        np.fill_diagonal(near, -np.inf)
        found.offer(rows, rows, near)
    for number, (rows, vectors) in enumerate(inside):
        for others, other_vectors in inside[number + 1 :]:
            near = vectors @ other_vectors.T
            found.offer(rows, others, near)
            found.offer(others, rows, near.T)
    for start in range(0, len(outside), BLOCK):
        ((rows, vectors),) = _unit_blocks(features, different, outside[start : start + BLOCK])
        for others, other_vectors in inside:
            found.offer(rows, others, vectors @ other_vectors.T)
    found.sort()
    return Nearest(first, group, found.places, found.similarity)


def _unit_blocks(
    features: np.ndarray, different: np.ndarray, chosen: np.ndarray
) -> list[tuple[np.ndarray, np.ndarray]]:
    """(numbers, float32 vectors of length 1) of some of the different rows, `BLOCK` at once."""
    from sklearn.preprocessing import normalize

    parts = [chosen[start : start + BLOCK] for start in range(0, len(chosen), BLOCK)]
    return [(part, normalize(features[different[part]]).astype(np.float32, copy=False)) for part in parts]


@dataclass(frozen=True)
class _Found:
    """The nearest so far, in any order: similarity float32 [U, k], -inf where there is none, and places [U, k]."""

    similarity: np.ndarray
    places: np.ndarray

    def sort(self) -> None:
        """The nearest first."""
        for part in blocks(self.similarity):
            order = np.argsort(-self.similarity[part], axis=1, kind="stable")
            for one in (self.places, self.similarity):
                one[part] = np.take_along_axis(one[part], order, 1)

    def offer(self, rows: np.ndarray, others: np.ndarray, near: np.ndarray) -> None:
        """Takes what is nearer than what some rows have: near [n, m], of these to others."""
        similarity, places = self.similarity[rows], self.places[rows]
        count = similarity.shape[1]
        row, column = _above(near, _least(similarity, near)[:, 0])
        each = np.bincount(row, minlength=len(rows))
        if not (widest := int(each.max())):
            return
        better = np.full((len(rows), count + widest), -np.inf, np.float32)
        where = np.zeros((len(rows), count + widest), np.int64)
        better[:, :count], where[:, :count] = similarity, places
        place = count + np.arange(len(row)) - np.repeat(np.cumsum(each) - each, each)
        better[row, place], where[row, place] = near[row, column], others[column]
        chosen = np.argpartition(-better, count - 1, axis=1)[:, :count]
        self.similarity[rows] = np.take_along_axis(better, chosen, 1)
        self.places[rows] = np.take_along_axis(where, chosen, 1)


def _above(near: np.ndarray, least: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows, in their order, and columns of what in near [n, m] is above its row's least [n]."""
    if near.flags.c_contiguous:
        row, column = np.divmod(np.flatnonzero(near > least[:, None]), near.shape[1])
        return row, column
    column, row = np.divmod(np.flatnonzero(least < near.T), len(near))  # in the order that it lies in memory
    order = np.argsort(row, kind="stable")
    return row[order], column[order]


def _least(similarity: np.ndarray, near: np.ndarray) -> np.ndarray:
    """float32 [n, 1], above which those of [n, m] lie that may be among the k nearest, beside the k of [n, k].

    Where a row has none yet: of the largest values of parts of it, k are not below the k-th of them.
    """
    least = similarity.min(1, keepdims=True)
    count, parts = similarity.shape[1], near.shape[1] // PARTS
    if parts < count + 1 or not np.isneginf(least).all():
        return least
    heads = near[:, : parts * PARTS].reshape(len(near), PARTS, parts).max(1)
    return np.nextafter(-np.partition(-heads, count - 1, axis=1)[:, count - 1 : count], np.float32(-np.inf))

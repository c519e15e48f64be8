"""The labels of a row's nearest neighbours by cosine."""

from __future__ import annotations

import numpy as np

from clc_text.evidence.views.base import Seen, shares, some, unit_rows

NEIGHBOURS = 30
BLOCK = 512  # rows whose similarities to all others are in memory at once


def neighbours(seen: Seen) -> np.ndarray:
    """See `View`: the counts of the neighbours' labels and one label's worth of the classes' shares.

    Of more than `FIT_ROWS` rows, neighbours are sought among so many. Copies of a row are none of its neighbours.
    """
    assert seen.features is not None
    among = some(np.arange(len(seen.features)), seen.seed)
    others, labels, first = unit_rows(seen.features[among]), seen.labels[among], seen.first[among]
    count = min(NEIGHBOURS, len(among) - 1)
    found = np.tile(shares(seen.labels, seen.classes), (len(seen.features), 1))
    if count < 1:
        return found
    for start in range(0, len(found), BLOCK):
        part = slice(start, min(start + BLOCK, len(found)))
        near = unit_rows(seen.features[part]) @ others.T
        near[seen.first[part][:, None] == first[None, :]] = -np.inf
        chosen = largest(near, count)
        rows = np.repeat(np.arange(part.start, part.stop), count)
        counted = np.isfinite(np.take_along_axis(near, chosen, 1)).ravel()  # a row may have fewer others than that
        np.add.at(found, (rows[counted], labels[chosen].ravel()[counted]), 1.0)
    found /= found.sum(1, keepdims=True)
    return found


def largest(values: np.ndarray, count: int) -> np.ndarray:
    """int64 [n, count], the places of the largest values of each row of [n, more than count], in any order; of equal
    ones those that `np.argpartition` takes, which needs twice as long."""
    import torch

    top, places = torch.from_numpy(values).topk(count + 1)
    found = places[:, :count].numpy()
    for row in (top[:, count - 1] == top[:, count]).nonzero()[:, 0].tolist():
        found[row] = np.argpartition(-values[row], count - 1)[:count]
    return found

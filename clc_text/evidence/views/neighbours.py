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
    features = unit_rows(seen.features)
    among = some(np.arange(len(features)), seen.seed)
    others, labels, first = features[among], seen.labels[among], seen.first[among]
    count = min(NEIGHBOURS, len(among) - 1)
    found = np.tile(shares(seen.labels, seen.classes), (len(features), 1))
    if count < 1:
        return found
    for start in range(0, len(features), BLOCK):
        part = slice(start, min(start + BLOCK, len(features)))
        near = features[part] @ others.T
        near[seen.first[part][:, None] == first[None, :]] = -np.inf
        chosen = np.argpartition(-near, count - 1, axis=1)[:, :count]
        rows = np.repeat(np.arange(part.start, part.stop), count)
        counted = np.isfinite(np.take_along_axis(near, chosen, 1)).ravel()  # a row may have fewer others than that
        np.add.at(found, (rows[counted], labels[chosen].ravel()[counted]), 1.0)
    return np.asarray(found / found.sum(1, keepdims=True))

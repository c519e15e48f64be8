"""The labels of a row's nearest neighbours by cosine."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_matrix

from clc_text.data.nearest import NEIGHBOURS, Nearest, nearest
from clc_text.evidence.views.base import FIT_ROWS, Seen, shares


def neighbours(seen: Seen) -> np.ndarray:
    """See `View`: the counts of the neighbours' labels and one label's worth of the classes' shares.

    Of more than `FIT_ROWS` different rows, neighbours are sought among so many. Copies of a row are none of its
    neighbours; those of a neighbour are, as many as there is room for, and count alike where there is not for all.
    """
    assert seen.features is not None
    near = nearest(seen.features, seen.first, seen.seed, FIT_ROWS) if seen.near is None else seen.near
    probs = (_taken(near) @ _labels(near, seen)).toarray()[near.group]
    probs += shares(seen.labels, seen.classes)
    probs /= probs.sum(1, keepdims=True)
    return np.asarray(probs)


def _taken(near: Nearest) -> csr_matrix:
    """float64 [U, U], the share of the copies of each other row that are among the `NEIGHBOURS` of a row."""
    different, count = near.places.shape
    copies = np.bincount(near.group, minlength=different)[near.places]
    room = NEIGHBOURS - (np.cumsum(copies, 1) - copies)
    share = np.clip(room, 0, copies) / copies
    begins = np.arange(different + 1) * count
    return csr_matrix((share.ravel(), near.places.ravel(), begins), (different, different))


def _labels(near: Nearest, seen: Seen) -> csr_matrix:
    """float64 [U, C], how many copies of each row have which label."""
    cells = (np.ones(len(near.group)), (near.group, seen.labels))
    return csr_matrix(cells, (len(near.places), seen.classes))

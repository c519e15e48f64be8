"""The labels of a row's nearest neighbours by cosine."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_matrix

from clc_text.data.beliefs import blocks
from clc_text.data.nearest import NEIGHBOURS, Nearest, nearest
from clc_text.evidence.views.base import FIT_ROWS, Seen, shares


def neighbours(seen: Seen) -> np.ndarray:
    """See `View`: the counts of the neighbours' labels and one label's worth of the classes' shares.

    Of more than `FIT_ROWS` different rows, neighbours are sought among so many. Copies of a row are none of its
    neighbours; those of a neighbour are, as many as there is room for, and count alike where there is not for all.
    """
    assert seen.features is not None
    near = nearest(seen.features, seen.first, seen.seed, FIT_ROWS) if seen.near is None else seen.near
    copies, labels = np.bincount(near.group, minlength=len(near.places)), _labels(near, seen)
    counts = np.empty((len(near.places), seen.classes))
    for part in blocks(near.places):
        counts[part] = (_taken(near.places[part], copies) @ labels).toarray()
    probs = counts[near.group]
    probs += shares(seen.labels, seen.classes)
    probs /= probs.sum(1, keepdims=True)
    return np.asarray(probs)


def _taken(places: np.ndarray, copies: np.ndarray) -> csr_matrix:
    """float64 [n, U], the share of the copies [U] of each other row that are among the `NEIGHBOURS` of n rows, whose
    nearest others are `places` [n, k]."""
    of_each = copies[places]
    room = NEIGHBOURS - (np.cumsum(of_each, 1) - of_each)
    share = np.clip(room, 0, of_each) / of_each
    begins = np.arange(len(places) + 1) * places.shape[1]
    return csr_matrix((share.ravel(), places.ravel(), begins), (len(places), len(copies)))


def _labels(near: Nearest, seen: Seen) -> csr_matrix:
    """float64 [U, C], how many copies of each row have which label."""
    cells = (np.ones(len(near.group)), (near.group, seen.labels))
    return csr_matrix(cells, (len(near.places), seen.classes))

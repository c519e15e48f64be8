"""Sources that repeat one another: two copies of one model, two rules on one word, an annotator who copies another.

The product over sources takes them for independent witnesses. Those that repeat one another are to count as one.
"""

from __future__ import annotations

import numpy as np

from clc_text.data.votes import Votes

COMMON = 0.8  # of the rows on which either of two rules of one class fires, both do
REPEATED = 0.8  # of the rows where one disagrees with the others, the second says the same
LEAST_ERRORS = 20
LEAST_SAME = 50  # rows on which a source has said, and on no others, what another has: a column that is there twice
MOST_SOURCES = 400  # pairs of more are not looked at


def weights_of_alike(votes: Votes, one_class: np.ndarray) -> np.ndarray:
    """float64 [J], 1 over the number of sources that say what a source says, itself among them.

    Two rules of one class (`one_class` bool [J]) are alike where they fire on the same rows; any others where they
    agree even where both contradict the majority of the rest, as independent sources do by chance alone, or where they
    say the same of the same rows throughout, since few errors tell nothing. Copies that are not quite alike and
    together more than half of a row's votes cannot be seen so, and of more than `MOST_SOURCES` sources none is looked
    for.
    """
    sources = len(votes.sources)
    if not 1 < sources <= MOST_SOURCES:
        return np.ones(sources)
    table, counts = _table(votes), votes.counts
    alike = np.eye(sources, dtype=bool)
    for first, second in _meet(votes, one_class):
        repeats = _says_the_same(table, first, second)
        if one_class[first]:
            repeats = repeats or _fire_together(table, first, second)
        else:
            repeats = repeats or _err_together(counts, table, first, second)
        alike[first, second] = alike[second, first] = repeats
    return np.asarray(1 / alike.sum(1))


def _meet(votes: Votes, one_class: np.ndarray) -> list[tuple[int, int]]:
    """The pairs of sources of one kind, the first before the second, that speak of enough rows together to be alike:
    any row will do for rules."""
    from scipy.sparse import csr_array

    starts, shape = votes.starts, (votes.rows, len(votes.sources))
    there = csr_array((np.ones(len(starts), np.int64), (votes.row[starts], votes.source[starts])), shape)
    together = (there.T @ there).toarray()
    enough = together >= np.where(one_class, 1, LEAST_ERRORS)[:, None]
    first, second = np.nonzero(np.triu(enough & (one_class[:, None] == one_class), 1))
    return list(zip(first.tolist(), second.tolist(), strict=True))


def _table(votes: Votes) -> list[tuple[np.ndarray, np.ndarray]]:
    """Of each source the rows and what it said of them; of a distribution the most probable class."""
    votes = votes.likeliest
    order = np.lexsort((votes.row, votes.source))
    ends = np.cumsum(np.bincount(votes.source, minlength=len(votes.sources)))[:-1]
    return list(zip(np.split(votes.row[order], ends), np.split(votes.label[order], ends), strict=True))


def _says_the_same(table: list[tuple[np.ndarray, np.ndarray]], first: int, second: int) -> bool:
    (rows, labels), (others, other_labels) = table[first], table[second]
    return len(rows) >= LEAST_SAME and np.array_equal(rows, others) and np.array_equal(labels, other_labels)


def _fire_together(table: list[tuple[np.ndarray, np.ndarray]], first: int, second: int) -> bool:
    (rows, labels), (others, other_labels) = table[first], table[second]
    if not len(rows) or not len(others) or labels[0] != other_labels[0]:
        return False
    both = len(np.intersect1d(rows, others, assume_unique=True))
    return both > COMMON * (len(rows) + len(others) - both)


def _err_together(counts: np.ndarray, table: list[tuple[np.ndarray, np.ndarray]], first: int, second: int) -> bool:
    """Args: counts: [N, C], of all votes."""
    rows, here, there = np.intersect1d(table[first][0], table[second][0], assume_unique=True, return_indices=True)
    said, also = table[first][1][here], table[second][1][there]
    rest = counts[rows]
    each = np.arange(len(rows))
    for labels in (said, also):
        rest[each, labels] -= 1
    top = rest.max(1)
    clear = (top > 0) & ((rest == top[:, None]).sum(1) == 1)
    consensus = rest.argmax(1)
    errs, errs_too = clear & (said != consensus), clear & (also != consensus)
    same = errs & (said == also)
    fewest = max(errs.sum(), errs_too.sum())
    return bool(min(errs.sum(), errs_too.sum()) >= LEAST_ERRORS and same.sum() > REPEATED * fewest)

"""Sources that repeat one another: two copies of one model, two rules on one word, an annotator who copies another.

The product over sources takes them for independent witnesses. Those that repeat one another are to count as one.
"""

from __future__ import annotations

import numpy as np

from clc_text.data.votes import Votes

COMMON = 0.8  # of the rows on which either of two rules of one class fires, both do
REPEATED = 0.8  # of the rows where one disagrees with the others, the second says the same
LEAST_ERRORS = 20
# Of the disagreements that two independent sources would have, those that repeat one another have less than this
# share. Of three people right on 98, 98 and 90 % of the rows the two good ones contradict the third on the same rows,
# too: where that is wrong.
FEWER = 0.5
ERRORS = 2.0  # standard errors by which what all others show of two sources may be off
LEAST_SAME = 50  # rows on which a source has said, and on no others, what another has: a column that is there twice
MOST_SOURCES = 400  # pairs of more are not looked at


def weights_of_alike(votes: Votes, one_class: np.ndarray) -> np.ndarray:
    """float64 [J], 1 over the number of sources that say what a source says, itself among them.

    Two rules of one class (`one_class` bool [J]) are alike where they fire on the same rows; any others where they
    agree even where both contradict the majority of the rest, and contradict each other far less often than
    independent sources would that are as good, or where they say the same of the same rows throughout, since few
    errors tell nothing. Copies that are not quite alike and together more than half of a row's votes cannot be seen
    so, nor those among three sources, and of more than `MOST_SOURCES` sources none is looked for.
    """
    sources = len(votes.sources)
    if not 1 < sources <= MOST_SOURCES:
        return np.ones(sources)
    votes = votes.likeliest
    table, counts = _table(votes), votes.counts
    together, agreed = _common(votes)
    alike, maybe = np.eye(sources, dtype=bool), np.eye(sources, dtype=bool)
    for first, second in _meet(together, one_class):
        repeats = _says_the_same(table, first, second)
        if one_class[first]:
            repeats = repeats or _fire_together(table, first, second)
        else:
            maybe[first, second] = maybe[second, first] = repeats or _err_together(counts, table, first, second)
        alike[first, second] = alike[second, first] = repeats
    for first, second in zip(*np.nonzero(np.triu(maybe & ~alike)), strict=True):
        others = ~(maybe[first] | maybe[second] | one_class)
        repeats = _hardly_differ(together, agreed, others, first, second, votes.classes)
        alike[first, second] = alike[second, first] = repeats
    return np.asarray(1 / alike.sum(1))


def _common(votes: Votes) -> tuple[np.ndarray, np.ndarray]:
    """int64 [J, J], of how many rows two sources both speak, and of how many they say the same."""
    from scipy.sparse import csr_array

    found = []
    for place, places in ((votes.row, votes.rows), (votes.row * votes.classes + votes.label, votes.counts.size)):
        there = csr_array((np.ones(len(place), np.int64), (place, votes.source)), (places, len(votes.sources)))
        found.append((there.T @ there).toarray())
    return found[0], found[1]


def _meet(together: np.ndarray, one_class: np.ndarray) -> list[tuple[int, int]]:
    """The pairs of sources of one kind, the first before the second, that speak of enough rows together to be alike:
    any row will do for rules."""
    enough = together >= np.where(one_class, 1, LEAST_ERRORS)[:, None]
    first, second = np.nonzero(np.triu(enough & (one_class[:, None] == one_class), 1))
    return list(zip(first.tolist(), second.tolist(), strict=True))


def _table(votes: Votes) -> list[tuple[np.ndarray, np.ndarray]]:
    """Of each source the rows and what it said of them."""
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


def _hardly_differ(
    together: np.ndarray, agreed: np.ndarray, others: np.ndarray, first: int, second: int, classes: int
) -> bool:
    """Whether two contradict each other more rarely than if their errors were independent.

    Sources that err independently, to all classes alike, agree in excess of chance by a product of how good either is,
    α_i α_k. How often the two agree with others [J], and these with each other, tells what to expect of the two; at
    most, as far as it may be off.
    """
    rest = np.flatnonzero(others)
    apart = ~np.eye(len(others), dtype=bool)

    def excess(of: np.ndarray, sign: float) -> float:
        some = np.ix_(of, rest)
        pairs = float((together[some] * apart[some]).sum())
        if not pairs:
            return 0.0
        share = float((agreed[some] * apart[some]).sum()) / pairs
        return (classes * share - 1) / (classes - 1) + sign * ERRORS / pairs**0.5

    with_others = [excess(np.array([one]), 1.0) for one in (first, second)]
    among = excess(rest, -1.0)
    if among <= 0:  # fewer than two others, or they agree by chance alone: nothing tells how good the two are
        return False
    expected = (1 - min(max(with_others[0], 0.0) * max(with_others[1], 0.0) / among, 1.0)) * (1 - 1 / classes)
    return bool(together[first, second] - agreed[first, second] < FEWER * expected * together[first, second])

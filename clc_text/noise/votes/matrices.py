"""The noise matrix of every source, a rare one drawn towards what all have in common.

T_j[c, k] = P(source j says k | the row is of class c, and j says something). Two steps of shrinkage:

* the pool: the matrix of all sources together (`noise_fit.shrunk`), with a trace of the identity, since a class that
  nobody contradicts could else as well be another;
* a source's accuracy is drawn towards the pool's by `Shrinkage.accuracy` votes, and where it errs it is expected to
  err as the pool does; each row of its matrix is then drawn there by `Shrinkage.row` votes.

Sources that say one class or nothing (rules, labelling functions) are not learnt; see `one_class`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from clc_text.data.votes import Votes
from clc_text.errors import InputError
from clc_text.noise.estimation.noise_fit import shrunk, softmax

ANCHOR = 0.005  # of a class's fair share of the votes, so many right ones are added to the pool
_SMALLEST = 1e-9
_CELLS = 200_000_000


class Shrinkage(NamedTuple):
    """Votes that speak for the pool: beside a source's own on its accuracy, and on each row of its matrix.

    `even`: each source is right equally often on all classes, and errs to all others alike, so that nothing but its
    accuracy is found.
    """

    accuracy: float
    row: float
    even: bool = False


def check_sources(votes: Votes) -> None:
    """Raises:
    InputError: the sources' matrices would not fit into memory.
    """
    sources, classes = len(votes.sources), votes.classes
    if sources * classes**2 > _CELLS:
        raise InputError(
            f"{sources:,} sources of {classes:,} classes need matrices of {sources * classes**2:,} numbers, and "
            f"{_CELLS:,} are the most; join sources that said little, or classes (data.label_map)",
            key="sources",
        )


def counted(votes: Votes, belief: np.ndarray, matrices: np.ndarray | None = None) -> np.ndarray:
    """float64 [J, C, C], each source's votes by (true class, said class), for the rows' beliefs [N, C].

    A vote that is a distribution is for one class that is not quite known: how probable each is depends on the true
    class, too, by the `matrices` [J, C, C] that are believed so far. None: as the distribution says.
    """
    sources, classes = len(votes.sources), votes.classes
    cell = votes.source * classes + votes.label
    counts = np.empty((sources, classes, classes))
    single = matrices is None or votes.single
    likely = np.ones(1) if matrices is None else np.maximum(matrices, _SMALLEST)
    whole = 1.0 if single else votes.of_vote(votes.weight)
    for true in range(classes):
        weight = votes.weight * belief[votes.row, true]
        if not single:
            said = votes.weight * likely[votes.source, true, votes.label]
            weight = belief[votes.row, true] * whole * said / votes.of_vote(said)
        counts[:, true] = np.bincount(cell, weight, sources * classes).reshape(sources, classes)
    return counts


def counted_by_others(votes: Votes, log_probs: np.ndarray | None, odds: float) -> np.ndarray:
    """As `counted`, each vote by what p and the *other* votes on its row say, every vote for as much as `odds`.

    With a row's own vote among what it is judged by, no vote would ever seem wrong where rows have one each.
    """
    sources, classes = len(votes.sources), votes.classes
    evidence = np.log(odds) * votes.counts
    if log_probs is not None:
        evidence += log_probs
    counts = np.zeros((sources * classes, classes))
    for entries, row, vote in votes.blocks():
        source, label, weight = votes.source[entries], votes.label[entries], votes.weight[entries]
        others = evidence[row]
        others[vote, label] -= np.log(odds) * weight  # the whole distribution, where it is one
        belief = softmax(others)[vote] * weight[:, None]
        for true in range(classes):
            counts[:, true] += np.bincount(source * classes + label, belief[:, true], sources * classes)
    return counts.reshape(sources, classes, classes).transpose(0, 2, 1)


def shrunk_matrices(counts: np.ndarray, shrinkage: Shrinkage) -> np.ndarray:
    """float64 [J, C, C], T of every source from the counts [J, C, C] of true and said classes."""
    classes = counts.shape[1]
    if shrinkage.even:
        return _even(counts, shrinkage.accuracy)
    together = counts.sum(0)
    pool = shrunk(together + ANCHOR * together.sum() / classes * np.eye(classes))
    expected = _expected(counts, pool, shrinkage.accuracy)
    matrices = counts + shrinkage.row * expected
    matrices /= counts.sum(2, keepdims=True) + shrinkage.row
    return np.maximum(matrices, _SMALLEST)


def _even(counts: np.ndarray, strength: float) -> np.ndarray:
    """[J, C, C], every source's accuracy, drawn towards the pool's, and all errors alike."""
    accuracy, _ = _accuracies(counts, strength)
    return np.maximum(even_matrices(accuracy, counts.shape[1]), _SMALLEST)


def _accuracies(counts: np.ndarray, strength: float) -> tuple[np.ndarray, float]:
    """float64 [J], how often every source is right, drawn towards the pool; and the pool's own."""
    right, said = np.einsum("jcc->j", counts), counts.sum((1, 2))
    of_pool = float(right.sum() / max(said.sum(), _SMALLEST))
    return (right + strength * of_pool) / (said + strength), of_pool


def even_matrices(accuracy: np.ndarray, classes: int) -> np.ndarray:
    """float64 [J, C, C], of sources that are right with these probabilities [J], and else say any other class."""
    matrices = np.empty((len(accuracy), classes, classes))
    matrices[:] = ((1 - accuracy) / (classes - 1))[:, None, None]
    each = np.arange(classes)
    matrices[:, each, each] = accuracy[:, None]
    return matrices


def _expected(counts: np.ndarray, pool: np.ndarray, strength: float) -> np.ndarray:
    """[J, C, C]: the pool's matrix with every source's own accuracy: all its errors rarer or more frequent alike."""
    accuracy, of_pool = _accuracies(counts, strength)
    errs = pool - np.diag(np.diag(pool))
    often = errs.sum(1)
    share = np.minimum(often * ((1 - accuracy) / max(1 - of_pool, _SMALLEST))[:, None], 0.98)  # [J, C]
    where = errs / np.maximum(often, _SMALLEST)[:, None]
    expected = share[:, :, None] * where
    each = np.arange(counts.shape[1])
    expected[:, each, each] = 1 - share
    return expected


def agreement(votes: Votes) -> float:
    """How many of the pairs of votes on a row name the same class."""
    counts = votes.likeliest.counts
    said = counts.sum(1)
    pairs = np.maximum((said**2 - said).sum(), _SMALLEST)
    return float(np.clip((counts**2 - counts).sum() / pairs, 0, 1))


def surely_right(votes: Votes) -> float:
    """How often a source is taken to be right that never contradicted another: it may still err."""
    return 1 - 1 / max(float(votes.weight.sum()), 2.0)


def right_by_pairs(votes: Votes) -> float:
    """How often each source is right if all are right equally often on all classes, and else say any other class:
    pairs of votes on a row then agree with a² + (1 - a)² / (C - 1)."""
    classes = votes.classes
    root = np.sqrt(max(1 - classes * (1 - agreement(votes) * (classes - 1)), 0.0))
    return min(float(1 + root) / classes, surely_right(votes))


def log_likelihood(votes: Votes, matrices: np.ndarray) -> np.ndarray:
    """float64 [N, C], log P(a row's votes | class); of a vote that is a distribution the mean probability of what it
    may be."""
    likely = np.maximum(matrices, _SMALLEST)
    logs, single = np.log(likely), votes.single
    probs = np.ones(1) if single else votes.probs
    likelihood = np.empty((votes.rows, votes.classes))
    for true in range(votes.classes):
        if single:
            weight = votes.weight * logs[votes.source, true, votes.label]
        else:
            said = votes.of_vote(probs * likely[votes.source, true, votes.label])
            weight = votes.weight * np.log(np.maximum(said, _SMALLEST))
        likelihood[:, true] = np.bincount(votes.row, weight, votes.rows)
    return likelihood

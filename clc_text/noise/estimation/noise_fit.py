"""The noise matrix and the sharpness of predictions that together explain the given labels best.

Where several classes may hold of a row, every class is a problem of its own, with a matrix of its own: labels are then
int64 [N, K] of no and yes, predictions [N, K, 2] and matrices [K, 2, 2].

Given labels are classes y, int64 [N], or distributions g, float [N, C]. Of a distribution the given label is one
class, which one is not known, so that a class c explains it by Σ_y g(y) T[c, y]. A row whose distribution is even then
says nothing, and keeps its p; Π_y T[c, y]^g(y) would take it for a sign of the classes whose labels are noisiest, and
the mean over y of the posteriors draws all rows towards g. Measured on six kinds of made-up distributions, 40 to 70 %
of their likeliest classes right: the sum leads to 86 to 91 %, the product to 83 to 92, the mean to 84 to 93, the
likeliest class alone to 85 to 91; the sum is best on four of them (calibrated, overconfident, five votes' shares,
partly even), the mean on three votes' shares, the class on smoothed ones. A distribution on one class is that class.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from clc_text.data.beliefs import CELLS_AT_ONCE, SEARCH_CELLS, believed, blocks
from clc_text.data.best_classes import DENSE_CLASSES, BestClasses, Table, empty_as, some_rows
from clc_text.noise.estimation.of_best import counts_of_best, likelihoods, weighed_sums
from clc_text.noise.estimation.probabilities import MANY_CLASSES

SHARPNESS = (0.35, 0.5, 0.7, 1.0, 1.4, 2.0, 2.8, 4.0)
SHRINKAGE = 0.1  # of a class's fair share of the rows, N/C: so many rows of average noise are added to each class,
# but no more than this, or T would not be right however many rows there are (with exact predictions of 200,000 rows,
# the share alone finds .212 and .471 where .200 and .450 of a pairwise noise is true). 5 to 25 do alike on TREC (right
# posterior labels, pairwise 0.45: 88.0 to 87.8 %, by the share alone 85.2); a class of 86 rows is held best by 25.
MOST_ROWS = 25.0
# Of more than `DENSE_CLASSES` classes, where a row of T has thousands of numbers and a class tens of labels, so many
# are added as explain labels best that T was not fitted to (`_fit_of_many`): few where some classes are taken for each
# other, many where errors are spread. By the labels that T is fitted to it always seems that nearly all hard rows are
# wrong (drawn predictions, 61 % of the first classes right, 15 % wrong, 25 rows: 29 % wrong, 80 % right afterwards).
ROWS_OF_MANY = (MOST_ROWS, 1_000.0)
ROUNDS_OF_MANY = 5  # of each of them on half of the labels
ONE_BY_ONE = (
    7  # classes, that NumPy adds up one after another: class by class to the bit as row by row, and far faster
)
_SMALLEST = 1e-12
_ROWS_AT_ONCE = 4096


@dataclass(frozen=True)
class Explained:
    """What fits held-out predictions to the given labels, without these predictions.

    Attributes:
        log_likelihood: mean over the rows of log Σ_c p(c) T[c, y], in nats.
        sharpness: a, with p = softmax(a · logits): above 1 the predictions were too flat, below 1 too sure.
        transition: float64 [C, C], T; row = true class, column = given class.
        even_rows: of more than `DENSE_CLASSES` classes, how many rows of even noise each row of T was given; its
            likelihood is then that of labels which T was not fitted to.
    """

    log_likelihood: float
    sharpness: float
    transition: np.ndarray
    even_rows: float = field(default=MOST_ROWS, kw_only=True)

    @property
    def classes(self) -> int:
        return self.transition.shape[-1]


@dataclass(frozen=True)
class NoiseFit(Explained):
    """The same with probs: float64 [N, C], p."""

    probs: Any

    @property
    def without_probs(self) -> Explained:
        return Explained(self.log_likelihood, self.sharpness, self.transition, even_rows=self.even_rows)

    def of(self, problem: int) -> NoiseFit:
        """That of one problem among several."""
        return NoiseFit(self.log_likelihood, self.sharpness, self.transition[problem], self.probs[:, problem])


def of_problems_together(fits: list[NoiseFit]) -> NoiseFit:
    """Of several problems: the mean of what is told, and the matrices and predictions of each."""
    return NoiseFit(
        float(np.mean([fit.log_likelihood for fit in fits])),
        float(np.mean([fit.sharpness for fit in fits])),
        np.stack([fit.transition for fit in fits]),
        np.stack([fit.probs for fit in fits], 1),
    )


def fit_noise(
    logits: Table,
    labels: np.ndarray,
    start: np.ndarray | None = None,
    rounds: int = 20,
    sharpness: tuple[float, ...] = SHARPNESS,
) -> NoiseFit:
    """The sharpness, among a few, whose best T gives the given labels the highest likelihood.

    Args:
        logits: [N, C] held-out logits (or log-probabilities), by networks that never saw the row's label.
        labels: int64 [N] given labels, or float [N, C] distributions.
        start: T [C, C] that EM begins with; None: from the predictions themselves.
        rounds: of EM for each sharpness.

    Of more than `SEARCH_CELLS` rows times classes the sharpness is chosen by every n-th row, and then T is found from
    all of them; where tables keep the best classes alone, these count.
    """
    if are_several(labels) and isinstance(logits, np.ndarray):
        problems = range(labels.shape[1])
        begun = [None if start is None else start[one] for one in problems]
        fits = [fit_noise(logits[:, one], labels[:, one], begun[one], rounds, sharpness) for one in problems]
        return of_problems_together(fits)
    if isinstance(logits, BestClasses) and logits.count > DENSE_CLASSES:
        return _fit_of_many(logits, labels, start, rounds, sharpness)
    cells = logits.values.size if isinstance(logits, BestClasses) else logits.size
    every = -(-cells // SEARCH_CELLS)
    if every > 1 and labels.ndim == 1 and len(sharpness) > 1:
        some = slice(None, None, every)
        chosen = fit_noise(some_rows(logits, some), labels[some], start, rounds, sharpness).sharpness
        return fit_noise(logits, labels, start, rounds, (chosen,))
    best: Explained | None = None  # without predictions: those of one sharpness at a time are in memory, or small ones
    together = _together_of(logits, labels)
    for at in range(0, len(sharpness), together):
        powers = sharpness[at : at + together]
        tables = [sharpened(logits, power) for power in powers]
        fitted = fit_transition(np.stack(tables) if together > 1 else tables[0], labels, start, rounds)
        fitted = np.broadcast_to(fitted, (len(powers), *fitted.shape[-2:]))
        for power, probs, transition in zip(powers, tables, fitted, strict=True):
            likelihood = log_likelihood(probs, labels, transition)
            if best is None or likelihood > best.log_likelihood:
                best = Explained(likelihood, power, transition.copy())
        if len(sharpness) > 1:
            del tables, probs
    assert best is not None
    if len(sharpness) > 1:
        probs = sharpened(logits, best.sharpness)
    return NoiseFit(best.log_likelihood, best.sharpness, best.transition, probs)


def _fit_of_many(
    logits: BestClasses, labels: np.ndarray, start: np.ndarray | None, rounds: int, sharpness: tuple[float, ...]
) -> NoiseFit:
    """Sharpness and rows of even noise by which one half of the labels of every class explains the other best, and
    then T of all labels. The sharpness is climbed to, from the middle, as each that is tried takes a fit."""
    order = np.argsort(labels, kind="stable")
    learnt, held_out = np.sort(order[::2]), np.sort(order[1::2])

    def likelihood_of(place: int, even_rows: float) -> float:
        probs = sharpened(logits, sharpness[place])
        transition = fit_transition(probs.rows(learnt), labels[learnt], None, ROUNDS_OF_MANY, even_rows=even_rows)
        return log_likelihood(probs.rows(held_out), labels[held_out], transition)

    place, best = (len(sharpness) - 1) // 2, list[tuple[float, int, float]]()
    for even_rows in ROWS_OF_MANY:
        found = {place: likelihood_of(place, even_rows)}
        for step in (1, -1):
            while 0 <= place + step < len(sharpness) and place + step not in found:
                found[place + step] = likelihood_of(place + step, even_rows)
                if found[place + step] <= found[place]:
                    break
                place += step
        best.append((found[place], place, even_rows))
    likelihood, place, even_rows = max(best)
    power = sharpness[place]
    probs = sharpened(logits, power)
    transition = fit_transition(probs, labels, start, rounds, even_rows=even_rows)
    return NoiseFit(likelihood, power, transition, probs, even_rows=even_rows)


def _together_of(logits: Table, labels: np.ndarray) -> int:
    """Of how many sharpnesses T is found at once: for small tables a step costs more than its arithmetic."""
    if isinstance(logits, BestClasses) or labels.ndim == 2 or logits.shape[1] > MANY_CLASSES:
        return 1
    return max(1, CELLS_AT_ONCE // max(logits.size, 1))


def fit_through(logits: Table, labels: np.ndarray, known: np.ndarray | None) -> NoiseFit:
    """`fit_noise`; where T is known, it stands, and the sharpness alone is fitted."""
    return fit_noise(logits, labels) if known is None else fit_noise(logits, labels, known, 0)


def fit_transition(
    probs: Table,
    labels: np.ndarray,
    start: np.ndarray | None = None,
    rounds: int = 20,
    known: np.ndarray | None = None,
    even_rows: float = MOST_ROWS,
) -> np.ndarray:
    """float64 [C, C], T by expectation-maximisation with the rows' class probabilities [N, C] held fixed; of several
    tables [..., N, C] of a few classes [..., C, C].

    Each round computes ``q ∝ p · T[:, y]`` and counts ``n[c, k] = Σ_{y=k} q(c)``; T is n, drawn towards noise that is
    the same for every class (`shrunk`), since the counts of a rare class say little.

    Args:
        known: [C, C], counts that are known beside, of rows whose true class somebody has told.
        even_rows: see `shrunk`.
    """
    if are_several(labels) and isinstance(probs, np.ndarray):
        problems = range(labels.shape[1])
        begun = [None if start is None else start[one] for one in problems]
        return np.stack([fit_transition(probs[:, one], labels[:, one], begun[one], rounds) for one in problems])
    counted = _counts(probs, labels)
    beside = 0.0 if known is None else known
    transition = shrunk(beside + counted(None), even_rows) if start is None else start
    for _ in range(rounds):
        transition = shrunk(beside + counted(transition), even_rows)
    return transition


Counted = Callable[[np.ndarray | None], np.ndarray]
"""Gives float64 [C, C], the rows by true and given class: by their posterior under a matrix T, without one as they are
predicted."""


def _counts(probs: Table, labels: np.ndarray) -> Counted:
    if isinstance(probs, BestClasses):
        return counts_of_best(probs, labels)
    if labels.ndim == 2:
        return lambda transition: probs.T @ labels if transition is None else expected(probs, labels, transition)
    return _counts_of_many(probs, labels) if probs.shape[-1] > MANY_CLASSES else _counts_of_few(probs, labels)


def expected(probs: np.ndarray, labels: np.ndarray, transition: np.ndarray) -> np.ndarray:
    """float64 [C, C], rows with given distributions [N, C] by true and given class, as the posterior has them."""
    likely = (probs * columns_of(transition, labels)).sum(1, keepdims=True)
    return np.asarray(transition * (probs.T @ (labels / np.maximum(likely, _SMALLEST))))


def _counts_of_few(probs: np.ndarray, labels: np.ndarray) -> Counted:
    """Of one table of predictions [N, C], or of several [..., N, C] at once."""
    members = [
        np.ascontiguousarray(probs[..., labels == given, :].swapaxes(-1, -2)) for given in range(probs.shape[-1])
    ]

    def counted(transition: np.ndarray | None) -> np.ndarray:
        if transition is None:
            return np.stack([rows.sum(-1) for rows in members], -1)
        counts = np.empty((*probs.shape[:-2], len(members), len(members)))
        for given, rows in enumerate(members):
            explained = transition[..., given]
            likely = explained[..., None, :] @ rows
            counts[..., given] = explained * (rows @ (1 / np.maximum(likely, _SMALLEST)).swapaxes(-1, -2))[..., 0]
        return counts

    return counted


def _counts_of_many(probs: np.ndarray, labels: np.ndarray) -> Counted:
    """Without a step for each class: rows in the order of their labels, a few thousand at once."""
    order = np.argsort(labels, kind="stable")
    given = labels[order]
    present, firsts = np.unique(given, return_index=True)
    ends = [*firsts[1:].tolist(), len(given)]
    blocks, begun = [], 0
    for place, end in enumerate(ends):
        if end - firsts[begun] >= _ROWS_AT_ONCE or place == len(ends) - 1:
            blocks.append((present[begun : place + 1], slice(int(firsts[begun]), end), firsts[begun : place + 1]))
            begun = place + 1

    def counted(transition: np.ndarray | None) -> np.ndarray:
        counts = np.zeros((probs.shape[1], probs.shape[1]))
        for classes, part, begins in blocks:
            joint = probs[order[part]]  # a copy
            if transition is not None:
                joint *= transition.T[given[part]]
                joint /= np.maximum(joint.sum(1, keepdims=True), _SMALLEST)
            counts[:, classes] = np.add.reduceat(joint, begins - part.start, axis=0).T
        return counts

    return counted


def fit_shares(fit: NoiseFit, labels: np.ndarray, rounds: int = 30) -> NoiseFit:
    """The fit with predictions ``∝ w · p`` for the class weights w [C], and the T, that explain the labels better.

    Networks that learn through noise prefer some classes to others, most of all to rare ones. Each round of
    expectation-maximisation multiplies w[c] by Σ_n q(c) / Σ_n p(c), of which `SHRINKAGE` · N/C rows are even. Ended
    early, since w and T could also explain each other. Measured on TREC and 20 Newsgroups: in 26 of 30 runs more of
    the posterior labels are right, by 0.6 points in the mean and by 4.5 at most.
    """
    if are_several(labels):
        return of_problems_together(
            [fit_shares(fit.of(one), labels[:, one], rounds) for one in range(labels.shape[1])]
        )
    probs, transition = fit.probs, fit.transition
    if isinstance(probs, BestClasses):
        return _fit_shares_of_best(fit, probs, labels, rounds)
    weights = np.ones(fit.classes)
    for _ in range(rounds):
        if labels.ndim == 1 and fit.classes > MANY_CLASSES:  # without a table of the posterior
            counts = _counts_of_many(probs, labels)(transition)
            believed_of = counts.sum(1)
        else:
            posterior = posterior_labels(probs, labels, transition)
            believed_of = posterior.sum(0)
            if labels.ndim == 2:
                counts = expected(probs, labels, transition)
            else:
                counts = counts_by(posterior, labels)
        transition = shrunk(counts)
        probs = reweighed(weights, fit.probs, probs, believed_of)
    return NoiseFit(log_likelihood(probs, labels, transition), fit.sharpness, transition, probs)


def _fit_shares_of_best(fit: NoiseFit, probs: BestClasses, labels: np.ndarray, rounds: int) -> NoiseFit:
    """`fit_shares` without a table of weighed predictions in each round: weights of p may as well be those of T."""
    counted, transition, weights = counts_of_best(probs, labels), fit.transition, np.ones(fit.classes)
    even = SHRINKAGE * len(probs) / fit.classes
    for _ in range(rounds):
        counts = counted(transition * weights[:, None])
        weights = weights * (counts.sum(1) + even) / (weighed_sums(probs, weights) + even)
        transition = shrunk(counts, fit.even_rows)
    weighed = empty_as(probs)
    for part in blocks(probs):
        table = probs[part] * weights
        weighed[part] = table / table.sum(1, keepdims=True)
    return replace(fit, transition=transition, probs=weighed)  # with the likelihood of what is not fitted here


def reweighed(weights: np.ndarray, probs: np.ndarray, now: np.ndarray, believed_of: np.ndarray) -> np.ndarray:
    """float64 [N, C], p by class weights w [C], which are multiplied by Σ_n q(c) / Σ_n p(c), see `fit_shares`.

    Args:
        weights: w, changed in place.
        probs: [N, C], what w weighs.
        now: [N, C], p by the w of before; it is written over, unless it is `probs`.
        believed_of: [C], Σ_n q(c).
    """
    even = SHRINKAGE * len(probs) / len(weights)
    weights *= (believed_of + even) / (now.sum(0) + even)
    weighted = np.multiply(probs, weights, out=None if now is probs else now)
    weighted /= weighted.sum(1, keepdims=True)
    return weighted


def counts_by(belief: Table, labels: np.ndarray) -> np.ndarray:
    """float64 [C, C], how many rows of each class believed in [N, C] were given each label, [N] or distributions."""
    if isinstance(belief, BestClasses):
        return counts_of_best(belief, labels)(None)
    if labels.ndim == 2:
        return np.asarray(belief.T @ labels)
    if belief.shape[1] > MANY_CLASSES:
        counts = np.zeros((belief.shape[1], belief.shape[1]))
        np.add.at(counts, labels, belief)
        return counts.T
    return np.stack([belief[labels == given].sum(0) for given in range(belief.shape[1])], 1)


def matrix_of(belief: Table, labels: np.ndarray) -> np.ndarray:
    """float64 [C, C], how the labels [N] of each class were given, by the classes believed in [N, C] (`shrunk`)."""
    return shrunk(counts_by(belief, labels))


def shrunk(counts: np.ndarray, even_rows: float = MOST_ROWS) -> np.ndarray:
    """Counts [..., C, C] (true × given) as T, each row with a few rows of the average, even noise added.

    Args:
        even_rows: how many, of more than `DENSE_CLASSES` classes.
    """
    matrix: np.ndarray
    classes, rows = counts.shape[-1], counts.sum((-2, -1), keepdims=True)
    stay = np.trace(counts, axis1=-2, axis2=-1)[..., None, None] / np.maximum(rows, _SMALLEST)
    if classes > DENSE_CLASSES:  # in place: a matrix of 5,000 classes is 200 MB
        stay = stay.item()
        matrix = counts + even_rows * (1 - stay) / (classes - 1)
        np.fill_diagonal(matrix, np.diagonal(counts) + even_rows * stay)
    else:
        even = np.where(np.eye(classes, dtype=bool), stay, (1 - stay) / max(classes - 1, 1))
        matrix = counts + np.minimum(SHRINKAGE * rows / classes, MOST_ROWS) * even
    matrix /= np.maximum(matrix.sum(-1, keepdims=True), _SMALLEST)
    return matrix


def log_likelihood(probs: Table, labels: np.ndarray, transition: np.ndarray) -> float:
    """Mean of log Σ_c p(c) T[c, y] in nats."""
    return float(np.log(np.maximum(explained(probs, labels, transition), _SMALLEST)).mean())


def explained(probs: Table, labels: np.ndarray, transition: np.ndarray) -> np.ndarray:
    """float64 [N], or [N, K] of several problems: Σ_c p(c) T[c, y]."""
    if isinstance(probs, BestClasses):
        return likelihoods(probs, labels, transition)
    given = np.empty(probs.shape[:-1])
    for part in blocks(probs, labels):
        given[part] = (probs[part] * columns_of(transition, labels[part])).sum(-1)
    return given


def posterior_labels(probs: Any, labels: np.ndarray, transition: np.ndarray) -> Any:
    """float64 [N, C], ``q ∝ p · T[:, y]``; a row that T rules out keeps its p."""
    posterior = empty_as(probs) if isinstance(probs, BestClasses) else np.empty(probs.shape, probs.dtype)
    for part in blocks(probs, labels):
        posterior[part] = believed(probs[part], columns_of(transition, labels[part]))
    return posterior


def are_several(labels: np.ndarray) -> bool:
    """Whether they are [N, K], no and yes of several problems, and neither classes nor distributions."""
    return labels.ndim == 2 and labels.dtype.kind != "f"


def columns_of(transition: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """T[:, y] of each label: [N, C] of T [C, C] and labels [N], [N, K, C] of matrices [K, C, C] and labels [N, K]; of
    distributions what they explain in its place (see the module)."""
    if labels.ndim == 1:
        return transition.T[labels]
    if not are_several(labels):
        return np.asarray(labels @ transition.T)
    return transition.swapaxes(-1, -2)[np.arange(labels.shape[1]), labels]


def softmax(logits: np.ndarray) -> np.ndarray:
    if logits.ndim == 2 and logits.shape[1] <= ONE_BY_ONE and logits.dtype == np.float64:
        return sharpened(logits, 1.0)
    powers = np.exp(logits - logits.max(-1, keepdims=True))
    powers /= powers.sum(-1, keepdims=True)
    return powers


def sharpened(logits: Any, power: float) -> Any:
    """float64 [..., C], softmax(power · logits), with no other table than the one that is given out."""
    if isinstance(logits, BestClasses):
        return _sharpened_best(logits, power)
    if logits.ndim == 2 and logits.shape[1] <= ONE_BY_ONE:
        probs = np.empty(logits.shape)
        for part in blocks(probs):
            of_class = np.multiply(logits[part].T, power, dtype=np.float64, order="C")
            of_class -= of_class.max(0)
            np.exp(of_class, out=of_class)
            of_class /= of_class.sum(0)
            probs[part] = of_class.T
        return probs
    probs = np.multiply(logits, power, dtype=np.float64)
    probs -= probs.max(-1, keepdims=True)
    np.exp(probs, out=probs)
    probs /= probs.sum(-1, keepdims=True)
    return probs


def _sharpened_best(logits: BestClasses, power: float) -> BestClasses:
    most = np.maximum(logits.values.max(1), logits.rest)
    values = np.exp(power * (logits.values - most[:, None]), dtype=np.float64)
    rest = np.exp(power * (logits.rest - most), dtype=np.float64)
    sums = values.sum(1) + logits.others * rest
    values, rest = (values / sums[:, None]).astype(np.float32), (rest / sums).astype(np.float32)
    return replace(logits, values=values, rest=rest, logs=False)

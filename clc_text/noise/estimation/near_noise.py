"""Noise of two kinds at once, which the given labels themselves tell apart.

The given label y of a row of class c is drawn by the noise matrix T, whatever the row, or else, with probability λ,
from what the row might be taken for, in proportion to the other classes' probabilities:

    P(y | x) = Σ_c p(c) · ((1 - λ) T[c, y] + λ p(y) / (1 - p(c)) [y ≠ c]).

The second kind is noise near a decision (Zhang et al., "Learning with feature-dependent label noise", ICLR 2021, move
labels to the second most probable class). Held-out predictions that many labels contradict by their second class,
however sure they are, and few by any other, are explained by λ; those that labels contradict by any class, by T. Both,
and the predictions' sharpness, are found by expectation-maximisation.

A matrix has C (C - 1) numbers. Where labels are moved from no class to some other more than to any, it takes hard rows
of some pairs of classes for wrong ones; so it is held against even noise, one number for all classes, by the
likelihood of labels that neither was fitted to, and taken where it is clearly ahead; of more than `DENSE_CLASSES`
classes it is not asked, since there are never rows enough. (Of two classes it has one number
more.) On 200 to 1,000 questions a slight lead is chance: 18 draws with 20 % wrong, default policy, 81.0 % of the
labels right where any lead decided, 82.5 with two standard errors; on 37 larger sets 91.2 and 91.3.

Whether labels are wrong at all, the same held-out labels tell: noise has to be ahead of predictions alone, as sharp or
as flat as explains the labels best (`NearNoise.ahead`), or hard texts would do as well. Of few rows a class they do
not tell (`too_few`).

Of a distribution g the given label is one class, and which one is not known: P(g | x) = Σ_y g(y) P(y | x).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np

from clc_text.data.beliefs import SEARCH_CELLS, believed, blocks
from clc_text.data.best_classes import DENSE_CLASSES, BestClasses, Table, empty_as
from clc_text.data.labels import classes_of
from clc_text.data.sampling import every_nth
from clc_text.noise.estimation.noise_fit import (
    SHARPNESS,
    columns_of,
    reweighed,
    sharpened,
    shrunk,
)

ROUNDS = 30
CLEARLY = 2.0  # standard errors by which a matrix has to be ahead of even noise on labels that neither was fitted to
ALONE = tuple(np.geomspace(0.1, 4.0, 20).tolist())  # powers of predictions that are to explain labels without noise
BEGUN = 0.06  # share of labels that noise of each kind is begun with
# Rows a class, in the mean, below which labels do not tell noise from hard texts: models are so weak there that noise
# near a decision explains their errors, held out, too. Questions, queues and newsgroups of 2 to 20 classes, 0 to 30 %
# wrong, 100 to 2,000 rows: of 507 sets with fewer the default policy would have changed 71, 17 of them for the worse,
# by up to 27 points (.16 points are gained in the mean of all); of 664 with more, 202, and 4 for the worse (2.2).
FEWEST_ROWS = 75
TOO_FEW = f"fewer than {FEWEST_ROWS} rows a class do not tell wrong labels from hard texts"
_SMALLEST = 1e-12


@dataclass(frozen=True)
class NearNoise:
    """What explains the given labels by held-out predictions.

    Attributes:
        sharpness: a, with p = softmax(a · logits).
        transition: float64 [C, C], T; row = true class, column = given class.
        nearness: λ, the share of labels that are drawn near a decision.
        ahead: by how many standard errors noise explains labels that it was not fitted to better than predictions
            alone do, of whatever sharpness; None where that is not known or not asked, as of distributions, which flat
            predictions explain as well however wrong they are, and of labels that have to be noisy by what was told.
        class_weights: float64 [C], by which what is believed is weighed, since somebody has told how common the
            classes truly are (`class_shares`); None: nobody has.
        prior_weights: float64 [C], likewise of predictions that know no label of their row.
        by_chance: where predictions alone explain the labels better than noise, what labels are doubted by
            (`doubt_by_chance`); None: by T and λ.
    """

    sharpness: float
    transition: np.ndarray
    nearness: float = 0.0
    ahead: float | None = None
    class_weights: np.ndarray | None = None
    prior_weights: np.ndarray | None = None
    by_chance: float | None = None


def too_few(rows: int, classes: int) -> bool:
    """Whether so many rows do not tell whether any of their labels are wrong; in words `TOO_FEW`."""
    return rows < FEWEST_ROWS * classes


def doubt_by_chance(given: np.ndarray, moved: float, classes: int) -> np.ndarray:
    """float64 [N], the probability that a label is wrong, if that share of all were moved to any other class alike:
    the less probable a label is, the more it is doubted, whatever the other classes are.

    Args:
        given: float64 [N], p(y) of the given labels.
        classes: C.
    """
    right, wrong = given * (1 - moved), (1 - given) * moved / max(classes - 1, 1)
    return np.asarray(wrong / np.maximum(right + wrong, _SMALLEST))


def moved_by_chance(given: np.ndarray, rate: float, classes: int) -> float:
    """The share by which labels are doubted as much in the mean as a rate says, by bisection on a scale of powers.

    Args:
        given, classes: as `doubt_by_chance` takes them.
        rate: the mean of the doubts.
    """
    low, high = np.log(_SMALLEST), np.log(1 - _SMALLEST)
    for _ in range(60):
        middle = (low + high) / 2
        enough = doubt_by_chance(given, float(np.exp(middle)), classes).mean() >= rate
        low, high = (low, middle) if enough else (middle, high)
    return float(np.exp(high))


def near_others(probs: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """float64 [N, C], p(y) / (1 - p(c)) of each class c, 0 of the given one, from p [N, C] and labels, int64 [N], or
    float [N, C] distributions."""
    if labels.ndim == 2:
        named = probs * labels
        shares = (named.sum(1, keepdims=True) - named) / np.maximum(1 - probs, _SMALLEST)
        return np.asarray(shares.clip(0.0, 1.0))
    each = np.arange(len(labels))
    shares = probs[each, labels][:, None] / np.maximum(1 - probs, _SMALLEST)
    np.minimum(shares, 1.0, out=shares)  # as it is, but for rounding
    shares[each, labels] = 0.0
    return np.asarray(shares)


def explaining(probs: np.ndarray, labels: np.ndarray, transition: np.ndarray, nearness: float) -> np.ndarray:
    """float64 [N, C], P(y | c, x) of the given label by each class."""
    return np.asarray((1 - nearness) * columns_of(transition, labels) + nearness * near_others(probs, labels))


def posterior_of_both(probs: np.ndarray, labels: np.ndarray, transition: np.ndarray, nearness: float) -> np.ndarray:
    """float64 [N, C], P(c | x, y); a row that is ruled out keeps its p."""
    posterior = np.empty(probs.shape)
    for part in blocks(probs, labels):
        posterior[part] = believed(probs[part], explaining(probs[part], labels[part], transition, nearness))
    return posterior


def fit_near_noise(
    logits: np.ndarray,
    labels: np.ndarray,
    sharpness: tuple[float, ...] = SHARPNESS,
    rounds: int = ROUNDS,
    compared: bool = True,
) -> NearNoise:
    """The sharpness, among a few, with the T and λ that give the labels the highest likelihood.

    Args:
        logits: [N, C] held-out logits (or log-probabilities), by models that never saw the row's label.
        labels: int64 [N], given labels, or float [N, C] distributions.
        rounds: of expectation-maximisation for each sharpness.
        compared: whether it is to be known how far noise is `ahead`.
    """
    best: dict[bool, NearNoise] = {}
    likely = dict.fromkeys((True, False), -np.inf)
    kinds = (True,) if logits.shape[1] > DENSE_CLASSES else (True, False)
    for power in sharpness:
        rows = _rows_of(sharpened(logits, power), labels)
        for even in kinds:
            noise = rows.fitted(even, rounds)
            likelihood = float(rows.log_likelihoods(*noise).mean())
            if even not in best or likelihood > likely[even]:
                best[even], likely[even] = NearNoise(power, *noise), likelihood
    if len(labels) < 2 or (len(kinds) == 1 and not compared):
        return best[True]
    held_out = {even: _held_out(sharpened(logits, one.sharpness), labels, even, rounds) for even, one in best.items()}
    asked = CLEARLY if logits.shape[1] > 2 else 0.0
    even = len(kinds) == 1 or _errors_ahead(held_out[False], held_out[True]) <= asked
    if labels.ndim > 1 or not compared:
        return best[even]
    alone = _held_out_alone(logits, labels, (best[even].sharpness, *ALONE))
    return replace(best[even], ahead=_errors_ahead(held_out[even], alone))


def noise_of_some(pool: Any, labels: np.ndarray, compared: bool = False) -> NearNoise:
    """`fit_near_noise`, of many rows times classes to every n-th row."""
    rows = every_nth(len(pool), max(1, SEARCH_CELLS // pool.shape[1]))
    some = pool.rows(rows)[:] if isinstance(pool, BestClasses) else pool[rows]
    return fit_near_noise(some, labels[rows], compared=compared)


def posterior_with_shares(pool: Table, labels: np.ndarray, noise: NearNoise | None = None) -> Any:
    """float64 [N, C], P(c | x, y) by noise that is fitted to the rows, the classes' shares fitted, too; these not
    where tables keep the best classes alone: less than a row of a class is looked at then.

    Args:
        pool: [N, C], log-probabilities of the true class, by whoever never saw the row's label.
        labels: int64 [N], given labels, or float [N, C] distributions.
        noise: by `noise_of_some`; None: it is fitted here.
    """
    noise = noise_of_some(pool, labels) if noise is None else noise
    posterior, weights = empty_as(pool), None
    if isinstance(pool, BestClasses):
        posterior = replace(posterior, logs=False)
    else:
        rows = every_nth(len(pool), max(1, SEARCH_CELLS // pool.shape[1]))
        weights = class_weights(sharpened(pool[rows], noise.sharpness), labels[rows], noise)
    for part in blocks(pool, labels):
        probs = sharpened(pool[part], noise.sharpness)
        if weights is not None:
            probs *= weights
            probs /= probs.sum(1, keepdims=True)
        posterior[part] = posterior_of_both(probs, labels[part], noise.transition, noise.nearness)
    return posterior


def class_weights(probs: np.ndarray, labels: np.ndarray, noise: NearNoise, rounds: int = ROUNDS) -> np.ndarray:
    """float64 [C], w by which probabilities ``∝ w · p`` explain the labels better, as `noise_fit.fit_shares` finds
    them, where the noise is known.

    Args:
        probs: [N, C], sharpened.
        labels: int64 [N], given labels, or float [N, C] distributions.
    """
    weights, weighted = np.ones(probs.shape[1]), probs
    for _ in range(rounds):
        belief = posterior_of_both(weighted, labels, noise.transition, noise.nearness)
        weighted = reweighed(weights, probs, weighted, belief.sum(0))
    return weights


def _held_out(probs: np.ndarray, labels: np.ndarray, even: bool, rounds: int) -> np.ndarray:
    """float64 [N], in some order that depends on the labels alone, the log-likelihood of each half of the rows of a
    class by what the other half was fitted to."""
    halves = [_rows_of(probs[part], labels[part]) for part in _halves(labels)]
    return np.concatenate([
        own.log_likelihoods(*other.fitted(even, rounds)) for own, other in zip(halves, halves[::-1], strict=True)
    ])  # fmt: skip


def _halves(labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """int64, the rows [N / 2] of every second label of each class, and the others."""
    order = np.argsort(classes_of(labels), kind="stable")
    return order[::2], order[1::2]


def _held_out_alone(logits: np.ndarray, labels: np.ndarray, powers: tuple[float, ...]) -> np.ndarray:
    """float64 [N], in the order of `_held_out`, the log-likelihood of each half of the rows by predictions of the
    power that is best for the other half."""
    likely = np.stack([_log_likelihoods_alone(sharpened(logits, power), labels) for power in powers])
    one, other = _halves(labels)
    return np.concatenate([
        likely[likely[:, learnt].mean(1).argmax(), own] for own, learnt in ((one, other), (other, one))
    ])  # fmt: skip


def _log_likelihoods_alone(probs: np.ndarray, labels: np.ndarray) -> np.ndarray:
    return np.asarray(np.log(np.maximum(probs[np.arange(len(labels)), labels], _SMALLEST)))


def _errors_ahead(one: np.ndarray, other: np.ndarray) -> float:
    """Mean difference of two log-likelihoods [N] of the same rows, in standard errors; 0 where they are the same."""
    apart = one - other
    return float(apart.mean()) / max(float(apart.std()) / len(apart) ** 0.5, _SMALLEST)


def _rows_of(probs: np.ndarray, labels: np.ndarray) -> _Rows:
    return (_WithDistributions if labels.ndim == 2 else _WithClasses).of(probs, labels)


@dataclass(frozen=True)
class _Rows:
    """Rows in some order.

    Attributes:
        classes: C.
        given: float64 [N], p(y).
        near: float64 [N], Σ_c≠y p(c) p(y) / (1 - p(c)).
    """

    classes: int
    given: np.ndarray
    near: np.ndarray

    def by_class(self, transition: np.ndarray) -> np.ndarray:
        """float64 [N], Σ_c p(c) T[c, y]."""
        raise NotImplementedError

    def counts(self, weights: np.ndarray) -> np.ndarray:
        """float64 [C, C], Σ of p(c) of the rows given each label, each as often as its weight [N]."""
        raise NotImplementedError

    def fitted(self, even: bool, rounds: int) -> tuple[np.ndarray, float]:
        """T and λ."""
        return (self._even if even else self._of_pairs)(rounds)

    def log_likelihoods(self, transition: np.ndarray, nearness: float) -> np.ndarray:
        return np.log(self._likely(transition, nearness))

    def _likely(self, transition: np.ndarray, nearness: float) -> np.ndarray:
        return np.maximum(nearness * self.near + (1 - nearness) * self.by_class(transition), _SMALLEST)

    def _even(self, rounds: int) -> tuple[np.ndarray, float]:
        """A mixture of three: labels kept, moved to any class alike, and moved near a decision."""
        classes = self.classes
        each = np.stack([self.given, (1 - self.given) / max(classes - 1, 1), self.near])
        shares = np.array([1 - 2 * BEGUN, BEGUN, BEGUN])
        for _ in range(rounds):
            shares = shares * (each / np.maximum(shares @ each, _SMALLEST)).mean(1)
            shares /= max(shares.sum(), _SMALLEST)
        moved = shares[1] / max(shares[0] + shares[1], _SMALLEST)
        identity = np.eye(classes)
        return (1 - moved) * identity + moved * (1 - identity) / max(classes - 1, 1), float(shares[2])

    def _of_pairs(self, rounds: int) -> tuple[np.ndarray, float]:
        """The first matrix counts rows as they are predicted."""
        nearness = BEGUN
        counts = self.counts(np.ones(len(self.near)))
        for _ in range(rounds):
            transition = shrunk(counts)
            counts = (1 - nearness) * transition * self.counts(1 / self._likely(transition, nearness))
            nearness = min(max(1 - float(counts.sum()) / len(self.near), 0.0), 1.0)
        return shrunk(counts), nearness


@dataclass(frozen=True)
class _WithClasses(_Rows):
    """In the order of their labels.

    Attributes:
        probs: float64 [C, N].
        parts: of each class, the rows that were given it.
    """

    probs: np.ndarray
    parts: list[slice]

    @classmethod
    def of(cls, probs: np.ndarray, labels: np.ndarray) -> _Rows:
        order = np.argsort(labels, kind="stable")
        probs, labels = probs[order], labels[order]
        classes = probs.shape[1]
        ends = np.searchsorted(labels, np.arange(classes + 1)).tolist()
        near = (probs * near_others(probs, labels)).sum(1)
        parts = [slice(start, end) for start, end in pairwise(ends)]
        return cls(classes, probs[np.arange(len(labels)), labels], near, np.ascontiguousarray(probs.T), parts)

    def by_class(self, transition: np.ndarray) -> np.ndarray:
        values = np.empty(len(self.near))
        for given, part in enumerate(self.parts):
            values[part] = transition[:, given] @ self.probs[:, part]
        return values

    def counts(self, weights: np.ndarray) -> np.ndarray:
        return np.stack([self.probs[:, part] @ weights[part] for part in self.parts], 1)


@dataclass(frozen=True)
class _WithDistributions(_Rows):
    """
    Attributes:
        probs: float64 [N, C].
        labels: float64 [N, C].
    """

    probs: np.ndarray
    labels: np.ndarray

    @classmethod
    def of(cls, probs: np.ndarray, labels: np.ndarray) -> _Rows:
        given, near = (probs * labels).sum(1), (probs * near_others(probs, labels)).sum(1)
        return cls(probs.shape[1], given, near, probs, labels)

    def by_class(self, transition: np.ndarray) -> np.ndarray:
        return np.asarray(((self.probs @ transition) * self.labels).sum(1))

    def counts(self, weights: np.ndarray) -> np.ndarray:
        return np.asarray(self.probs.T @ (self.labels * weights[:, None]))

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
likelihood of labels that neither was fitted to.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from clc_text.noise.estimation.noise_fit import SHARPNESS, Explained, believed, blocks, sharpened, shrunk

ROUNDS = 30
BEGUN = 0.06  # share of labels that noise of each kind is begun with
_SMALLEST = 1e-12


@dataclass(frozen=True)
class NearNoise(Explained):
    """The same with nearness: λ."""

    nearness: float


def near_others(probs: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """float64 [N, C], p(y) / (1 - p(c)) of each class c, 0 of the given one, from p [N, C] and labels [N]."""
    each = np.arange(len(labels))
    found = probs[each, labels][:, None] / np.maximum(1 - probs, _SMALLEST)
    np.minimum(found, 1.0, out=found)  # as it is, but for rounding
    found[each, labels] = 0.0
    return np.asarray(found)


def explaining(probs: np.ndarray, labels: np.ndarray, transition: np.ndarray, nearness: float) -> np.ndarray:
    """float64 [N, C], P(y | c, x) of the given label by each class."""
    return np.asarray((1 - nearness) * transition.T[labels] + nearness * near_others(probs, labels))


def posterior_of_both(probs: np.ndarray, labels: np.ndarray, transition: np.ndarray, nearness: float) -> np.ndarray:
    """float64 [N, C], P(c | x, y); a row that is ruled out keeps its p."""
    found = np.empty(probs.shape)
    for part in blocks(probs):
        found[part] = believed(probs[part], explaining(probs[part], labels[part], transition, nearness))
    return found


def fit_near_noise(
    logits: np.ndarray, labels: np.ndarray, sharpness: tuple[float, ...] = SHARPNESS, rounds: int = ROUNDS
) -> NearNoise:
    """The sharpness, among a few, with the T and λ that give the labels the highest likelihood.

    Args:
        logits: [N, C] held-out logits (or log-probabilities), by models that never saw the row's label.
        labels: int64 [N], given labels.
        rounds: of expectation-maximisation for each sharpness.
    """
    best: dict[bool, NearNoise] = {}
    for power in sharpness:
        rows = _Rows.of(sharpened(logits, power), labels)
        for even in (True, False):
            found = replace(rows.fitted(even, rounds), sharpness=power)
            if even not in best or found.log_likelihood > best[even].log_likelihood:
                best[even] = found
    if len(labels) < 2:
        return best[True]
    held_out = {even: _held_out(sharpened(logits, one.sharpness), labels, even, rounds) for even, one in best.items()}
    return best[held_out[True] >= held_out[False]]


def _held_out(probs: np.ndarray, labels: np.ndarray, even: bool, rounds: int) -> float:
    """Mean log-likelihood of each half of the rows of a class by what the other half was fitted to."""
    order = np.argsort(labels, kind="stable")
    halves = [_Rows.of(probs[part], labels[part]) for part in (order[::2], order[1::2])]
    found = [
        own.log_likelihood(fitted.transition, fitted.nearness) * len(own.near)
        for own, other in zip(halves, halves[::-1], strict=True)
        for fitted in [other.fitted(even, rounds)]
    ]
    return sum(found) / max(len(labels), 1)


@dataclass(frozen=True)
class _Rows:
    """Rows in the order of their labels.

    Attributes:
        probs: float64 [C, N].
        parts: of each class, the rows that were given it.
        given: float64 [N], p(y).
        near: float64 [N], Σ_c≠y p(c) p(y) / (1 - p(c)).
    """

    probs: np.ndarray
    parts: list[slice]
    given: np.ndarray
    near: np.ndarray

    @classmethod
    def of(cls, probs: np.ndarray, labels: np.ndarray) -> _Rows:
        order = np.argsort(labels, kind="stable")
        probs, labels = probs[order], labels[order]
        ends = np.searchsorted(labels, np.arange(probs.shape[1] + 1)).tolist()
        near = (probs * near_others(probs, labels)).sum(1)
        parts = [slice(start, end) for start, end in pairwise(ends)]
        return cls(np.ascontiguousarray(probs.T), parts, probs[np.arange(len(labels)), labels], near)

    def fitted(self, even: bool, rounds: int) -> NearNoise:
        """Of sharpness 1."""
        transition, nearness = (self._even if even else self._of_pairs)(rounds)
        return NearNoise(self.log_likelihood(transition, nearness), 1.0, transition, nearness)

    def log_likelihood(self, transition: np.ndarray, nearness: float) -> float:
        return float(np.log(self._likely(transition, nearness)).mean())

    def _likely(self, transition: np.ndarray, nearness: float) -> np.ndarray:
        found = nearness * self.near
        for given, part in enumerate(self.parts):
            found[part] += ((1 - nearness) * transition[:, given]) @ self.probs[:, part]
        return np.maximum(found, _SMALLEST)

    def _even(self, rounds: int) -> tuple[np.ndarray, float]:
        """A mixture of three: labels kept, moved to any class alike, and moved near a decision."""
        classes = len(self.probs)
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
        classes, nearness = len(self.probs), BEGUN
        counts = np.stack([self.probs[:, part].sum(1) for part in self.parts], 1)
        for _ in range(rounds):
            transition = shrunk(counts)
            weight = 1 / self._likely(transition, nearness)
            counts = np.empty((classes, classes))
            for given, part in enumerate(self.parts):
                counts[:, given] = transition[:, given] * (self.probs[:, part] @ weight[part])
            counts *= 1 - nearness
            nearness = min(max(1 - float(counts.sum()) / len(self.near), 0.0), 1.0)
        return shrunk(counts), nearness

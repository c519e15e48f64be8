"""Noise whose wrong class depends on the row: T_c(x) = (1 - ρ_c) · δ_c + ρ_c · softmax_{k≠c}(log T_ck + φ(x) · W_ck).

How often a class is mislabelled stays a matter of the class, since no label can tell a flip that a text brings about
from a text of another class; to what it is mislabelled may follow the text. φ are principal components of features that
no label has shaped, and W has a penalty, so that without need it is zero and T_c(x) is the T of the class.

Whether it is needed is told by given labels that were held out (`gain_over_classes`). Measured on TREC with beliefs of
all views, nats a row: instance-dependent noise 0.4 gains 0.018 (GloVe) and 0.058 (MiniLM), pairwise 0.45 0.001,
symmetric 0.5 -0.049 (`recipes/results/real_noise.md`).

The kind of noise: Xia et al., "Part-dependent Label Noise: Towards Instance-dependent Label Noise", NeurIPS 2020.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from clc_text.noise.estimation.noise_fit import fit_transition, shrunk

COMPONENTS = 60
PENALTY = 30.0  # half of it times |W|², beside a sum over rows; 10 and 100 gain less on held-out labels
ROUNDS = 5
STEPS = 10  # of L-BFGS in every round, from where the last one ended
PARTS = 3  # folds of `gain_over_classes`
MARGIN = 0.005  # nats a row, of held-out labels
ERRORS = 3.0  # standard errors that a gain must have, too
MOST_CLASSES = 50
MOST_ROWS = 50_000  # that it is fitted to
_SMALLEST = 1e-12
_HARDLY = 1e-3  # a row that is of a class with less probability does not tell of its noise


@dataclass(frozen=True)
class RowNoise:
    """Attributes: ``transition`` float64 [C, C], T of the classes; ``weights`` float64 [C, D, C], W."""

    transition: np.ndarray
    weights: np.ndarray

    def columns(self, components: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """float64 [n, C], T_c(x)[y] of rows with components [n, D] and given labels int64 [n]."""
        found = np.empty((len(labels), len(self.transition)))
        for true in range(len(self.transition)):
            found[:, true] = self._to(true, components)[np.arange(len(labels)), labels]
        return found

    def _to(self, true: int, components: np.ndarray) -> np.ndarray:
        """float64 [n, C], T_c(x) of one true class c."""
        stay = self.transition[true, true]
        elsewhere = _softmax_of(components, self.weights[true], _offsets(self.transition, true))
        elsewhere *= 1 - stay
        elsewhere[:, true] = stay
        return elsewhere


def components_of(features: np.ndarray, count: int = COMPONENTS) -> np.ndarray:
    """float64 [N, D], the principal components of features, each of deviation 1; fewer where they have fewer."""
    from sklearn.decomposition import PCA

    rows = np.asarray(features, np.float64)
    rows = rows[:: -(-len(rows) // MOST_ROWS)]
    fitted = PCA(min(count, *rows.shape), svd_solver="covariance_eigh" if rows.shape[1] <= 2000 else "randomized",
                 random_state=0).fit(rows)  # fmt: skip
    found = fitted.transform(np.asarray(features, np.float64))
    deviation = found.std(0)
    return np.asarray(found[:, deviation > 1e-6 * max(deviation.max(initial=0.0), _SMALLEST)] / 1.0) / (
        deviation[deviation > 1e-6 * max(deviation.max(initial=0.0), _SMALLEST)]
    )


def fit_row_noise(probs: np.ndarray, labels: np.ndarray, components: np.ndarray, start: np.ndarray) -> RowNoise:
    """By expectation-maximisation with the rows' class probabilities held fixed, and W a step of L-BFGS at a time.

    Args:
        probs: [n, C], of the true class.
        labels: int64 [n], given.
        components: [n, D], φ.
        start: float64 [C, C], T of the classes.
    """
    classes = probs.shape[1]
    found = RowNoise(start, np.zeros((classes, components.shape[1], classes)))
    for _ in range(ROUNDS):
        joint = probs * found.columns(components, labels)
        belief = joint / np.maximum(joint.sum(1, keepdims=True), _SMALLEST)
        transition = shrunk(np.stack([belief[labels == given].sum(0) for given in range(classes)], 1))
        weights = np.stack(
            [_fitted(true, belief[:, true], labels, components, transition, found.weights[true])
             for true in range(classes)]
        )  # fmt: skip
        found = RowNoise(transition, weights)
    return found


def gain_over_classes(
    probs: np.ndarray, labels: np.ndarray, components: np.ndarray, start: np.ndarray, fold: np.ndarray
) -> tuple[float, float]:
    """By how many nats a given label that was held out is likelier to noise by row than to noise by class, and the
    standard error of that.

    Args:
        fold: int64 [n], parts of the rows, copies together.
        probs, labels, components, start: as of `fit_row_noise`.
    """
    gain = np.zeros(len(labels))
    for part in np.unique(fold):
        rest, own = fold != part, fold == part
        by_row = fit_row_noise(probs[rest], labels[rest], components[rest], start).columns(components[own], labels[own])
        by_class = fit_transition(probs[rest], labels[rest], start, ROUNDS).T[labels[own]]
        each = [np.log(np.maximum((probs[own] * one).sum(1), _SMALLEST)) for one in (by_row, by_class)]
        gain[own] = each[0] - each[1]
    return float(gain.mean()), float(gain.std() / np.sqrt(max(len(gain), 1)))


def is_needed(gain: float, error: float) -> bool:
    """Whether noise by row explains held-out labels better than chance could make it seem."""
    return gain > max(MARGIN, ERRORS * error)


def _offsets(transition: np.ndarray, true: int) -> np.ndarray:
    """float64 [C], log T of one true class, never itself."""
    found = np.log(np.maximum(transition[true], _SMALLEST))
    found[true] = -np.inf
    return found


def _softmax_of(components: np.ndarray, weights: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    logits = components @ weights + offsets
    powers = np.exp(logits - logits.max(1, keepdims=True))
    return np.asarray(powers / powers.sum(1, keepdims=True))


def _fitted(
    true: int,
    belief: np.ndarray,
    labels: np.ndarray,
    components: np.ndarray,
    transition: np.ndarray,
    weights: np.ndarray,
) -> np.ndarray:
    """float64 [D, C], the W of one true class: a multinomial regression of the given class, on the rows that are
    mislabelled if they are of that class, each weighing as much as is believed of that (`belief` [n])."""
    from scipy.optimize import minimize

    rows = np.flatnonzero((labels != true) & (belief > _HARDLY))
    if not len(rows):
        return weights
    inputs, given, weighs = components[rows], labels[rows], belief[rows]
    each, offsets = np.arange(len(rows)), _offsets(transition, true)

    def loss(flat: np.ndarray) -> tuple[float, np.ndarray]:
        now = flat.reshape(weights.shape)
        error = _softmax_of(inputs, now, offsets)
        value = -(weighs * np.log(np.maximum(error[each, given], _SMALLEST))).sum() + PENALTY / 2 * (now**2).sum()
        error *= weighs[:, None]
        error[each, given] -= weighs
        return value, (inputs.T @ error + PENALTY * now).ravel()

    found: Any = minimize(loss, weights.ravel(), jac=True, method="L-BFGS-B", options={"maxiter": STEPS})
    return np.asarray(found.x.reshape(weights.shape))

"""Noise whose wrong class follows the row: a noise matrix for each row, by its features.

    T_c(x) = s_c δ_c + (1 - s_c) softmax_{k≠c}(log T_ck + φ(x) · W_ck)

A row of class c keeps its label with probability s_c, whatever the row; which class it is taken for else depends on
φ(x), the first principal components of its features and a constant. T is the noise matrix of the classes, which W = 0
leaves as it is. s and W are found by expectation-maximisation with the rows' class probabilities held fixed, W under a
penalty of `RIDGE` / 2 · |W|² (of the weighted log-likelihood of moved labels: a multinomial regression a class).

W has C (C - 1) times as many numbers as φ, so whether there is such noise is asked of labels that no W was fitted to:
T(x) is taken where they are likelier to it than to noise by class and near a decision (`near_noise`), by `LEAST` nats
a row and `ERRORS` standard errors. One cross-fit each, seeds 10 to 14 (`recipes/results/real_noise.md`): 0.013 to
0.072 nats with instance-dependent noise, -0.054 to 0.006 with noise by class, 0.000 to 0.003 on people's and rules'
labels.

What a row's own label has taught W would confirm that label, so every row's matrix is of the W of other folds. The
noise is that of Xia et al., "Part-dependent label noise" (NeurIPS 2020); they find it by anchor points, here are none.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from clc_text.data.beliefs import CELLS_AT_ONCE, believed
from clc_text.noise.estimation.near_noise import explaining, fit_near_noise, too_few
from clc_text.noise.estimation.noise_fit import (
    MOST_ROWS,
    SHARPNESS,
    SHRINKAGE,
    fit_noise,
    fit_transition,
    reweighed,
    sharpened,
)

COMPONENTS = 60  # of the features
WIDEST = 4096  # features a row: of more the principal components cost too much
RIDGE = 30.0
ROUNDS = 6  # of expectation-maximisation
STEPS = 15  # of each regression in a round, which begins as the round before has ended
LEAST = 0.01  # nats a row
ERRORS = 3.0
LARGEST = 20_000_000  # numbers in all rows' matrices, beyond which nothing is looked for
MOST = 50_000  # rows, likewise
LEAST_MOVED = 20.0  # labels of a class that are moved, below which where they go is not asked of the rows
_SMALLEST = 1e-12
_NO_MASS = 0.01  # a row that is a moved label of a class with so little probability says nothing of where it moves
_NO_CHANCE = 1e-4  # T is no smaller in the regressions' offsets


@dataclass(frozen=True)
class RowNoise:
    """T(x) as one part of the rows has it.

    Attributes:
        stay: float64 [C], s.
        offset: float64 [C, C], log T.
        weights: float64 [C, D + 1, C], W; row = true class, last = given class, the constant's last.
    """

    stay: np.ndarray
    offset: np.ndarray
    weights: np.ndarray

    def matrices(self, components: np.ndarray) -> np.ndarray:
        """float64 [n, C, C], T(x) of rows with components [n, D]; each row of a matrix has sum 1."""
        inputs, classes = _with_constant(components), len(self.stay)
        found = np.empty((len(inputs), classes, classes))
        for true in range(classes):
            found[:, true] = (1 - self.stay[true]) * self._moved(inputs, true)
            found[:, true, true] = self.stay[true]
        return found

    def columns(self, components: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """float64 [n, C], P(y | c, x) of the labels int64 [n] by each class."""
        inputs, each = _with_constant(components), np.arange(len(labels))
        found = np.empty((len(inputs), len(self.stay)))
        for true, stay in enumerate(self.stay):
            moved = self._moved(inputs, true)[each, labels]
            found[:, true] = np.where(labels == true, stay, (1 - stay) * moved)
        return found

    def _moved(self, inputs: np.ndarray, true: int) -> np.ndarray:
        """[n, C], which class a wrong label of this one is of."""
        weights = self.weights[true]
        differing = inputs if weights.any() else inputs[:1]
        moved = _elsewhere(differing, weights, self.offset[true], true)
        return np.broadcast_to(moved, (len(inputs), moved.shape[1]))


@dataclass(frozen=True)
class NoiseOfRows:
    """T(x) of every row by the others, and how much likelier given labels are to it.

    Attributes:
        matrices: float64 [N, C, C]; 0 of folds that were not asked, since the others had said that it is not ahead.
        gain: nats a row above noise by class and near a decision, of the folds that were asked.
        error: the standard error of that.
    """

    matrices: np.ndarray
    gain: float
    error: float

    @property
    def ahead(self) -> bool:
        return self.gain > max(LEAST, ERRORS * self.error)

    def columns(self, labels: np.ndarray) -> np.ndarray:
        """float64 [N, C], P(y | c, x) of the given labels int64 [N]."""
        return np.asarray(self.matrices[np.arange(len(labels)), :, labels])


def components_of(features: np.ndarray) -> np.ndarray:
    """float64 [N, min(D, `COMPONENTS`)], principal components of features [N, D], which are 1 in the mean square."""
    rows, width = features.shape
    mean = features.mean(0, dtype=np.float64)
    at_once = max(1, CELLS_AT_ONCE // width)
    parts = [slice(start, start + at_once) for start in range(0, rows, at_once)]
    spread = np.zeros((width, width))
    for part in parts:
        centred = features[part] - mean
        spread += centred.T @ centred
    values, vectors = np.linalg.eigh(spread / rows)
    vectors = vectors[:, ::-1][:, :COMPONENTS]
    scale = np.sqrt(max(float(values[::-1][:COMPONENTS].mean()), _SMALLEST))
    return np.concatenate([(features[part] - mean) @ vectors for part in parts]) / scale


def noise_of_rows(pool: np.ndarray, labels: np.ndarray, features: np.ndarray, fold: np.ndarray) -> NoiseOfRows | None:
    """T(x) of the rows, each by the folds that it is not in; None where there are too few rows or too many, and of
    two classes, of which a wrong label is always the other.

    Args:
        pool: [N, C], log-probabilities of the true class, by whoever never saw the row's label.
        labels: int64 [N], given labels.
        features: [N, D], which no label has shaped.
        fold: int64 [N], parts of the rows, copies together.
    """
    rows, classes = pool.shape
    if classes < 3 or too_few(rows, classes) or rows > MOST or rows * classes**2 > LARGEST:
        return None
    if features.shape[1] > WIDEST:
        return None
    components, probs = components_of(features), fit_noise(pool, labels).probs
    matrices, gains = np.zeros((rows, classes, classes)), np.zeros(0)
    sharpness = fit_near_noise(pool, labels, compared=False).sharpness
    for one in np.unique(fold):
        own, others = fold == one, fold != one
        given, each = labels[own], np.arange(int(own.sum()))
        fitted = fit_row_noise(probs[others], labels[others], components[others])
        matrices[own] = fitted.matrices(components[own])
        by_row = (probs[own] * matrices[own][each, :, given]).sum(1)
        both = fit_near_noise(pool[others], labels[others], (sharpness,), compared=False)
        held = sharpened(pool[own], sharpness)
        by_both = (held * explaining(held, given, both.transition, both.nearness)).sum(1)
        gains = np.append(gains, np.log(np.maximum(by_row, _SMALLEST)) - np.log(np.maximum(by_both, _SMALLEST)))
        found = NoiseOfRows(matrices, float(gains.mean()), float(gains.std() / len(gains) ** 0.5))
        if found.gain + ERRORS * found.error < LEAST:
            break
    return found


def sharpest(log_probs: np.ndarray, columns: np.ndarray) -> tuple[float, float, np.ndarray]:
    """The mean of log Σ_c p(c) P(y | c, x), the sharpness, among a few, for which it is highest, and p [N, C] by it.

    Args:
        log_probs: [N, C], held out.
        columns: [N, C], P(y | c, x).
    """
    likely = {}
    for power in SHARPNESS:
        likely[power] = _log_likelihood(sharpened(log_probs, power), columns)
    best = max(likely, key=lambda power: likely[power])
    return likely[best], best, sharpened(log_probs, best)


def _log_likelihood(probs: np.ndarray, columns: np.ndarray) -> float:
    return float(np.log(np.maximum((probs * columns).sum(1), _SMALLEST)).mean())


def with_shares(probs: np.ndarray, columns: np.ndarray, rounds: int = 30) -> np.ndarray:
    """float64 [N, C], ``∝ w · p``, as `noise_fit.fit_shares` finds w, where P(y | c, x), columns [N, C], is known."""
    weights, weighted = np.ones(probs.shape[1]), probs
    for _ in range(rounds):
        weighted = reweighed(weights, probs, weighted, believed(weighted, columns).sum(0))
    return weighted


def taught_by_rows(pool: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """float64 [N, C], what networks are to be taught where noise follows the rows: the mean of the posterior by
    P(y | c, x) and of that with the given label half trusted (`half_trust`), ∝ p · P(y | c, x)^½.

    Args:
        pool: [N, C], log-probabilities of the true class, by whoever never saw the row's label.
        columns: [N, C], P(y | c, x).
    """
    probs = with_shares(sharpest(pool, columns)[2], columns)
    return np.asarray((believed(probs, columns) + believed(probs, np.sqrt(columns))) / 2)


def fit_row_noise(probs: np.ndarray, labels: np.ndarray, components: np.ndarray) -> RowNoise:
    """T(x) by expectation-maximisation, from the rows' class probabilities [N, C], which are held fixed.

    Args:
        labels: int64 [N], given labels.
        components: float64 [N, D].
    """
    rows, classes = probs.shape
    transition, inputs = fit_transition(probs, labels), _with_constant(components)
    offset = np.log(np.maximum(transition, _NO_CHANCE))
    noise = RowNoise(np.diagonal(transition).copy(), offset, np.zeros((classes, inputs.shape[1], classes)))
    added = min(SHRINKAGE * rows / classes, MOST_ROWS)  # rows of average noise, as in `shrunk`
    for _ in range(ROUNDS):
        belief = probs * noise.columns(components, labels)
        belief /= np.maximum(belief.sum(1, keepdims=True), _SMALLEST)
        kept = np.bincount(labels, belief[np.arange(rows), labels], classes)
        every = belief.sum(0)
        weights = np.stack([
            _moved_to(inputs, labels, np.where(labels == true, 0.0, belief[:, true]), offset[true], true, began)
            for true, began in enumerate(noise.weights)
        ])  # fmt: skip
        noise = RowNoise((kept + added * kept.sum() / rows) / (every + added), offset, weights)
    return noise


def _moved_to(
    inputs: np.ndarray, labels: np.ndarray, mass: np.ndarray, offset: np.ndarray, true: int, began: np.ndarray
) -> np.ndarray:
    """[D + 1, C], W of one class: of rows that are its moved labels with probability `mass` [N]."""
    from scipy.optimize import minimize

    some = np.flatnonzero(mass > _NO_MASS)
    if mass[some].sum() < LEAST_MOVED:
        return np.zeros_like(began)
    given, of_mass, chosen = labels[some], mass[some], inputs[some]

    def loss(flat: np.ndarray) -> tuple[float, np.ndarray]:
        return penalised(flat.reshape(began.shape), chosen, given, of_mass, offset, true)

    found = minimize(loss, began.ravel(), jac=True, method="L-BFGS-B", options={"maxiter": STEPS})
    return np.asarray(found.x.reshape(began.shape))


def penalised(
    weights: np.ndarray, inputs: np.ndarray, labels: np.ndarray, mass: np.ndarray, offset: np.ndarray, true: int
) -> tuple[float, np.ndarray]:
    """- Σ_n mass_n log P(y_n | c, x_n, moved) + `RIDGE` / 2 · |W|² of one class c, and its slope, flat.

    Args:
        weights: [D + 1, C].
        inputs: [n, D + 1].
        labels: int64 [n], none of them c.
        mass: [n].
        offset: [C], log T_c.
        true: c.
    """
    each, moved = np.arange(len(labels)), _elsewhere(inputs, weights, offset, true)
    likely = -(mass @ np.log(np.maximum(moved[each, labels], _SMALLEST)))
    moved[each, labels] -= 1
    slope = inputs.T @ (mass[:, None] * moved) + RIDGE * weights
    return float(likely + RIDGE / 2 * (weights**2).sum()), slope.ravel()


def _elsewhere(inputs: np.ndarray, weights: np.ndarray, offset: np.ndarray, true: int) -> np.ndarray:
    """[n, C], softmax over all classes but the true one, which has 0."""
    scores = inputs @ weights + offset
    scores[:, true] = -np.inf
    scores -= scores.max(1, keepdims=True)
    np.exp(scores, out=scores)
    scores /= scores.sum(1, keepdims=True)
    return np.asarray(scores)


def _with_constant(components: np.ndarray) -> np.ndarray:
    return np.concatenate([components, np.ones((len(components), 1))], 1)

"""The noise rate and the noise matrix, estimated without clean labels.

Everything here is a pure function of probabilities p (float [N, C], or [P, N, C] of P peers, whose mean is taken) and
given labels (int64 [N]), computed in float64. A matrix T has the true class as its row and the given class as its
column, T[c, k] = P(given k | true c). The probabilities should be out-of-sample: those of a network that was trained
on a row's own label confirm it, and every estimate is then too low.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from clc_text.errors import InputError

EstimateMethod = Literal["confident_joint", "em", "anchor"]

# cleanlab's allowance for rounding when a probability is compared with a threshold, and its least threshold.
_SLACK = 1e-6
_LEAST_THRESHOLD = 2e-6
# Numbers in one block of bootstrap weights.
_BLOCK = 20_000_000


@dataclass(frozen=True)
class NoiseEstimate:
    """An estimate of the noise.

    Attributes:
        rate: estimated share of wrong given labels, 0 ... 1.
        matrix: float64 [C, C], row = true class, column = given class.
        interval: 95 % interval of the rate over resampled rows (percentile bootstrap), None without a bootstrap. It
            says how far the draw of the rows matters, not how far the probabilities themselves are off.
        method: which estimator.
    """

    rate: float
    matrix: np.ndarray
    interval: tuple[float, float] | None
    method: EstimateMethod


class ConfidentJoint(NamedTuple):
    """joint float64 [C, C] (row = true class, column = given class, sums to 1), its rows as T, and 1 - its trace."""

    joint: np.ndarray
    matrix: np.ndarray
    rate: float


def estimate(
    p: np.ndarray,
    labels: np.ndarray,
    method: EstimateMethod = "confident_joint",
    bootstrap: int = 200,
    seed: int = 0,
) -> NoiseEstimate:
    """The noise rate with a 95 % interval, and the noise matrix.

    Args:
        p: [N, C] or [P, N, C] probabilities.
        labels: int64 [N] given labels.
        method: ``confident_joint`` (Northcutt et al. 2021), ``em`` (`em_matrix`) or ``anchor`` (Patrini et al. 2017).
        bootstrap: resamplings of the rows; 0 leaves the interval out.
        seed: of the resampling.

    Raises:
        InputError: p is no table of distributions, or does not fit the labels.
    """
    p, labels = checked(p, labels)
    everything = np.ones((1, len(labels)))
    if method == "confident_joint":
        guesses = _confident_all
    elif method == "em":
        guesses = _em_all
    elif method == "anchor":
        guesses = _anchor_all
    else:
        raise InputError(f"'{method}' is no noise estimate; known: anchor, confident_joint, em")
    matrices, rates = guesses(p, labels, everything)
    interval = None
    if bootstrap > 0:
        resampled = np.concatenate(
            [guesses(p, labels, weights)[1] for weights in _bootstrap_weights(len(labels), bootstrap, seed)]
        )
        low, high = np.quantile(resampled, (0.025, 0.975))
        interval = (float(low), float(high))
    return NoiseEstimate(float(rates[0]), matrices[0], interval, method)


# ---- confident joint ----


def confident_counts(p: np.ndarray, labels: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """float64 [C, C], the confident joint before calibration: rows by (confidently true class, given class).

    A class's threshold is the mean probability of the class over the rows given it (Northcutt et al. 2021, Eq. 2);
    a row counts for the class whose threshold it reaches; where it reaches several, for its most probable class; where
    it reaches none, not at all. A class always counts at least one row as rightly labelled. This is cleanlab's
    definition (`cleanlab.count.compute_confident_joint`, whose rows are the given classes).

    Args:
        weights: float64 [N], how often each row counts; once where None.
    """
    p, labels = checked(p, labels)
    w = np.ones(len(labels)) if weights is None else weights
    classes = p.shape[1]
    own = p[np.arange(len(labels)), labels]
    of_class = np.bincount(labels, w, classes)
    means = np.bincount(labels, w * own, classes) / np.where(of_class > 0, of_class, 1)
    thresholds = np.where(of_class > 0, np.maximum(means, _LEAST_THRESHOLD), 2.0)  # 2: no row counts for such a class
    reached = p >= thresholds - _SLACK
    how_many = reached.sum(1)
    guess = np.where(how_many > 1, p.argmax(1), reached.argmax(1))
    w = np.where(how_many > 0, w, 0.0)
    counts = np.bincount(guess * classes + labels, w, classes * classes).reshape(classes, classes)
    np.fill_diagonal(counts, np.maximum(counts.diagonal(), 1.0))
    return counts


def confident_joint(p: np.ndarray, labels: np.ndarray, weights: np.ndarray | None = None) -> ConfidentJoint:
    """The joint distribution of true and given labels (Northcutt et al. 2021, Eq. 3).

    The counts are scaled so that each given class has its observed share (cleanlab rounds them to whole rows as well,
    which is not done here). A true class that no row counts for gets an identity row in T.

    Args:
        p: [N, C] or [P, N, C] probabilities.
        labels: int64 [N] given labels.
        weights: float64 [N], how often each row counts; once where None.
    """
    p, labels = checked(p, labels)
    counts = confident_counts(p, labels, weights)
    shares = np.bincount(labels, weights, p.shape[1])
    joint = counts / counts.sum(0) * (shares / shares.sum())
    return ConfidentJoint(joint, _rows_to_one(joint), float(1 - np.trace(joint)))


def _confident_all(p: np.ndarray, labels: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    found = [confident_joint(p, labels, row) for row in weights]
    return np.stack([one.matrix for one in found]), np.array([one.rate for one in found])


# ---- anchors ----


def anchor_matrix(p: np.ndarray, quantile: float | None = 0.97) -> np.ndarray:
    """float64 [C, C], T by anchor rows (Patrini et al. 2017, Eq. 12 and 13).

    Row c of T is the prediction of the row whose probability of c is the highest after those at or above the
    quantile are dropped; with None, the highest of all (for data with few rows a class). p predicts *given* labels,
    so it is that of a network trained on them, without correction.

    Args:
        p: [N, C] or [P, N, C] probabilities.
        quantile: 0.97 in the paper; None keeps all rows.
    """
    p = _mean_of_peers(p)
    candidates = p
    if quantile is not None:
        limit = np.quantile(p, quantile, axis=0, method="higher")
        below = p < limit
        # A class whose probability is the same in every row has none below: all its rows are as good as another.
        candidates = np.where(below | ~below.any(0), p, -1.0)
    return _rows_to_one(p[candidates.argmax(0)])


def _anchor_all(p: np.ndarray, labels: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    matrices, rates = [], []
    for row in weights:
        times = row.astype(np.int64)
        transition = anchor_matrix(p if (times == 1).all() else np.repeat(p, times, axis=0))
        prior = true_shares(transition, np.bincount(labels, row, p.shape[1]))
        matrices.append(transition)
        rates.append(1 - prior @ transition.diagonal())
    return np.stack(matrices), np.array(rates)


def true_shares(transition: np.ndarray, given_counts: np.ndarray, rounds: int = 500) -> np.ndarray:
    """float64 [C], the shares of the true classes that make the given counts [C] most likely under T (EM)."""
    observed = given_counts / given_counts.sum()
    shares = np.full(len(observed), 1 / len(observed))
    for _ in range(rounds):
        expected = shares @ transition
        ratio = np.divide(observed, expected, out=np.zeros_like(observed), where=expected > 0)
        shares = shares * (transition @ ratio)
        shares /= shares.sum()
    return shares


# ---- expectation-maximisation ----


def sharpened(p: np.ndarray, power: float) -> np.ndarray:
    """float64 [..., C], p^power normalised: the predictions of early-stopped networks are too flat."""
    scaled = (p / p.max(-1, keepdims=True)) ** power
    return scaled / scaled.sum(-1, keepdims=True)


def em_matrix(
    p: np.ndarray,
    labels: np.ndarray,
    rounds: int = 20,
    sharpen: float = 2.0,
    pseudo_count: float = 1.0,
) -> np.ndarray:
    """float64 [C, C], T by expectation-maximisation with the rows' class probabilities held fixed (Dawid & Skene 1979).

    From ``T[c, k] ∝ Σ_{y=k} p(c)``, each round computes ``q ∝ p · T[:, y]`` and ``T[c, k] ∝ Σ_{y=k} q(c)``, with a
    pseudo-count on the diagonal each time.

    Args:
        p: [N, C] or [P, N, C] probabilities of the *true* class.
        labels: int64 [N] given labels.
        rounds: of EM.
        sharpen: power that p is raised to first; 1 leaves it.
        pseudo_count: rows added to each diagonal entry.
    """
    p, labels = checked(p, labels)
    return _em(sharpened(p, sharpen), labels, np.ones((1, len(labels))), rounds, pseudo_count)[0][0]


def posterior(p: np.ndarray, labels: np.ndarray, transition: np.ndarray, sharpen: float = 2.0) -> np.ndarray:
    """float64 [N, C], ``q ∝ p · T[:, y]``: the true class, given the prediction and the given label.

    A row whose given label cannot come from any class that p allows keeps its p.

    Args:
        p: [N, C] or [P, N, C] probabilities.
        labels: int64 [N] given labels.
        transition: [C, C], row = true class.
        sharpen: power that p is raised to first, as in `em_matrix`; 1 leaves it.
    """
    p, labels = checked(p, labels)
    sharp = sharpened(p, sharpen)
    joint = sharp * transition.T[labels]
    sums = joint.sum(1, keepdims=True)
    return np.divide(joint, sums, out=sharp.copy(), where=sums > 0)


def _em_all(p: np.ndarray, labels: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return _em(sharpened(p, 2.0), labels, weights, rounds=20, pseudo_count=1.0)


def _em(
    p: np.ndarray, labels: np.ndarray, weights: np.ndarray, rounds: int, pseudo_count: float
) -> tuple[np.ndarray, np.ndarray]:
    """T [R, C, C] and the rates [R] of R weightings [R, N] of the rows at once.

    The rows given class k only ever meet column k of T, so each round is two matrix products a class, for all R:
    the evidence ``s = p T[:, k]`` of each row, and ``Σ q = T[:, k] · pᵀ(w / s)``.
    """
    repetitions, classes = len(weights), p.shape[1]
    members = [np.flatnonzero(labels == k) for k in range(classes)]
    blocks = [(p[rows], weights[:, rows].T) for rows in members]  # [n_k, C] and [n_k, R]

    def normalised(counts: np.ndarray) -> np.ndarray:
        counts = counts + pseudo_count * np.eye(classes)
        return _rows_to_one(counts)

    sums = np.stack([(p_k.T @ w_k).T for p_k, w_k in blocks], axis=2)  # [R, C, given]
    transition = normalised(sums)
    right = np.zeros(repetitions)
    for step in range(rounds + 1):
        for k, (p_k, w_k) in enumerate(blocks):
            evidence = p_k @ transition[:, :, k].T
            ratio = np.divide(w_k, evidence, out=np.zeros_like(evidence), where=evidence > 0)
            sums[:, :, k] = transition[:, :, k] * (p_k.T @ ratio).T
        if step < rounds:
            transition = normalised(sums)
        else:
            right = np.einsum("rcc->r", sums)
    return transition, 1 - right / weights.sum(1)


# ---- shared ----


def checked(p: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """p as float64 [N, C] and labels as int64 [N].

    Raises:
        InputError: p is no table of distributions, or a label is none of its classes.
    """
    p = _mean_of_peers(p)
    labels = np.asarray(labels)
    if labels.shape != (len(p),) or not np.issubdtype(labels.dtype, np.integer):
        raise InputError(f"{len(p)} rows of probabilities need as many class numbers, and got {labels.shape} labels")
    wrong = np.flatnonzero((labels < 0) | (labels >= p.shape[1]))
    if len(wrong):
        raise InputError(f"row {wrong[0] + 1} has the label {labels[wrong[0]]}, but p has {p.shape[1]} classes")
    return p, labels.astype(np.int64)


def _mean_of_peers(p: np.ndarray) -> np.ndarray:
    p = np.asarray(p, dtype=np.float64)
    if p.ndim == 3:
        p = p.mean(0)
    if p.ndim != 2 or 0 in p.shape:
        raise InputError(f"probabilities must have the shape [rows, classes] or [peers, rows, classes], not {p.shape}")
    bad = np.flatnonzero(~(np.isfinite(p).all(1) & (p >= 0).all(1) & (np.abs(p.sum(1) - 1) < 1e-3)))
    if len(bad):
        raise InputError(
            f"row {bad[0] + 1} of the probabilities is no distribution: {p[bad[0]][:8].round(4).tolist()}"
        )
    return p


def _rows_to_one(counts: np.ndarray) -> np.ndarray:
    """Rows [..., C, C] divided by their sums; an empty row becomes that of the identity: nothing speaks for noise."""
    sums = counts.sum(-1, keepdims=True)
    identity = np.broadcast_to(np.eye(counts.shape[-1]), counts.shape).copy()
    return np.divide(counts, sums, out=identity, where=sums > 0)


def _bootstrap_weights(rows: int, repetitions: int, seed: int) -> Iterator[np.ndarray]:
    """How often each row is drawn, float64 [r, N] in blocks of r that fit into memory, R in all."""
    random = np.random.Generator(np.random.PCG64(seed))
    per_block = max(1, _BLOCK // rows)
    for start in range(0, repetitions, per_block):
        size = min(per_block, repetitions - start)
        yield np.stack([np.bincount(random.integers(0, rows, rows), minlength=rows) for _ in range(size)]).astype(
            float
        )

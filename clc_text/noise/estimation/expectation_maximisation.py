"""The noise matrix by expectation-maximisation over predictions of the true class, of many weightings at once."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from clc_text.noise.estimation.probabilities import check_classes, checked, rows_to_one

_SMALLEST = 1e-12


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
    """float64 [C, C], T by expectation-maximisation with the rows' class probabilities held fixed.

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
    check_classes(p.shape[1])
    return em_weighted(sharpened(p, sharpen), labels, np.ones((1, len(labels))), rounds, _counted(pseudo_count))[0][0]


def em_all(p: np.ndarray, labels: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """T [R, C, C] and the rate [R] for each of R weightings [R, N] of the rows; the input is not checked."""
    return em_weighted(sharpened(p, 2.0), labels, weights, 20, _counted(1.0))[:2]


def _counted(pseudo_count: float) -> Callable[[np.ndarray], np.ndarray]:
    """Counts [..., C, C] as T, with so many rows more on the diagonal."""
    return lambda counts: rows_to_one(counts + pseudo_count * np.eye(counts.shape[-1]))


def em_weighted(
    p: np.ndarray,
    labels: np.ndarray,
    weights: np.ndarray,
    rounds: int,
    normalised: Callable[[np.ndarray], np.ndarray],
    start: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """T [R, C, C], the rates [R] and the mean log-likelihoods [R] of R weightings [R, N] of the rows at once.

    The rows given class k only ever meet column k of T, so each round is two matrix products a class, for all R:
    the evidence ``s = p T[:, k]`` of each row, and ``Σ q = T[:, k] · pᵀ(w / s)``.

    Args:
        p: float64 [N, C] probabilities of the true class; not checked.
        labels: int64 [N] given labels.
        rounds: of EM.
        normalised: makes T of counts [R, C, C], row = true class.
        start: T [C, C] to begin with; None: from the predictions themselves.
    """
    classes = p.shape[1]
    members = [np.flatnonzero(labels == k) for k in range(classes)]
    blocks = [(p[rows], weights[:, rows].T) for rows in members]  # [n_k, C] and [n_k, R]

    def expected_counts(transition: np.ndarray, likelihood: np.ndarray | None = None) -> np.ndarray:
        """[R, C, C]: the rows' posteriors, summed by given class; and the log-likelihoods [R] are added up."""
        counts = np.zeros_like(transition)
        for k, (p_k, w_k) in enumerate(blocks):
            evidence = p_k @ transition[:, :, k].T
            ratio = np.divide(w_k, evidence, out=np.zeros_like(evidence), where=evidence > 0)
            counts[:, :, k] = transition[:, :, k] * (p_k.T @ ratio).T
            if likelihood is not None:
                likelihood += (w_k * np.log(np.maximum(evidence, _SMALLEST))).sum(0)
        return counts

    if start is None:
        transition = normalised(np.stack([(p_k.T @ w_k).T for p_k, w_k in blocks], axis=2))
    else:
        transition = np.repeat(start[None], len(weights), 0)
    for _ in range(rounds):
        transition = normalised(expected_counts(transition))
    likelihood = np.zeros(len(weights))
    right = np.einsum("rcc->r", expected_counts(transition, likelihood))
    return transition, 1 - right / weights.sum(1), likelihood / weights.sum(1)

"""The noise matrix from anchor rows (Patrini et al. 2017), and the class shares that go with a matrix."""

from __future__ import annotations

import numpy as np

from clc_text.noise.estimation.probabilities import mean_of_peers, rows_to_one


def anchor_matrix(p: np.ndarray, quantile: float | None = 0.97) -> np.ndarray:
    """float64 [C, C], T by anchor rows (Patrini et al. 2017).

    Row c of T is the prediction of the row whose probability of c is the highest after those at or above the
    quantile are dropped; with None, the highest of all (for data with few rows a class). p predicts *given* labels,
    so it is that of a network trained on them, without correction.

    Args:
        p: [N, C] or [P, N, C] probabilities.
        quantile: 0.97 in the paper; None keeps all rows.
    """
    return _anchor(mean_of_peers(p), quantile)


def _anchor(p: np.ndarray, quantile: float | None = 0.97) -> np.ndarray:
    candidates = p
    if quantile is not None:
        below = p < np.quantile(p, quantile, axis=0, method="higher")
        # A class whose probability is the same in every row has none below: all its rows are as good as another.
        candidates = np.where(below | ~below.any(0), p, -1.0)
    return rows_to_one(p[candidates.argmax(0)])


def anchor_all(p: np.ndarray, labels: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """T [R, C, C] and the rate [R] for each of R weightings [R, N] of the rows; the input is not checked."""
    transitions = np.stack([_anchor(np.repeat(p, times, axis=0)) for times in weights.astype(np.int64)])
    given_counts = np.stack([np.bincount(labels, row, p.shape[1]) for row in weights])
    shares = true_shares(transitions, given_counts)
    return transitions, 1 - np.einsum("rc,rcc->r", shares, transitions)


def true_shares(transition: np.ndarray, given_counts: np.ndarray, rounds: int = 500) -> np.ndarray:
    """float64 [..., C], the shares of the true classes that make the given counts [..., C] most likely (EM).

    Args:
        transition: [..., C, C], T.
        given_counts: [..., C] rows of each given class.
        rounds: of EM.
    """
    observed = given_counts / given_counts.sum(-1, keepdims=True)
    shares = np.full_like(observed, 1 / observed.shape[-1])
    for _ in range(rounds):
        expected = (shares[..., None, :] @ transition)[..., 0, :]
        ratio = np.divide(observed, expected, out=np.zeros_like(observed), where=expected > 0)
        shares = shares * (transition @ ratio[..., None])[..., 0]
        shares /= shares.sum(-1, keepdims=True)
    return shares

"""Several labels a row joined by whatever is known of the rows: features, words, or somebody's probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from clc_text.data.folds import deal_rounds
from clc_text.data.votes import Votes
from clc_text.evidence.evidence import FOLDS, first_of_copies
from clc_text.evidence.soft_linear import soft_linear_folds
from clc_text.noise.votes.cross_fit import FittedVotes, cross_fit_votes, normalised_logs

ROUNDS = 2


def joined_by(
    votes: Votes,
    features: np.ndarray | None = None,
    words: Any | None = None,
    probs: np.ndarray | None = None,
    seed: int = 0,
) -> FittedVotes:
    """`cross_fit_votes`, its classifier the geometric mean of a regression on each of the inputs that there are.

    Args:
        features: float32 [N, D], which no label has shaped.
        words: sparse float32 [N, M], TF-IDF of the texts' terms.
        probs: float64 [N, C], of the true class by a model that saw no vote on the row.
    """
    inputs: Sequence[Any] = [one for one in (features, words) if one is not None]
    if not inputs and probs is None:
        return cross_fit_votes(votes, None, seed, ROUNDS)
    first = first_of_copies(features, words, votes.rows)
    most = votes.majority.argmax(1)
    dealt = deal_rounds(most, FOLDS, seed, ROUNDS, first)
    given = [] if probs is None else [np.log(np.maximum(probs, 1e-9))]

    def held_out(belief: np.ndarray, number: int) -> np.ndarray:
        logs = given + [soft_linear_folds(one, belief, dealt[number]) for one in inputs]
        return normalised_logs(np.mean(logs, 0)) if len(logs) > 1 else logs[0]

    return cross_fit_votes(votes, held_out, seed, ROUNDS)

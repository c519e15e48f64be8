"""Several labels a row joined by whatever is known of the rows: features, words, or somebody's probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from clc_text.data.folds import deal_rounds
from clc_text.data.votes import Votes
from clc_text.evidence.evidence import FOLDS, first_of_copies
from clc_text.evidence.soft_linear import soft_linear_folds
from clc_text.noise.votes.cross_fit import FittedVotes, HeldOut, cross_fit_votes
from clc_text.noise.votes.fit import normalised_logs
from clc_text.noise.votes.one_class import one_class_sources

ROUNDS = 2


def joined_by(
    votes: Votes,
    features: np.ndarray | None = None,
    words: Any | None = None,
    probs: np.ndarray | None = None,
    seed: int = 0,
) -> FittedVotes:
    """`cross_fit_votes`, its classifier the geometric mean of a regression on each of the inputs that there are (words
    beside others only if no source is a rule: `hears_words`).

    Args:
        features: float32 [N, D], which no label has shaped.
        words: sparse float32 [N, M], TF-IDF of the texts' terms.
        probs: float64 [N, C], of the true class by a model that saw no vote on the row.
    """
    if (features is not None or probs is not None) and not hears_words(votes):
        words = None
    inputs = [one for one in (features, words) if one is not None]
    if not inputs and probs is None:
        return cross_fit_votes(votes, None, seed, ROUNDS)
    first = first_of_copies(features, words, votes.rows)
    most = votes.majority.argmax(1)
    dealt = deal_rounds(most, FOLDS, seed, ROUNDS, first)
    given = [] if probs is None else [np.log(np.maximum(probs, 1e-9))]
    return cross_fit_votes(votes, blind_regressions(inputs, dealt, given), seed, ROUNDS)


def hears_words(votes: Votes) -> bool:
    """Whether words are heard beside other inputs: not where sources are rules. Rules read words, and a regression on
    words learns the rules instead of the classes. (With 68 rules for TREC's questions 68 % of the labels are right by
    features, 65 % by both, although held-out votes are foretold better.)"""
    return not one_class_sources(votes).any()


def blind_regressions(inputs: Sequence[Any], dealt: np.ndarray, given: Sequence[np.ndarray] = ()) -> HeldOut:
    """The geometric mean of a regression on each of the inputs, which sees no row of a row's fold.

    Args:
        inputs: [N, D] each, dense or sparse (`soft_linear_folds`).
        dealt: int64 [rounds, N], the folds.
        given: log-probabilities [N, C], which count as much as a regression each.
    """

    def held_out(belief: np.ndarray, number: int) -> np.ndarray:
        logs = [*given, *(soft_linear_folds(one, belief, dealt[number]) for one in inputs)]
        return normalised_logs(np.mean(logs, 0)) if len(logs) > 1 else logs[0]

    return held_out

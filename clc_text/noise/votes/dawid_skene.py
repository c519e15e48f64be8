"""The usual way to join votes: a matrix for every source, each on its own, and no classifier."""

from __future__ import annotations

import numpy as np

from clc_text.data.votes import Votes
from clc_text.noise.estimation.noise_fit import softmax
from clc_text.noise.votes.fit import VotesFit
from clc_text.noise.votes.matrices import counted, log_likelihood

ROUNDS = 100
PSEUDO_COUNT = 0.01


def dawid_skene(votes: Votes, rounds: int = ROUNDS) -> VotesFit:
    """Expectation-maximisation from the majority (Dawid and Skene, 1979), 0.01 counts in every cell of a matrix."""
    posterior = votes.majority
    matrices = np.full((len(votes.sources), votes.classes, votes.classes), 1 / votes.classes)
    for _ in range(rounds):
        counts = counted(votes, posterior, matrices) + PSEUDO_COUNT
        matrices = counts / counts.sum(2, keepdims=True)
        shares = posterior.mean(0)
        posterior = softmax(log_likelihood(votes, matrices) + np.log(np.maximum(shares, 1e-12)))
    return VotesFit(posterior, matrices)

"""How well votes are foretold by the other votes and a classifier: what decides how much either is heard."""

from __future__ import annotations

import numpy as np

from clc_text.data.votes import Votes, places_in_row
from clc_text.noise.votes.fit import Rules, fit_votes
from clc_text.noise.votes.matrices import Shrinkage, counted, shrunk_matrices

PARTS = 3
ROUNDS = 15
# Whatever was assumed to make q, votes are foretold from it by matrices with this shrinkage: else a fit would be
# judged by how well it guesses the errors of a rare source, not by the classes.
JUDGED_BY = Shrinkage(8.0, 4.0)
_SMALLEST = 1e-12


def dealt(votes: Votes, parts: int, seed: int) -> np.ndarray:
    """int64 [M], the part of each vote: those of one row go to different parts, as far as there are as many."""
    random = np.random.Generator(np.random.PCG64(seed))
    sources = len(votes.sources)
    said, back = np.unique(votes.row * sources + votes.source, return_inverse=True)
    row = said // sources
    place = places_in_row(row, random)
    part = (place + random.integers(0, parts, votes.rows)[row]) % parts
    return np.asarray(part[back])


def held_out_likelihood(
    votes: Votes,
    rules: Rules,
    log_probs: np.ndarray | None,
    shrinkage: Shrinkage,
    seed: int,
    parts: int = PARTS,
    dependence: float = 0.0,
) -> np.ndarray:
    """float64 [M], the log-probability of each vote in nats, by fits that did not see it.

    Args:
        log_probs: [N, C], by a classifier that saw no vote on the row; None: without.
        dependence: as `fit_votes`.
    """
    part = dealt(votes, parts, seed)
    likelihood = np.empty(len(votes))
    for number in range(parts):
        seen, unseen = votes.part(part != number), votes.part(part == number)
        fit = fit_votes(seen, rules, log_probs, shrinkage, ROUNDS, dependence)
        posterior = fit.posterior
        matrices = shrunk_matrices(counted(seen, posterior, fit.matrices), JUDGED_BY)
        matrices[rules.which] = rules.rates
        likely = np.zeros(len(unseen))
        for true in range(votes.classes):
            likely += posterior[unseen.row, true] * matrices[unseen.source, true, unseen.label]
        likely = unseen.of_vote(unseen.probs * likely)
        likelihood[part == number] = unseen.weight * np.log(np.maximum(likely, _SMALLEST))
    return likelihood

"""The true classes and every source's noise that together explain the votes: q(c) ∝ p(c) · Π_j T_j[c, y_j]^w.

The product takes the votes on a row for independent, given its class. They are not: what is hard to one is hard to
all, and five people who say the same of a hard row are not five witnesses. With an intraclass correlation ρ of their
errors, n votes are worth n / (1 + (n - 1) ρ) (Kish's design effect), so that each has the weight
w = 1 / (1 + (n - 1) ρ). A row's only vote counts in full, but where hardly any row has two: nothing then checks the
classifier, which learns people's errors, too, and the vote counts for half (`noise.estimation.half_trust` says why).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from clc_text.data.votes import Votes
from clc_text.noise.estimation.noise_fit import SHRINKAGE as EVEN
from clc_text.noise.estimation.noise_fit import softmax
from clc_text.noise.votes.matrices import (
    Shrinkage,
    counted,
    counted_by_others,
    log_likelihood,
    shrunk_matrices,
)
from clc_text.noise.votes.one_class import firing_rates, one_class_sources, silences

ROUNDS = 40
LOOSE = Shrinkage(8.0, 1.0)
TIGHT = Shrinkage(32.0, 32.0)
ODDS = 3.0  # what one vote counts for before anything is known of its source


@dataclass(frozen=True)
class Rules:
    """The sources of one class (`one_class`), whose rates are known beforehand.

    Attributes:
        which: bool [J].
        rates: float64 [J', C, C], of those.
        silence: whether it counts that a rule does not fire.
    """

    which: np.ndarray
    rates: np.ndarray
    silence: bool = False

    @classmethod
    def of(cls, votes: Votes, silence: bool = False) -> Rules:
        """Those among the sources of some votes, true classes taken to be even: rules tell nothing of their shares."""
        which = one_class_sources(votes)
        even = np.full(votes.classes, 1 / votes.classes)
        return cls(which, firing_rates(votes, which, even), silence)

    def evidence(self, votes: Votes) -> np.ndarray:
        """float64 [N, C], log P(what these sources said | class)."""
        if not self.which.any():
            return np.zeros((votes.rows, votes.classes))
        matrices = np.zeros((len(self.which), votes.classes, votes.classes))
        matrices[self.which] = self.rates
        of_rules = votes.part(self.which[votes.source])
        found = log_likelihood(of_rules, matrices)
        return found + silences(of_rules, matrices, self.which) if self.silence else found


@dataclass(frozen=True)
class VotesFit:
    """What explains the votes.

    Attributes:
        posterior: float64 [N, C], q.
        matrices: float64 [J, C, C], T_j; the rows of a rule's sum to less than 1, the rest is its silence.
    """

    posterior: np.ndarray
    matrices: np.ndarray


def fit_votes(
    votes: Votes,
    rules: Rules,
    log_probs: np.ndarray | None = None,
    shrinkage: Shrinkage = LOOSE,
    rounds: int = ROUNDS,
    dependence: float = 0.0,
    trust: float = 1.0,
) -> VotesFit:
    """Expectation-maximisation over the rows' classes, p held fixed up to the classes' shares.

    It begins with what the other votes on a row, and p, say of each vote; without p, with the shares of the votes.

    Args:
        log_probs: [N, C], of the true class by a classifier that saw no vote on the row; None: the shares alone.
        dependence: ρ, of the errors of people's votes on one row.
        trust: power of what people's votes say in the posterior that is given out; matrices come of the whole.
    """
    people = votes.part(~rules.which[votes.source])
    known = rules.evidence(votes)
    base = known if log_probs is None else known + log_probs
    plain = log_probs is None and not rules.which.any()
    if not len(people):
        return VotesFit(softmax(base), _with_rules(np.zeros((len(rules.which), *(2 * [votes.classes]))), rules))
    counts = counted(people, people.majority) if plain else counted_by_others(people, normalised_logs(base), ODDS)
    worth = _worth(people, dependence)
    matrices = shrunk_matrices(counts, shrinkage)
    said = worth * log_likelihood(people, matrices)
    posterior = softmax(said + base)
    before = None if log_probs is None else np.exp(log_probs).sum(0)
    even = EVEN * votes.rows / votes.classes
    prior: np.ndarray | float = 0.0  # of the classes, in logs
    for _ in range(rounds - 1):
        matrices = shrunk_matrices(counted(people, posterior), shrinkage)
        shares = posterior.sum(0) + even
        if before is not None:
            shares = shares / (before + even)
        said = worth * log_likelihood(people, matrices)
        prior = np.log(shares)
        posterior = softmax(said + prior + base)
    if trust != 1:
        posterior = softmax(trust * said + prior + base)
    return VotesFit(posterior, _with_rules(matrices, rules))


def posterior_under(
    votes: Votes, rules: Rules, fit: VotesFit, log_probs: np.ndarray | None, dependence: float, trust: float = 1.0
) -> np.ndarray:
    """float64 [N, C], q by the matrices and the classes' shares of a fit, and by what else is assumed, as of
    `fit_votes`."""
    people = votes.part(~rules.which[votes.source])
    base = rules.evidence(votes) + (0.0 if log_probs is None else log_probs)
    if not len(people):
        return softmax(base)
    even = EVEN * votes.rows / votes.classes
    shares = fit.posterior.sum(0) + even
    if log_probs is not None:
        shares = shares / (np.exp(log_probs).sum(0) + even)
    said = _worth(people, dependence) * log_likelihood(people, fit.matrices)
    return softmax(trust * said + np.log(shares) + base)


def _worth(people: Votes, dependence: float) -> np.ndarray:
    """[N, 1], what one of the n votes of a row counts for."""
    return 1 / (1 + np.maximum(np.bincount(people.row, people.weight, people.rows) - 1, 0) * dependence)[:, None]


def normalised_logs(logs: np.ndarray) -> np.ndarray:
    """float64 [N, C], log of the distributions that are proportional to exp(logs)."""
    return np.log(np.maximum(softmax(logs), 1e-300))


def _with_rules(matrices: np.ndarray, rules: Rules) -> np.ndarray:
    matrices[rules.which] = rules.rates
    return matrices

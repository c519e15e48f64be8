"""The true classes and every source's noise that together explain the votes: q(c) ∝ p(c) · Π_j T_j[c, y_j]^w.

The product takes the votes on a row for independent, given its class. They are not: what is hard to one is hard to
all, and five people who say the same of a hard row are not five witnesses. With an intraclass correlation ρ of their
errors, n votes are worth n / (1 + (n - 1) ρ) (Kish's design effect), so that each has the weight
w = 1 / (1 + (n - 1) ρ). A row's only vote counts in full, but where hardly any row has two: nothing then checks the
classifier, which learns people's errors, too, and the vote counts for half (`noise.estimation.half_trust` says why).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

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
# Of even matrices, rows of each class at most that are taken to be there beside those that are counted: a share of all
# rows would never vanish. Three people right on 80 %, one row of 25 in the second class: 3 % of the joined labels are
# wrong, and 5.0 % were told, the range holding the truth on 2 of 8 seeds; now 3.0 % on 7. Other matrices move the
# classes' shares as they like and need more (RTE, two labels a row: 76 % right; with 5 rows, 69).
FEW_ROWS = 5.0
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
        logs = log_likelihood(of_rules, matrices)
        return logs + silences(of_rules, matrices, self.which) if self.silence else logs


@dataclass(frozen=True)
class VotesFit:
    """What explains the votes.

    Attributes:
        posterior: float64 [N, C], q.
        matrices: float64 [J, C, C], T_j; the rows of a rule's sum to less than 1, the rest is its silence.
        even: whether the matrices are even ones (`Shrinkage.even`).
    """

    posterior: np.ndarray
    matrices: np.ndarray
    even: bool = False


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
    known = _Known.of(votes, rules, log_probs, dependence, shrinkage.even)
    people, plain = known.people, log_probs is None and not rules.which.any()
    if not len(people):
        return VotesFit(softmax(known.base), _with_rules(np.zeros((len(rules.which), *(2 * [votes.classes]))), rules))
    counts = (
        counted(people, people.majority) if plain else counted_by_others(people, normalised_logs(known.base), ODDS)
    )
    # A dependence within the rounds would make a rare class rarer in each, until it is gone.
    counting = replace(known, worth=np.ones_like(known.worth)) if shrinkage.even and plain else known
    matrices, before = shrunk_matrices(counts, shrinkage), None
    for _ in range(1, rounds):
        before = counting.posterior(matrices, before, 1.0)
        matrices = shrunk_matrices(counted(people, before, matrices), shrinkage)
    posterior = known.posterior(matrices, before, trust)
    return VotesFit(posterior, _with_rules(matrices, rules), shrinkage.even)


def posterior_under(
    votes: Votes, rules: Rules, fit: VotesFit, log_probs: np.ndarray | None, dependence: float, trust: float = 1.0
) -> np.ndarray:
    """float64 [N, C], q by the matrices and the classes' shares of a fit, and by what else is assumed, as of
    `fit_votes`."""
    known = _Known.of(votes, rules, log_probs, dependence, fit.even)
    return known.posterior(fit.matrices, fit.posterior, trust) if len(known.people) else softmax(known.base)


def explained(votes: Votes, fit: VotesFit) -> float:
    """The log-likelihood of all votes, in nats, by the matrices and the classes' shares of a fit."""
    from scipy.special import logsumexp

    shares = fit.posterior.sum(0) + _even(votes, fit.even)
    return float(logsumexp(log_likelihood(votes, fit.matrices) + np.log(shares / shares.sum()), axis=1).sum())


@dataclass(frozen=True)
class _Known:
    """What is known of the rows' classes beside the sources' matrices.

    Attributes:
        people: the votes of all sources but rules.
        base: [N, C] or 0, log P(what rules and the classifier say | class).
        worth: [N, 1], what one of the n votes of a row counts for.
        before: [C] or 1, the classes' shares in all rows by the classifier.
        even: rows of each class that are added to what is counted of its share.
    """

    people: Votes
    base: np.ndarray
    worth: np.ndarray
    before: np.ndarray | float
    even: float

    @classmethod
    def of(cls, votes: Votes, rules: Rules, log_probs: np.ndarray | None, dependence: float, even: bool) -> _Known:
        people, base = votes.part(~rules.which[votes.source]), rules.evidence(votes)
        said = np.maximum(np.bincount(people.row, people.weight, people.rows) - 1, 0)
        worth = 1 / (1 + said * dependence)[:, None]
        if log_probs is None:
            return cls(people, base, worth, 1.0, _even(votes, even))
        rows = _even(votes, even)
        return cls(people, base + log_probs, worth, np.exp(log_probs).sum(0) + rows, rows)

    def posterior(self, matrices: np.ndarray, before: np.ndarray | None, trust: float) -> np.ndarray:
        """float64 [N, C], q by matrices [J, C, C] and the classes' shares in an earlier belief [N, C]; None: by no
        shares."""
        prior = 0.0 if before is None else np.log((before.sum(0) + self.even) / self.before)
        return softmax(trust * (self.worth * log_likelihood(self.people, matrices)) + prior + self.base)


def _even(votes: Votes, even: bool) -> float:
    """How many rows of each class are taken to be there beside those that are counted."""
    return min(EVEN * votes.rows / votes.classes, FEW_ROWS) if even else EVEN * votes.rows / votes.classes


def normalised_logs(logs: np.ndarray) -> np.ndarray:
    """float64 [N, C], log of the distributions that are proportional to exp(logs)."""
    return np.log(np.maximum(softmax(logs), 1e-300))


def _with_rules(matrices: np.ndarray, rules: Rules) -> np.ndarray:
    matrices[rules.which] = rules.rates
    return matrices

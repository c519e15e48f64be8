"""The true classes by votes and by a classifier that is blind to a row's votes, each heard as far as it foretells.

Rounds of: a classifier learns the belief q of the rows of other folds; its power a, p^a, how far sources differ and
how far their errors go together (`fit`) are chosen by the likelihood of held-out votes (`power_of`); q anew. The power
0, which leaves the classifier out, is one to choose from, and kept unless the gain can be told from none: where texts
say nothing, nothing is lost.

With one source that gave every row a label this is what `fit_noise` and `fit_shares` make of it, to the bit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from clc_text.data.sampling import every_nth
from clc_text.data.votes import Votes
from clc_text.noise.estimation.noise_fit import fit_noise, fit_shares, posterior_labels
from clc_text.noise.votes.alike import weights_of_alike
from clc_text.noise.votes.fit import LOOSE, TIGHT, Rules, VotesFit, explained, fit_votes, normalised_logs
from clc_text.noise.votes.held_out import held_out_likelihood
from clc_text.noise.votes.matrices import (
    Shrinkage,
    agreement,
    check_sources,
    counted,
    right_by_pairs,
    shrunk_matrices,
)
from clc_text.noise.votes.one_class import constant_sources
from clc_text.noise.votes.wrong import DEPENDENCES, mostly_pairs, wrong_labels

POWERS = (1.0, 2.0, 4.0)
BETWEEN = Shrinkage(8.0, 4.0)
# Tight where it foretells more than this above `BETWEEN`, in nats a vote; else loose. Held-out votes alone would
# choose too much shrinkage where all have many votes: what foretells single votes is not what finds the class.
MARGIN = 0.01
# The shares of the classes by the votes alone may be so far (in total variation) from those of the votes. A fit that
# moves them further has given a rare class the rows on which others are contradicted, which explains few votes a row
# as well: of three people who are right on 85 to 93 % of rows, one of 20 in the rare class, it got 20 % wrong where
# the majority got 9 % (a slip of the pen that is a class of its own is such a class).
MOVED = 0.15
# Even matrices move them less than this share of that, or they explain no better: two labels a row of a crowd that is
# right on 73 % and says "no" to half of the entailments moved them by 16 points one way, and by 12 the other with even
# matrices, under which 52 to 63 % of the rows were right where 76 to 80 were (RTE, 3 of 22 draws from 100).
LESS = 0.5
# Matrices have C (C - 1) - 1 numbers a source more than even ones, and explain the votes that they are fitted to
# better by half a nat for each that is not needed. Even ones are taken where the others explain these better by less
# than this for each, or than `FEWEST`, and other votes not by `ERRORS`: of three people, right on 80 % of either
# class, with one row of 25 in the second, they gave it nearly half of the rows (11 nats better; 48 % of the rows were
# right, by even matrices 98, by the majority 88). Labels of a crowd that says "no" too often are explained better by
# 170 nats and more (RTE), of images by 260 (1,000 rows, CIFAR-10N).
NEEDED = 0.75  # nats
LITTLE = 0.1  # of dependence, that may be found by even matrices and votes alone
FEWEST = 20.0  # nats
ERRORS = 2.0  # standard errors that a classifier must gain by, and that one heard further may be behind by
# Where hardly any row has two votes, nothing but the classifier checks a vote, and what it foretells may be the votes'
# errors as well as the classes. It must then foretell much (measured: 0.3 nats a vote where it is right, 0.04 where
# texts tell how people err).
UNCHECKED = 0.1
# The votes' power then, if the classifier is heard: with one vote a row of CIFAR-10N 90.0 % of the likeliest classes
# are right where 83.7 are with whole trust, of book reviews 96.2 where 96.5 are (draws 200 to 202).
UNCHECKED_TRUST = 0.5
# Votes for the pool that are more than anybody's own: of two sources nothing is seen but how often they agree, and
# which of them is the better one would be a guess for all rows on which they do not.
ALL = 1e9
CHECKED_ROWS = 100  # with two votes: fewer do not tell how far sources differ
SURE = 50.0  # nats for the class of a row that is known
_ROUNDING = 1e-6  # of a row's votes, whose weights add up to one
CHOICE_ROWS = 20_000  # what is chosen is chosen by every n-th row of more

HeldOut = Callable[[np.ndarray, int], np.ndarray]
"""Gives float64 [N, C], log-probabilities of every row by a classifier that learnt the beliefs [N, C] of other rows
alone, copies of the row not among them; the second argument is the number of the round, from 0."""


@dataclass(frozen=True)
class FittedVotes:
    """The true classes, and what the sources' votes are worth.

    Attributes:
        posterior: float64 [N, C], q.
        matrices: float64 [J, C, C], T_j (see `VotesFit`).
        log_probs: float64 [N, C], what the classifier said last; None without one.
        facts: plain values: ``power`` of the classifier (0: it is not heard), ``likeliest`` (power, see `power_of`),
            ``dependence`` (ρ of `fit_votes`), ``gain`` of held-out votes by the classifier in nats a vote and
            ``gain_error``, ``shrinkage``, ``rules`` (the number of sources of one class), ``checked`` (whether enough
            rows have two votes), ``trust`` (the votes' power, where a classifier is heard), ``alike`` (of sources that
            repeat others), ``wrong`` (shares of the likeliest classes that are wrong: the least, what q says, and
            the most; `wrong_labels`).
    """

    posterior: np.ndarray
    matrices: np.ndarray
    log_probs: np.ndarray | None
    facts: dict[str, Any]


def cross_fit_votes(
    votes: Votes, held_out: HeldOut | None, seed: int = 0, rounds: int = 2, silence: bool = False
) -> FittedVotes:
    """See the module.

    Args:
        held_out: the classifier; None: votes alone.
        silence: whether it counts that a source of one class says nothing.

    Raises:
        InputError: there are too many sources.
    """
    check_sources(votes)
    labels = votes.one_each()
    if labels is not None:
        return _one_label(votes, labels, held_out)
    rules = Rules.of(votes, silence)
    weights, constant, said = weights_of_alike(votes, rules.which), constant_sources(votes, rules.which), votes
    votes = votes.part(~constant[votes.source]).weighed(weights)
    some = np.arange(votes.rows)[every_nth(votes.rows, CHOICE_ROWS)]
    few = votes.of_rows(some)
    shrinkage, checked = _shrinkage(few, rules, seed)
    tried = _Tried(few, rules, shrinkage, seed)
    if checked and not rules.which.any():
        tried = _evened(tried)
    shrinkage = tried.shrinkage
    alone = tried.dependence_alone() if checked and not rules.which.all() else 0.0
    dependences = DEPENDENCES if checked and not rules.which.all() else (alone,)
    by_votes = fit = _alone(votes, rules, shrinkage, alone, checked)
    facts: dict[str, Any] = {"power": 0.0, "gain": 0.0, "gain_error": 0.0, "dependence": alone, "checked": checked}
    log_probs = heard = None
    if held_out is not None:
        for number in range(rounds):
            log_probs = held_out(fit.posterior, number)
            if misnames(votes, log_probs):
                heard = None
                facts |= {"power": 0.0, "dependence": alone, "misnamed": True}
                fit = by_votes
                break
            facts |= power_of(tried, few, alone, log_probs[some], dependences, 0.0 if checked else UNCHECKED)
            heard = normalised_logs(facts["power"] * log_probs) if facts["power"] else None
            fit = by_votes
            if heard is not None:
                trust = facts["trust"] = 1.0 if checked or rules.which.any() else UNCHECKED_TRUST
                fit = fit_votes(votes, rules, heard, shrinkage, dependence=facts["dependence"], trust=trust)
    likelihood = tried(
        facts["dependence"], facts["power"], None if heard is None or log_probs is None else log_probs[some]
    )
    facts |= _foretold(few, likelihood)
    facts["wrong"] = wrong_labels(
        tried.votes, rules, _of_some(fit, some), _of_some(by_votes, some), shrinkage, facts,
        None if heard is None or log_probs is None else log_probs[some], votes.rows,
    )  # fmt: skip
    facts |= {"shrinkage": list(shrinkage), "rules": int(rules.which.sum()), "alike": int((weights < 1).sum())}
    return FittedVotes(fit.posterior, _of_all(fit, said, constant).matrices, log_probs, facts)


def joined_again(
    votes: Votes, fitted: FittedVotes, known: tuple[np.ndarray, np.ndarray] | None = None, silence: bool = False
) -> VotesFit:
    """The belief by some votes, all else as it was chosen and learnt for `fitted`.

    Args:
        known: rows and their true classes, int64 [n] each, which the sources are then judged by, too.
    """
    log_probs, facts = fitted.log_probs, fitted.facts
    labels = votes.one_each()
    if labels is not None:
        heard_once = None if log_probs is None else lambda belief, number: log_probs
        once = _one_label(votes, labels, heard_once)
        return VotesFit(once.posterior, once.matrices)
    rules = Rules.of(votes, silence)
    constant, said = constant_sources(votes, rules.which), votes
    votes = votes.part(~constant[votes.source]).weighed(weights_of_alike(votes, rules.which))
    shrinkage = Shrinkage(*facts["shrinkage"])
    power = facts["power"] if log_probs is not None else 0.0
    if not power and known is None:
        return _of_all(_alone(votes, rules, shrinkage, facts["dependence"], facts["checked"]), said, constant)
    heard = power * log_probs if power and log_probs is not None else np.zeros((votes.rows, votes.classes))
    if known is not None:
        heard = heard.copy()
        heard[known] += SURE
    trust = facts.get("trust", 1.0) if power else 1.0
    fit = fit_votes(votes, rules, normalised_logs(heard), shrinkage, dependence=facts["dependence"], trust=trust)
    return _of_all(fit, said, constant)


def _of_all(fit: VotesFit, votes: Votes, constant: np.ndarray) -> VotesFit:
    """The fit with the matrices of the sources `constant` [J], which were not heard, by all votes."""
    if constant.any():
        fit.matrices[constant] = shrunk_matrices(counted(votes, fit.posterior), LOOSE)[constant]
    return fit


def misnames(votes: Votes, log_probs: np.ndarray) -> bool:
    """Whether a classifier calls most classes by another's name, so that it agrees with the votes once it is renamed.

    Votes are as likely under any names of the true classes, and a sure classifier would force its own. It has learnt
    them from other folds alone, which may lack a class: copies are in one fold.
    """
    from scipy.optimize import linear_sum_assignment

    said = np.zeros((votes.classes, votes.classes))
    np.add.at(said, log_probs.argmax(1), votes.majority)
    renamed = said[linear_sum_assignment(-said)].sum()
    return bool(np.trace(said) < renamed / 2)


def _one_label(votes: Votes, labels: np.ndarray, held_out: HeldOut | None) -> FittedVotes:
    """One label a row: without a classifier nothing contradicts it."""
    if held_out is None:
        nothing = {"power": 0.0, "gain": 0.0, "gain_error": 0.0}
        return FittedVotes(votes.majority, np.eye(votes.classes)[None], None, nothing)
    log_probs = held_out(votes.majority, 0)
    fit = fit_shares(fit_noise(log_probs, labels), labels)
    posterior = posterior_labels(fit.probs, labels, fit.transition)
    likely = (fit.probs * fit.transition.T[labels]).sum(1)
    told = _foretold(votes, np.log(np.maximum(likely, 1e-12)))
    facts = {"power": fit.sharpness, "gain": told["foretold"], "gain_error": told["foretold_error"]} | told
    return FittedVotes(posterior, fit.transition[None], log_probs, facts)


def _shrinkage(votes: Votes, rules: Rules, seed: int) -> tuple[Shrinkage, bool]:
    """How far sources are drawn towards each other, by the votes on rows that have another; and whether these check
    them: there are enough, and they agree more often than by guessing.

    A copy, whose weight is a part of a vote's (`weights_of_alike`), is no other.
    """
    checked = (np.bincount(votes.row, votes.weight, votes.rows) > 1 + _ROUNDING)[votes.row]
    rows = len(np.unique(votes.row[checked]))
    if rows < CHECKED_ROWS:
        return TIGHT, False
    if rules.which.all():
        return TIGHT, True
    by_chance = 1 / votes.classes
    if not rules.which.any() and agreement(votes) - by_chance <= ERRORS * (by_chance * (1 - by_chance) / rows) ** 0.5:
        return TIGHT, False
    tight, between = (
        held_out_likelihood(votes, rules, None, one, seed)[checked].sum() / votes.weight[checked].sum()
        for one in (TIGHT, BETWEEN)
    )
    return (TIGHT if tight - between > MARGIN else LOOSE), True


def _evened(tried: _Tried) -> _Tried:
    """The same with even matrices (`Shrinkage.even`), where others explain hardly more, or move the classes' shares
    too far and these less; but not where they foretell held-out votes clearly better."""
    votes = tried.votes
    even = _Tried(votes, tried.rules, tried.shrinkage._replace(even=True), tried.seed)
    said = votes.counts.sum(0) / max(votes.weight.sum(), 1e-9)
    fits = [fit_votes(votes, one.rules, None, one.shrinkage) for one in (tried, even)]
    moved, less = (float(np.abs(fit.posterior.mean(0) - said).sum() / 2) for fit in fits)
    more = explained(votes, fits[0]) - explained(votes, fits[1])
    asked = max(FEWEST, NEEDED * len(votes.sources) * (votes.classes * (votes.classes - 1) - 1))
    if more >= asked and not (moved > MOVED and less < LESS * moved):
        return tried
    if less > 1 - right_by_pairs(votes):  # further than the pairs' agreement says that votes are wrong
        return tried
    ahead, error = _a_vote(votes, tried(0.0, 0.0, None) - even(0.0, 0.0, None))
    return tried if ahead > ERRORS * error else even


def _foretold(votes: Votes, likelihood: np.ndarray) -> dict[str, float]:
    shares = np.bincount(votes.label, votes.weight, votes.classes) + 1.0
    by_shares = votes.of_vote(votes.probs * (shares / shares.sum())[votes.label])
    gain, error = _a_vote(votes, likelihood - votes.weight * np.log(by_shares))
    return {"foretold": gain, "foretold_error": error}


def _a_vote(votes: Votes, gains: np.ndarray) -> tuple[float, float]:
    """The mean of gains [M] a vote, and its standard error, the votes on one row being one draw."""
    of_row = np.bincount(votes.row, gains, votes.rows)
    said = max(votes.weight.sum(), 1e-9)
    return float(of_row.sum() / said), float(np.sqrt(((of_row - of_row.mean()) ** 2).sum()) / said)


def _alone(votes: Votes, rules: Rules, shrinkage: Shrinkage, dependence: float, checked: bool) -> VotesFit:
    """Votes without a classifier; where hardly any row has two, nothing contradicts a vote.

    Two labels a row that people give are explained as well by even errors and a rarer class as by a class that is
    often missed, and rows on which they contradict each other are of the one class or of the other. Where even
    matrices are taken, the mean of both is believed.
    """
    if not (checked or rules.which.any()):
        return VotesFit(votes.majority, shrunk_matrices(counted(votes, votes.majority), shrinkage))
    two = np.count_nonzero(votes.per_source) == 2 and not rules.which.any()
    if two:
        shrinkage = shrinkage._replace(accuracy=ALL, row=ALL)
    fit = fit_votes(votes, rules, None, shrinkage, dependence=dependence)
    if not shrinkage.even or not mostly_pairs(votes):
        return fit
    if two:
        other = _named_exchanged(votes, fit.posterior)
    else:
        other = fit_votes(votes, rules, None, shrinkage._replace(even=False), dependence=dependence).posterior
    posterior = (fit.posterior + other) / 2
    return VotesFit(posterior, shrunk_matrices(counted(votes, posterior, fit.matrices), shrinkage), even=True)


def _named_exchanged(votes: Votes, belief: np.ndarray) -> np.ndarray:
    """[N, C], the belief, the classes of the two votes on a row having changed places where they are two; of
    distributions the surer one is believed more, and they stay."""
    exchanged = belief.copy()
    entries = np.bincount(votes.row, minlength=votes.rows)
    rows = np.flatnonzero(((votes.counts > 0).sum(1) == 2) & (votes.per_row == 2) & (entries == 2))
    named = np.argsort(-votes.counts[rows], 1, kind="stable")[:, :2]
    exchanged[rows[:, None], named] = belief[rows[:, None], named[:, ::-1]]
    return exchanged


def _of_some(fit: VotesFit, some: np.ndarray) -> VotesFit:
    return VotesFit(fit.posterior[some], fit.matrices, fit.even)


class _Tried:
    """How likely held-out votes are under what is to be chosen; what was tried is kept for one classifier."""

    def __init__(self, votes: Votes, rules: Rules, shrinkage: Shrinkage, seed: int) -> None:
        self.votes, self.rules, self.shrinkage, self.seed = votes, rules, shrinkage, seed
        self._kept: dict[tuple[float, float], np.ndarray] = {}
        self._of: np.ndarray | None = None

    def __call__(self, dependence: float, power: float, log_probs: np.ndarray | None) -> np.ndarray:
        """float64 [M], in nats; `log_probs` [N, C] are the classifier's, heard at `power`."""
        if power and log_probs is not self._of:
            self._kept = {key: value for key, value in self._kept.items() if key[1] == 0}
            self._of = log_probs
        likelihood = self._kept.get((dependence, power))
        if likelihood is None:
            heard = normalised_logs(power * log_probs) if power and log_probs is not None else None
            likelihood = held_out_likelihood(
                self.votes, self.rules, heard, self.shrinkage, self.seed, dependence=dependence
            )
            self._kept[dependence, power] = likelihood
        return likelihood

    def dependence_alone(self) -> float:
        """The likeliest one without a classifier, where it gains more than its error: else 0.

        Votes that foretell each other in nothing leave no class more probable than another, which is then no worse. By
        even matrices votes hardly foretell each other where a class is rare, and a great one would end the class.
        """
        tried = [one for one in DEPENDENCES if one <= (LITTLE if self.shrinkage.even else 1.0)]
        best = max(tried, key=lambda one: self(one, 0.0, None).sum())
        gain, error = _a_vote(self.votes, self(best, 0.0, None) - self(0.0, 0.0, None))
        return best if gain > error else 0.0


def power_of(
    likely: Callable[[float, float, np.ndarray | None], np.ndarray],
    votes: Votes,
    alone: float,
    log_probs: np.ndarray,
    dependences: Sequence[float],
    least: float,
) -> dict[str, Any]:
    """How far a classifier is heard: ``power``, and ``dependence`` with it; the power under which held-out votes are
    ``likeliest``, and what they gain by it, ``gain`` and ``gain_error`` in nats a vote.

    Votes that err together foretell each other as well as votes that are right, and a classifier that is half heard
    foretells common errors best. So the greatest power is taken under which held-out votes are not clearly less likely
    than at their best.

    Args:
        likely: gives float64 [M], the log-probability of each held-out vote by a dependence, a power (0: without the
            classifier) and the classifier.
        alone: the dependence without it.
        dependences: those to choose from with it.
        least: that it must gain.
    """
    tried = {(power, one): likely(one, power, log_probs) for power in POWERS for one in dependences}
    likeliest = max(tried, key=lambda pair: float(tried[pair].sum()))
    best = tried[likeliest]
    gain, error = _a_vote(votes, best - likely(alone, 0.0, None))
    facts = {"power": 0.0, "likeliest": likeliest[0], "dependence": alone, "gain": gain, "gain_error": error}
    if gain <= max(ERRORS * error, least):
        return facts
    behind = {pair: _a_vote(votes, best - one) for pair, one in tried.items()}
    power = max(power for (power, _), (mean, its_error) in behind.items() if mean <= ERRORS * its_error)
    dependence = max(dependences, key=lambda one: float(tried[power, one].sum()))
    return facts | {"power": power, "dependence": dependence}

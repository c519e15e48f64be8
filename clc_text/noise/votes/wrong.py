"""How many of the joined labels are wrong, as a range.

What q says of itself holds if the votes' errors go together as far as held-out votes say. But votes that agree
foretell each other whether they are right or not: what all err in alike they cannot tell, least of all where each of
many sources said little. So the range is that of several readings of the same evidence, from the least to the most:

* every vote an independent witness, and with `FEW` votes a row or fewer besides all sources right equally often on all
  classes, as often as the agreement of pairs says: two votes a row fit as well if all who contradict each other are of
  one class, and a class that is rare grows by it;
* where even matrices are taken for two votes a row, uneven ones besides, and for the most the other class on all rows
  that are contradicted: a rarer class and one that is often missed explain two votes equally well;
* q itself;
* errors that go together by one step more, and a classifier that is heard half as far as held-out votes are likeliest
  by, where one is;
* without a classifier: errors that go together by two steps more, and by `LEAST` at least, and sources that are drawn
  towards each other as far as is ever chosen: the few votes of a rare one say little of how good it is;
* where rows have so few, of which nobody can tell how far errors go together: all votes on a row for as much as one;
* with one: the wrong ones among the labels by votes alone, as it finds them that has seen none of them
  (`noise_fit.fit_noise`, as with one label a row). Hearing it leaves no more wrong than that;
* where sources are rules, what votes alone say of the labels: rules read texts as a classifier does, which has learnt
  their common errors with the classes, and no other witness is left (68 rules for TREC: 32 % are wrong, and by the
  readings that hear it at most 20).

Rows are counted, so that the chance of counting fewer or more belongs to the range, too, which ends where guessing
would.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from clc_text.data.votes import Votes
from clc_text.noise.estimation.noise_fit import fit_noise, fit_shares, posterior_labels
from clc_text.noise.votes.fit import TIGHT, Rules, VotesFit, fit_votes, normalised_logs, posterior_under
from clc_text.noise.votes.matrices import Shrinkage, counted, even_matrices, right_by_pairs, shrunk_matrices

DEPENDENCES = (0.0, 0.05, 0.1, 0.25, 0.5, 1.0)  # of which one is chosen
LEAST = 0.5
FEW = 3.0
PAIRS = 2.1  # votes a row; with more on some rows these tell
CHANCE = 0.05  # of fewer wrong rows, or more, than the ends of the range


def wrong_labels(
    votes: Votes,
    rules: Rules,
    fit: VotesFit,
    by_votes: VotesFit,
    shrinkage: Shrinkage,
    facts: dict[str, Any],
    log_probs: np.ndarray | None,
    rows: int,
) -> list[float]:
    """The least, what is expected, and the most: shares of the likeliest classes of `fit` that are wrong.

    Args:
        votes: of N rows, all or every n-th.
        fit: of these rows, with all that is heard.
        by_votes: of these rows, without a classifier.
        facts: ``power``, ``likeliest``, ``dependence``, ``checked`` and ``trust``, see `FittedVotes`.
        log_probs: [N, C], of the classifier; None: it is not heard.
        rows: how many labels there are in all.
    """
    labels = fit.posterior.argmax(1)
    middle = _wrong(fit.posterior, labels)
    people = facts["checked"] and not rules.which.all()
    heard = None if log_probs is None else normalised_logs(facts["power"] * log_probs)
    least, most = [middle], [middle]
    few = people and float(votes.per_row[votes.per_row > 1].mean()) <= FEW
    alike = VotesFit(votes.majority, _alike(votes), shrinkage.even) if few else None
    if people:
        alone = fit_votes(votes, rules, heard, shrinkage, dependence=0.0)
        least.append(_wrong(alone.posterior, labels))
    if alike is not None:
        least.append(_wrong(posterior_under(votes, rules, alike, heard, 0.0), labels))
    if people and shrinkage.even and mostly_pairs(votes):
        uneven = fit_votes(votes, rules, heard, shrinkage._replace(even=False))
        least.append(_wrong(uneven.posterior, labels))
        if log_probs is None:
            contradicted = (votes.likeliest.counts > 0).sum(1) > 1  # and of all these the other class may be right
            most.append(_wrong(np.where(contradicted[:, None], 0.0, fit.posterior), labels))
    if log_probs is not None:
        half, trust = normalised_logs(facts["likeliest"] / 2 * log_probs), facts.get("trust", 1.0)
        further = _further(facts["dependence"]) if people else facts["dependence"]
        most.append(_wrong(posterior_under(votes, rules, fit, half, further, trust), labels))
        most.append(_by_classifier(log_probs, by_votes.posterior.argmax(1)))
        if rules.which.any():
            most.append(_wrong(by_votes.posterior, labels))
    elif people:
        further = 1.0 if few else max(_further(_further(facts["dependence"])), LEAST)
        tight = shrunk_matrices(counted(votes, fit.posterior, fit.matrices), TIGHT)
        tight[rules.which] = fit.matrices[rules.which]
        fits = [fit, VotesFit(fit.posterior, tight, fit.even)]
        fits += [] if alike is None else [alike]
        most += [_wrong(posterior_under(votes, rules, one, None, further), labels) for one in fits]
    elif not rules.which.any():  # nothing contradicts a vote, and nothing is known
        most.append(1 - 1 / votes.classes)
    low, high = _counted(min(least), CHANCE, rows), _counted(max(most), 1 - CHANCE, rows)
    high = min(high, max(*most, 1 - 1 / votes.classes))
    return [min(low, middle), middle, max(high, middle)]


def mostly_pairs(votes: Votes) -> bool:
    """Whether rows with several votes have two, as a rule."""
    several = votes.per_row[votes.per_row > 1]
    return len(several) > 0 and float(several.mean()) < PAIRS


def _further(dependence: float) -> float:
    return DEPENDENCES[min(DEPENDENCES.index(dependence) + 1, len(DEPENDENCES) - 1)]


def _alike(votes: Votes) -> np.ndarray:
    """[J, C, C], of sources that are right as often as `right_by_pairs` says."""
    return even_matrices(np.full(len(votes.sources), right_by_pairs(votes)), votes.classes)


def _wrong(belief: np.ndarray, labels: np.ndarray) -> float:
    return float(1 - belief[np.arange(len(labels)), labels].mean())


def _by_classifier(log_probs: np.ndarray, labels: np.ndarray) -> float:
    """The share of wrong labels by a classifier that has seen none of them."""
    fitted = fit_shares(fit_noise(log_probs, labels), labels)
    return _wrong(posterior_labels(fitted.probs, labels, fitted.transition), labels)


def _counted(share: float, chance: float, rows: int) -> float:
    """That share of the rows which is reached with a probability, rows being wrong one by one (Poisson)."""
    from scipy.stats import poisson

    return min(float(poisson.ppf(chance, share * rows)) / rows, 1.0)

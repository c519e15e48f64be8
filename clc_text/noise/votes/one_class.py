"""Sources that say one class or nothing: rules, labelling functions, keyword lists.

What such a source says is known beforehand; what it tells is that it speaks at all. T_j[c, k] = P(j says k | c) is
then the rate at which it fires on class c, and the rest of the row is silence.

The rates are not learnt from votes. Rules of one class resemble each other more than they resemble the truth, so that
expectation-maximisation takes the class of the broadest rule for that of nearly all rows (measured: right labels of
weak TREC fall from 57 % to 50 % and below). They follow from how often a rule fires and from the classes' shares: a
rule that fires on six rows of ten cannot be right about a class that has two of ten.
"""

from __future__ import annotations

import numpy as np

from clc_text.data.votes import Votes

RIGHT = 0.8  # of the rows where a rule fires, so many are taken for its class, where the class has so many
MOST = 0.9  # of a class's rows, at most so many are taken to be found by one rule
CHANCE = 1e-6  # a source that says one class alone, by less than this chance, is one that has no other
_LEAST_VOTES = 20


def one_class_sources(votes: Votes) -> np.ndarray:
    """bool [J], the sources that only ever say one class.

    A person with three votes may have seen three rows of one class: at least one source must have said its class more
    often than chance allows. Then every source of one class counts as such, if more than half of all votes are theirs.

    Beside people who say more than that, no source counts as such (`constant_sources`): someone who calls half of all
    rows by one class whatever they are is no rule that is mostly right (of two people right on 80 % and one such, 39 %
    of the joined labels were).
    """
    alone, sure, total = _of_one_class(votes)
    lead = total[alone].sum() > total.sum() / 2
    return alone if (sure.any() and lead and votes.classes > 1) else np.zeros(len(alone), bool)


def constant_sources(votes: Votes, rules: np.ndarray) -> np.ndarray:
    """bool [J], sources that have no other class, beside people who have: none where rules lead, who are then heard
    as such (`one_class_sources`, bool [J]).

    What such a source says tells nothing of a row, and that it speaks at all is not heard, since its rate cannot be
    known beforehand. Even matrices cannot be its own, and would be refused for its sake (of three people right on 85
    to 90 %, one row of ten in the second class, and a rule for that: 88 % of the joined labels were right, 96 without
    the rule).
    """
    _, sure, _ = _of_one_class(votes)
    return np.zeros(len(sure), bool) if rules.any() else sure


def _of_one_class(votes: Votes) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """bool [J], who said one class alone, and by less than chance; float64 [J], how often each spoke."""
    sources, classes = len(votes.sources), votes.classes
    said = np.bincount(votes.source * classes + votes.label, votes.weight, sources * classes)
    said = said.reshape(sources, classes)
    total = said.sum(1)
    alone = (total > 0) & (said.max(1) == total)
    share = said.sum(0) / max(said.sum(), 1e-9)
    chance = total * np.log(np.clip(share[said.argmax(1)], 1e-12, 1.0))
    return alone, alone & (total >= _LEAST_VOTES) & (chance < np.log(CHANCE)), total


def rules_in_words(rules: int, sources: int) -> str:
    """What nobody can tell of labels by so many rules among the sources."""
    return (
        f"{rules:,} of {sources:,} sources say one class or nothing, as rules do; rules err alike where they read "
        "texts alike, which nothing here contradicts, so that the share of wrong labels is less sure than by people"
    )


def firing_rates(votes: Votes, which: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """float64 [J', C, C], T of the sources `which` [J]: in the column of its class, how often each fires on a class.

    Args:
        shares: [C], of the true classes.
    """
    classes = votes.classes
    said = np.bincount(votes.source * classes + votes.label, votes.weight, len(which) * classes)
    said = said.reshape(-1, classes)[which]
    own, fires = said.argmax(1), (said.sum(1) + 0.5) / (votes.rows + 1)
    on_own = np.minimum(MOST, fires * RIGHT / shares[own])
    elsewhere = np.maximum(fires - shares[own] * on_own, 1e-9) / np.maximum(1 - shares[own], 1e-9)
    rates = np.repeat(np.minimum(elsewhere, 1.0)[:, None], classes, axis=1)
    each = np.arange(len(own))
    rates[each, own] = on_own
    matrices = np.zeros((len(own), classes, classes))
    matrices[each, :, own] = rates
    return matrices


def silences(votes: Votes, matrices: np.ndarray, which: np.ndarray) -> np.ndarray:
    """float64 [N, C], log P(the sources `which` [J] say nothing where they say nothing | class)."""
    quiet = np.log(np.maximum(1 - matrices.sum(2), 1e-3)) * which[:, None]  # [J, C]
    logs = np.tile(quiet.sum(0), (votes.rows, 1))
    for true in range(votes.classes):
        spoken = votes.weight * quiet[votes.source, true]
        logs[:, true] -= np.bincount(votes.row, spoken, votes.rows)
    return logs

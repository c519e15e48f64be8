"""Wrong votes on trial: what is swapped, and what is counted."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from drawn_votes import drawn_votes

from clc_text.data.votes import Votes
from clc_text.noise.votes.cross_fit import FittedVotes, cross_fit_votes, joined_again
from clc_text.noise.votes.planted import planted_votes


def again(found: FittedVotes, others: Votes) -> np.ndarray:
    return joined_again(others, found).posterior


def test_one_vote_a_row_is_swapped() -> None:
    votes = drawn_votes(200, [0.9, 0.8, 0.7], 3, 0.8).votes
    seen: list[Votes] = []

    def join(others: Votes) -> np.ndarray:
        seen.append(others)
        return others.majority

    trial = planted_votes(votes, votes.majority, join, 0.1, 3)
    assert trial is not None and len(seen) == 1
    swapped = np.flatnonzero(seen[0].label != votes.label)
    rows = votes.row[swapped]
    assert trial.planted == len(swapped) == len(np.unique(rows)) <= 20
    after, label = seen[0].majority, seen[0].label[swapped]
    assert trial.doubted == (after[rows, label] < 0.5).sum()
    assert trial.stood == (after[rows].argmax(1) == votes.majority[rows].argmax(1)).sum()
    assert planted_votes(votes, votes.majority, join, 0.1, 3) == trial


def test_many_good_sources_see_it_and_one_alone_does_not() -> None:
    for sources, least, most in ((5, 0.7, 1.0), (1, 0.0, 0.0)):
        votes = drawn_votes(400, [0.9] * sources, 2, 1.0).votes
        found = cross_fit_votes(votes, None)
        trial = planted_votes(votes, found.posterior, partial(again, found), 0.1, 0)
        assert trial is not None and least <= trial.doubted / trial.planted <= most
        assert least <= trial.stood / trial.planted <= most


def test_the_same_votes_are_joined_to_the_same_belief() -> None:
    drawn = drawn_votes(500, [0.75, 0.7, 0.65, 0.8], 3, 0.6, sureness=3.0)
    for held_out in (None, lambda belief, number: drawn.log_probs):
        found = cross_fit_votes(drawn.votes, held_out)
        assert again(found, drawn.votes) == pytest.approx(found.posterior)


def test_sources_are_judged_by_what_is_known() -> None:
    """Two sources that contradict each other: only known rows tell which of them is right."""
    random = np.random.default_rng(0)
    true = random.integers(0, 2, 400)
    said = np.stack([np.where(random.random(400) < right, true, 1 - true) for right in (0.9, 0.5, 0.5)], 1)
    votes = Votes.of_table(said, 2)
    found = cross_fit_votes(votes, None)
    rows = np.arange(0, 400, 4)
    fit = joined_again(votes, found, (rows, true[rows]))
    assert (fit.posterior[rows, true[rows]] > 0.999).all()
    others = np.arange(400) % 4 > 0
    before, after = ((belief.argmax(1) == true)[others].mean() for belief in (found.posterior, fit.posterior))
    accuracy = np.einsum("jcc->j", fit.matrices)
    assert after >= before and accuracy[0] > accuracy[1:].max() + 0.2


def test_rules_of_one_class_could_not_have_said_another() -> None:
    rows = np.repeat(np.arange(100), 2)
    label = rows % 2
    votes = Votes.of(rows, 2 * label + np.tile([0, 1], 100), label, 100, list("abcd"), 2)
    assert planted_votes(votes, votes.majority, lambda others: others.majority, 0.1, 0) is None

"""Sources that repeat others."""

from __future__ import annotations

import numpy as np
import pytest
from drawn_votes import drawn_votes

from clc_text.data.votes import Votes
from clc_text.noise.votes.alike import MOST_SOURCES, weights_of_alike
from clc_text.noise.votes.cross_fit import cross_fit_votes

NO_RULES = np.zeros(6, bool)


def table_of(votes: Votes) -> np.ndarray:
    found = np.full((votes.rows, len(votes.sources)), -1)
    found[votes.row, votes.source] = votes.label
    return found


def test_independent_sources_are_not_alike() -> None:
    votes = drawn_votes(500, [0.8, 0.7, 0.8, 0.7, 0.75], 3, 1.0).votes
    assert weights_of_alike(votes, NO_RULES[:5]).tolist() == [1.0] * 5


def test_a_copy_of_a_source_counts_as_half() -> None:
    table = table_of(drawn_votes(500, [0.8, 0.7, 0.8, 0.7, 0.75], 3, 1.0).votes)
    votes = Votes.of_table(np.concatenate([table, table[:, :1]], 1), 3)
    assert weights_of_alike(votes, NO_RULES).tolist() == [0.5, 1, 1, 1, 1, 0.5]


def test_rules_that_fire_together() -> None:
    fires = np.random.default_rng(0).random((300, 2)) < 0.3
    table = np.where(np.stack([fires[:, 0], fires[:, 0], fires[:, 1], fires[:, 0]], 1), [1, 1, 1, 0], -1)
    assert weights_of_alike(Votes.of_table(table, 2), np.ones(4, bool)).tolist() == [0.5, 0.5, 1, 1]


def test_of_very_many_sources_none_is_compared() -> None:
    table = np.tile(np.random.default_rng(0).integers(0, 2, (30, 1)), (1, MOST_SOURCES + 1))
    assert (weights_of_alike(Votes.of_table(table, 2), np.zeros(MOST_SOURCES + 1, bool)) == 1).all()


def test_a_column_that_is_there_twice_counts_once_however_few_its_errors_are() -> None:
    table = table_of(drawn_votes(300, [0.97, 0.98, 0.96], 2, 1.0).votes)
    twice = np.concatenate([table, table[:, 2:]], 1)
    assert weights_of_alike(Votes.of_table(twice, 2), NO_RULES[:4]).tolist() == [1, 1, 0.5, 0.5]
    twice[0, 3] = -1  # of other rows, and few errors: nothing tells
    assert weights_of_alike(Votes.of_table(twice, 2), NO_RULES[:4]).tolist() == [1] * 4
    few = np.concatenate([table, table[:, 2:]], 1)[:49]
    assert weights_of_alike(Votes.of_table(few, 2), NO_RULES[:4]).tolist() == [1] * 4


@pytest.mark.parametrize("right", [[0.97, 0.97, 0.8], [0.98, 0.98, 0.9], [0.95, 0.95, 0.6, 0.6, 0.6]])
@pytest.mark.parametrize("classes", [2, 4])
def test_two_who_are_good_repeat_nobody_though_they_contradict_the_others_together(
    right: list[float], classes: int
) -> None:
    drawn = drawn_votes(600, right, classes, 1.0)
    assert weights_of_alike(drawn.votes, NO_RULES[: len(right)]).tolist() == [1.0] * len(right)
    joined = cross_fit_votes(drawn.votes, None).posterior.argmax(1)
    assert (joined == drawn.true).mean() > right[0] - 0.03


def test_a_copy_with_slips_of_its_own_counts_as_half() -> None:
    table = table_of(drawn_votes(500, [0.8, 0.7, 0.8, 0.7, 0.75], 3, 1.0).votes)
    other = table[:, :1].copy()
    other[::25] = (other[::25] + 1) % 3
    votes = Votes.of_table(np.concatenate([table, other], 1), 3)
    assert weights_of_alike(votes, NO_RULES).tolist() == [0.5, 1, 1, 1, 1, 0.5]


def test_independent_distributions_repeat_nobody() -> None:
    random = np.random.default_rng(0)
    said = table_of(drawn_votes(400, [0.9, 0.8, 0.85], 2, 1.0).votes)
    sure = np.where(random.random(said.shape) < 0.5, 0.95, 0.65)
    soft = np.stack([np.where(said == 0, sure, 1 - sure), np.where(said == 1, sure, 1 - sure)], 2)
    assert weights_of_alike(Votes.of_table(soft, 2), NO_RULES[:3]).tolist() == [1.0] * 3

"""Sources that repeat others."""

from __future__ import annotations

import numpy as np
from drawn_votes import drawn_votes

from clc_text.data.votes import Votes
from clc_text.noise.votes.alike import MOST_SOURCES, weights_of_alike

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

"""Votes: what they hold, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from refusals import refused

from clc_text.data.votes import Votes
from clc_text.errors import InputError


def drawn_table(rows: int, sources: int, classes: int, present: float, seed: int = 0) -> np.ndarray:
    random = np.random.default_rng(seed)
    said = random.integers(0, classes, (rows, sources))
    return np.where(random.random((rows, sources)) < present, said, -1)


def test_a_table_and_its_lists_are_the_same() -> None:
    table = drawn_table(30, 5, 3, 0.4)
    whole = Votes.of_table(table, 3, list("abcde"))
    row, source = np.nonzero(table >= 0)
    order = np.random.default_rng(1).permutation(len(row))
    listed = Votes.of(row[order], source[order], table[row, source][order], 30, list("abcde"), 3)
    for name in ("row", "source", "label", "weight"):
        assert (getattr(whole, name) == getattr(listed, name)).all()
    assert whole.per_row.tolist() == (table >= 0).sum(1).tolist()
    assert whole.per_source.tolist() == (table >= 0).sum(0).tolist()


def test_majority_row_by_row() -> None:
    table = drawn_table(40, 4, 3, 0.5)
    found = Votes.of_table(table, 3).majority
    for row, said in enumerate(table):
        voted = said[said >= 0]
        expected = np.bincount(voted, minlength=3) / len(voted) if len(voted) else np.full(3, 1 / 3)
        assert found[row] == pytest.approx(expected)


def test_a_part_of_the_rows() -> None:
    table = drawn_table(20, 3, 2, 0.6)
    rows = np.arange(0, 20, 3)
    some, expected = Votes.of_table(table, 2).of_rows(rows), Votes.of_table(table[rows], 2)
    assert (some.row == expected.row).all() and (some.label == expected.label).all()
    assert some.rows == len(rows)


def test_votes_that_are_distributions() -> None:
    table = np.full((2, 2, 3), np.nan)
    table[0, 0], table[1, 1] = [0.7, 0.3, 0.0], [0.0, 1.0, 0.0]
    found = Votes.of_table(table, 3)
    assert found.counts.tolist() == [[0.7, 0.3, 0.0], [0.0, 1.0, 0.0]]
    assert found.per_row.tolist() == [1, 1] and found.per_source.tolist() == [1, 1]


def test_one_label_for_every_row() -> None:
    assert Votes.of_table(np.array([[1], [0], [1]]), 2).one_each() is not None
    assert Votes.of_table(np.array([[1], [-1], [1]]), 2).one_each() is None
    assert Votes.of_table(np.array([[1, -1], [-1, 0], [1, -1]]), 2).one_each() is None


@pytest.mark.parametrize(
    ("row", "source", "label", "told"),
    [
        ([0, 5], [0, 0], [0, 0], {"key": "row"}),
        ([0, 1], [0, 2], [0, 0], {"key": "source"}),
        ([0, 1], [0, 0], [0, 3], {"key": "label"}),
        ([1, 1], [0, 0], [0, 2], {"row": 1}),
        ([1], [0, 0], [0, 2], {"key": "votes"}),
    ],
)
def test_what_is_no_vote(row: list[int], source: list[int], label: list[int], told: dict[str, Any]) -> None:
    with refused(**told):
        Votes.of(np.array(row), np.array(source), np.array(label), 3, ["ann", "bob"], 3)


def test_tables_that_are_none() -> None:
    for table in (np.array([[-2, 0]]), np.array([[[0.5, 0.2]]]), np.array([[0.5, 0.5]])):
        with pytest.raises(InputError):
            Votes.of_table(table, 2)

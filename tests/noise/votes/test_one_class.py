"""Rules: sources that say one class or nothing."""

from __future__ import annotations

import math

import numpy as np
import pytest

from clc_text.data.votes import Votes
from clc_text.noise.votes.cross_fit import cross_fit_votes
from clc_text.noise.votes.fit import Rules, fit_votes
from clc_text.noise.votes.one_class import MOST, RIGHT, constant_sources, firing_rates, one_class_sources


def rules_table(rows: int = 600, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Said classes [N, 4] and true ones: two exact rules, one of two classes, one that fires on half of all rows."""
    random = np.random.default_rng(seed)
    true = random.integers(0, 3, rows)
    table = np.full((rows, 4), -1)
    for source, (own, rates) in enumerate(
        [(1, (0.02, 0.5, 0.02)), (2, (0.02, 0.02, 0.5)), (0, (0.3, 0.05, 0.05)), (0, (0.7, 0.5, 0.5))]
    ):
        fires = random.random(rows) < np.array(rates)[true]
        table[fires, source] = own
    return table, true


def test_rates_cell_by_cell() -> None:
    table, _ = rules_table()
    votes = Votes.of_table(table, 3)
    shares = np.array([0.5, 0.3, 0.2])
    found = firing_rates(votes, np.ones(4, bool), shares)
    for source in range(4):
        said = table[:, source][table[:, source] >= 0]
        own, fires = said[0], (len(said) + 0.5) / (len(table) + 1)
        on_own = min(MOST, fires * RIGHT / shares[own])
        for c in range(3):
            expected = on_own if c == own else (fires - shares[own] * on_own) / (1 - shares[own])
            assert found[source, c, own] == pytest.approx(expected)
            assert found[source, c].sum() == pytest.approx(expected)


def test_a_person_with_few_rows_is_no_rule() -> None:
    random = np.random.default_rng(1)
    table = random.integers(0, 2, (200, 3))
    table[5:, 2] = -1
    table[:5, 2] = 1
    assert not one_class_sources(Votes.of_table(table, 2)).any()
    assert one_class_sources(Votes.of_table(rules_table()[0], 3)).all()
    table[:, 1] = np.where(random.random(200) < 0.3, 1, -1)
    table[60:, 0] = -1
    votes = Votes.of_table(table, 2)
    rules = one_class_sources(votes)
    assert rules.tolist() == [False, True, True]
    assert not constant_sources(votes, rules).any(), "rules that lead are heard"


@pytest.mark.parametrize("own", [0, 1])
def test_someone_who_says_one_class_whatever_the_row_does_no_harm_among_people(own: int) -> None:
    random = np.random.default_rng(5)
    true = (random.random(600) < 0.6).astype(int)
    table = np.full((600, 4), -1)
    for source in range(3):
        table[:, source] = np.where(random.random(600) < 0.8, true, 1 - true)
    table[random.random(600) < 0.5, 3] = own
    votes = Votes.of_table(table, 2)
    assert constant_sources(votes, one_class_sources(votes)).tolist() == [False, False, False, True]
    right = (cross_fit_votes(Votes.of_table(table, 2), None).posterior.argmax(1) == true).mean()
    assert right >= (Votes.of_table(table[:, :3], 2).majority.argmax(1) == true).mean() - 0.01


@pytest.mark.parametrize("silence", [False, True])
def test_belief_against_loops(silence: bool) -> None:
    table, _ = rules_table(60)
    votes = Votes.of_table(table, 3)
    rules = Rules(np.ones(4, bool), firing_rates(votes, np.ones(4, bool), np.full(3, 1 / 3)), silence)
    found = fit_votes(votes, rules).posterior
    for row, said in enumerate(table):
        score = np.zeros(3)
        for source, own in enumerate(said):
            for c in range(3):
                rate = rules.rates[source, c].sum()
                if own >= 0:
                    score[c] += math.log(rate)
                elif silence:
                    score[c] += math.log(1 - rate)
        expected = np.exp(score) / np.exp(score).sum()
        assert found[row] == pytest.approx(expected)


def test_a_broad_rule_is_not_believed() -> None:
    """Class 0's second rule fires on half of all rows: by the majority, most rows would be of class 0."""
    table, true = rules_table()
    votes = Votes.of_table(table, 3)
    spoken = votes.per_row > 0
    found = fit_votes(votes, Rules.of(votes)).posterior
    right = (found.argmax(1) == true)[spoken].mean()
    assert right > (votes.majority.argmax(1) == true)[spoken].mean() + 0.02

"""The share of right labels by answers: unbiased, and its interval holds the truth."""

from __future__ import annotations

import numpy as np
import pytest

from clc_text.corrections.asking.asked import Asked
from clc_text.corrections.asking.draw import DOUBT, RANDOM, Purpose, draw
from clc_text.corrections.asking.shares import share_right

ROWS = 1_000


def population() -> tuple[np.ndarray, np.ndarray]:
    """Whether each label is right, and its doubt, which knows something of it."""
    random = np.random.default_rng(0)
    right = random.random(ROWS) < 0.7
    return right, np.where(right, 0.2, 0.8) + random.normal(0, 0.2, ROWS)


def asked_twice(purpose: Purpose, right: np.ndarray, doubt: np.ndarray, seed: int) -> dict[int, Asked]:
    """Two draws of 60, the second from what the first has left open."""
    asked: dict[int, Asked] = {}
    for step in (1, 3):
        rows = np.setdiff1d(np.arange(ROWS), list(asked))
        found = draw(purpose, 60, rows, doubt[:, None], doubt, f"{seed} {step}")
        for row, random, inclusion in zip(found.row.tolist(), found.random, found.inclusion, strict=True):
            asked[row] = Asked(RANDOM if random else DOUBT, float(inclusion), step, step + 1)
    return asked


@pytest.mark.parametrize("purpose", ["estimate", "both"])
def test_several_draws_of_both_kinds_give_the_share_of_all(purpose: Purpose) -> None:
    right, doubt = population()
    everywhere = np.ones(ROWS, bool)
    values, covered = [], 0
    for seed in range(300):
        asked = asked_twice(purpose, right, doubt, seed)
        rows = np.array(sorted(asked))
        share = share_right(right[rows], rows, asked, everywhere)
        assert share is not None
        values.append(share["value"])
        covered += share["low"] <= right.mean() <= share["high"]
    error = np.std(values) / np.sqrt(len(values))
    assert abs(np.mean(values) - right.mean()) < 4 * error + 0.002
    assert covered / 300 >= 0.9


def test_chosen_rows_counted_as_random_ones_would_be_far_off() -> None:
    right, doubt = population()
    asked = asked_twice("both", right, doubt, 0)
    rows = np.array(sorted(asked))
    assert abs(right[rows].mean() - right.mean()) > 0.1
    share = share_right(right[rows], rows, asked, np.ones(ROWS, bool))
    assert share is not None and abs(share["value"] - right.mean()) < 0.12


def test_without_a_random_answer_nothing_is_said() -> None:
    right, doubt = population()
    asked = asked_twice("fix", right, doubt, 0)
    rows = np.array(sorted(asked))
    everywhere = np.ones(ROWS, bool)
    assert share_right(right[rows], rows, asked, everywhere) is None
    assert share_right(right[rows], rows, {}, everywhere) is None


def test_all_rows_answered_leave_no_doubt() -> None:
    right, doubt = population()
    found = draw("estimate", ROWS, np.arange(ROWS), doubt[:, None], doubt, "x")
    asked = {row: Asked(RANDOM, 1.0, 1, 2) for row in found.row.tolist()}
    share = share_right(right[found.row], found.row, asked, np.ones(ROWS, bool))
    assert share is not None
    assert share["low"] == pytest.approx(right.mean()) == pytest.approx(share["high"])


def test_a_part_of_the_rows_has_its_own_share() -> None:
    right, doubt = population()
    part = doubt > 0.5
    asked = asked_twice("both", right, doubt, 1)
    rows = np.array(sorted(asked))
    share = share_right(right[rows], rows, asked, part)
    assert share is not None
    assert share["low"] <= right[part].mean() <= share["high"]

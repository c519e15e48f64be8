"""Which rows are asked about, and with which probability."""

from __future__ import annotations

import numpy as np
import pytest

from clc_text.corrections.asking.draw import Drawn, Purpose, draw

ROWS = 200


def drawn(purpose: Purpose, k: int, seed: str = "a", features: np.ndarray | None = None) -> Drawn:
    random = np.random.default_rng(0)
    worth = random.random(ROWS)
    strata = np.stack([random.integers(0, 3, ROWS), worth], 1)
    open_rows = np.flatnonzero(random.random(ROWS) < 0.8)
    return draw(purpose, k, open_rows, strata, worth, seed, None, features)


@pytest.mark.parametrize("purpose", ["estimate", "both", "fix"])
def test_every_row_is_drawn_as_often_as_its_inclusion_says(purpose: Purpose) -> None:
    times, said = np.zeros(ROWS), np.zeros(ROWS)
    for number in range(600):
        found = drawn(purpose, 30, str(number))
        assert len(found) == len(np.unique(found.row)) == 30
        times[found.row] += 1
        said[found.row] = found.inclusion
    chosen = said > 0
    assert np.abs(times[chosen] / 600 - said[chosen]).max() < 0.1  # five standard deviations
    assert (said[chosen].sum() == 30) if purpose == "fix" else abs(said.sum() - 30) < 1e-9


def test_the_same_state_draws_the_same_rows() -> None:
    assert drawn("both", 20).row.tolist() == drawn("both", 20).row.tolist()
    assert drawn("both", 20).row.tolist() != drawn("both", 20, "b").row.tolist()


def test_each_class_has_its_share_of_the_random_rows() -> None:
    random = np.random.default_rng(1)
    classes = random.integers(0, 4, 400)
    rows = np.arange(400)
    found = draw("estimate", 80, rows, np.stack([classes, random.random(400)], 1), np.ones(400), "x")
    share = np.bincount(classes[found.row], minlength=4) / 80
    assert np.abs(share - np.bincount(classes) / 400).max() <= 1 / 80 + 1e-9


def test_chosen_rows_are_worth_most_and_unlike_each_other() -> None:
    worth = np.r_[np.full(50, 0.9), np.full(50, 0.8)]
    features = np.r_[np.tile([1.0, 0.0], (50, 1)), np.tile([0.0, 1.0], (50, 1))].astype(np.float32)
    rows = np.arange(100)
    alike = draw("fix", 2, rows, worth[:, None], worth, "x")
    assert (alike.row < 50).all()
    unlike = draw("fix", 2, rows, worth[:, None], worth, "x", None, features)
    assert (unlike.row < 50).sum() == 1
    known = draw("fix", 1, rows[1:], worth[:, None], worth, "x", None, features, np.array([0]))
    assert known.row[0] >= 50  # the other kind is known already


def test_whoever_stops_early_has_answered_both_kinds() -> None:
    found = drawn("both", 40)
    for stop in (10, 20, 30):
        assert abs(int(found.random[:stop].sum()) - stop / 2) <= 1


def test_more_rows_are_asked_for_than_there_are() -> None:
    found = drawn("both", 10_000)
    assert len(found) == len(np.unique(found.row)) < ROWS
    assert (found.inclusion == 1).all()
    assert abs(int(found.random.sum()) - len(found) / 2) <= 1

"""Wilson's interval against its definition."""

from __future__ import annotations

import math

import pytest

from clc_text.corrections.intervals import Z, metric, percent, wilson


@pytest.mark.parametrize(("count", "of"), [(0, 1), (1, 1), (3, 7), (50, 100), (0, 40), (998, 1000), (2, 3)])
def test_its_ends_are_the_shares_that_the_observed_one_is_just_compatible_with(count: int, of: int) -> None:
    """Each end p solves |share - p| = z sqrt(p (1 - p) / n); at 0 and 1 the outer one is the end itself."""
    low, high = wilson(count, of)
    assert 0 <= low <= count / of <= high <= 1
    for end in (low, high):
        distance = abs(count / of - end)
        assert distance == pytest.approx(Z * math.sqrt(end * (1 - end) / of), abs=1e-9)


def test_by_hand() -> None:
    """8 of 10, z = 1.96: centre (0.8 + 0.19207) / 1.38415 = 0.71674, reach 0.2266."""
    low, high = wilson(8, 10)
    assert low == pytest.approx(0.4902, abs=1e-4)
    assert high == pytest.approx(0.9433, abs=1e-4)


def test_it_holds_the_true_share_in_95_of_100_cases() -> None:
    import numpy as np

    draws = np.random.default_rng(0).binomial(200, 0.1, 4000)
    held = [low <= 0.1 <= high for low, high in (wilson(int(count), 200) for count in draws)]
    assert 0.93 < sum(held) / len(held) < 0.97


def test_nothing_to_take_a_share_of() -> None:
    assert metric(0, 0) is None
    assert percent(None) == "not known"


def test_a_figure_says_what_it_is_made_of() -> None:
    found = metric(8, 10)
    assert found is not None
    assert (found["value"], found["count"], found["of"]) == (0.8, 8, 10)
    assert percent(found) == "80.0 % (49.0 to 94.3)"

"""How many labels are wrong, in words: two readings, one number, or what an earlier version kept."""

from __future__ import annotations

from typing import Any

import pytest

from clc_text.corrections.share_in_words import likeliest_in_words, wrong_in_words


def noise(doubt: float, half: float) -> Any:
    rates = {"doubt": doubt, "em": 0.4, "half": half, "confident_joint": 0.0}
    return {
        "rate": doubt,
        "readings": [{"of": "mixture", "method": name, "rate": rate} for name, rate in rates.items()],
    }


@pytest.mark.parametrize(
    ("told", "digits", "said"),
    [
        (noise(0.0154, 0.046), 1, "most likely 1.5% to 4.6%"),
        (noise(0.046, 0.0154), 0, "most likely 2% to 5%"),  # the smaller first
        (noise(0.118, 0.122), 0, "about 12%"),
        (noise(0.0154, 0.046) | {"ahead": 0.5}, 0, "most likely 2% to 5%"),
        (
            noise(0.002, 0.021) | {"ahead": -1.6},
            0,
            "most likely 0% to 2% unless errors are habits, which labels do not show",
        ),
        ({"rate": 0.031, "readings": []}, 1, "about 3.1%"),
        ({"rate": 0.031}, 0, "about 3%"),
        ({"rate": 0.031, "readings": [{"of": "mixture", "method": "doubt", "rate": 0.1}]}, 1, "about 3.1%"),
    ],
)
def test_in_words(told: Any, digits: int, said: str) -> None:
    assert likeliest_in_words(told, digits) == said


def test_of_rules_whose_classes_were_told_only_the_least_is_known() -> None:
    told = {**noise(0.337, 0.337), "interval": [0.337, 0.355], "told_wrong": 0.337}
    assert wrong_in_words(told, 4422) == "between 34% and 36% of 4,422 labels are wrong, about 34%"
    assert wrong_in_words({**told, "rule_like": {"words": 0.98, "others": 0.87}}, 4422) == (
        "at least 34% of 4,422 labels are wrong"
    )
    assert "between" in wrong_in_words({**told, "told_wrong": 0.0, "rule_like": {"words": 1.0, "others": None}}, 9)


def test_where_nothing_learnt_the_labels_no_share_is_told() -> None:
    nothing = {**noise(0.94, 0.94), "interval": [0.6, 1.0], "nothing_learnt": True}
    assert wrong_in_words(nothing, 80) == "of 80 labels nothing is known"
    assert "at least 20% are wrong" in wrong_in_words({**nothing, "told_wrong": 0.2}, 80)

"""Names in little room: different ones stay different, and show where they differ."""

from __future__ import annotations

import random

import pytest

from clc_text.analysis.short_names import short_names


def test_names_that_differ_in_the_middle_show_it() -> None:
    names = [f"a very long class name that only differs at number {row} and then goes on and on" for row in range(20)]
    found = short_names(names)
    assert found == [f"a very long class name…{row}…" for row in range(20)]
    names = ["a" * 30 + word + "b" * 30 for word in ("", " not")]
    assert short_names(names) == ["aaaaaaaa…aaaaaabbbbbb…", "aaaaaaaa…aaaaaa notbbbbbb…"]


def test_names_with_room_and_those_that_differ_anyway_are_left_alone() -> None:
    names = ["comp.graphics", "", "Ünïcödé 中文", "k0" + "m" * 30, "k1" + "m" * 30]
    assert short_names(names) == [
        "comp.graphics", "(no name)", "Ünïcödé 中文", "k0mmmmmmmmmm…mmmmmmmmmmmmm", "k1mmmmmmmmmm…mmmmmmmmmmmmm",
    ]  # fmt: skip


def test_differences_that_are_too_long_lose_their_middle() -> None:
    names = [f"{'x' * 20}{letter * 40}{'x' * 20}" for letter in "abc"]
    assert short_names(names) == [f"…{letter * 11}…{letter * 11}…" for letter in "abc"]


def test_what_shows_the_same_is_numbered() -> None:
    assert short_names(["a", "a\u202e", "a (2)", "", " "]) == ["a", "a (2)", "a (2) (2)", "(no name)", "(no name) (2)"]
    far_apart = [f"{'x' * 40}{one}{'x' * 40}{other}{'x' * 40}" for one in "ab" for other in "cd"]
    assert len(set(short_names(far_apart))) == 4


@pytest.mark.parametrize("at_most", [11, 26, 40])
def test_different_names_never_coincide(at_most: int) -> None:
    draw = random.Random(at_most)
    for _ in range(2000):
        lengths = [draw.choice([0, 1, 2, 5, 30, 31, 60]) for _ in range(draw.randint(1, 12))]
        names = ["".join(draw.choice("ab c…(2)") for _ in range(length)) for length in lengths]
        found = short_names(names, at_most)
        assert len(set(found)) == len(set(names)), (names, found)
        assert len(set(zip(names, found, strict=True))) == len(set(names))
        assert all(len(text) <= at_most or text.startswith("(no name)") for text in found)


def test_many_names_take_no_time() -> None:
    names = ["w" * length for length in range(3000)]  # all but the shortest show the same
    assert len(set(short_names(names))) == 3000

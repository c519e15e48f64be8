"""What an `InputError` tells beside its sentence."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from refusals import refused

from clc_text.errors import InputError, close_name, nearest


def test_place_and_row_are_plain_values() -> None:
    found = InputError("a.csv, row 3", where=Path("folder") / "a.csv", key="label", row=np.arange(4)[3])
    assert found.where == str(Path("folder") / "a.csv") and type(found.where) is str
    assert found.row == 3 and type(found.row) is int
    assert InputError("nothing else").where is None and InputError("nothing else").row is None
    with pytest.raises(TypeError):
        InputError("row 2.5", row=2.5)  # type: ignore[arg-type]


def test_other_words_tell_the_same() -> None:
    found = InputError("a.csv: no label in row 3", where="a.csv", key="label", row=3)
    said = found.in_words("in row 3 of a.csv 'label' is empty")
    assert str(said) == "in row 3 of a.csv 'label' is empty" and vars(said) == vars(found)


@pytest.mark.parametrize("wanted", [{"where": "b.csv"}, {"key": "text"}, {"row": 4}, {"where": "a.csv", "row": 4}])
def test_a_refusal_that_tells_something_else_is_none(wanted: dict[str, str | int]) -> None:
    with pytest.raises(AssertionError), refused(**wanted):  # type: ignore[arg-type]
        raise InputError("a.csv: no label in row 3", where="a.csv", key="label", row=3)


def test_a_sentence_has_to_name_what_is_wrong() -> None:
    with pytest.raises(AssertionError), refused(key="label"):
        raise InputError("something is empty", key="label")


@pytest.mark.parametrize(
    ("word", "known", "found"),
    [
        ("num", ["LOC", "NUM", "nut"], "NUM"),
        ("numb", ["LOC", "NUM"], "NUM"),
        ("Num", ["NUM", "num"], "NUM"),
        ("person", ["LOC", "NUM"], None),
        ("num", ["x" * 300], None),
    ],
)
def test_case_hides_no_name(word: str, known: list[str], found: str | None) -> None:
    assert close_name(word, known) == found
    assert nearest(word, known).startswith("; known: " if found is None else f"; did you mean '{found}'?")

"""Groups of rows with the same text, or nearly so."""

from __future__ import annotations

import numpy as np

from clc_text.corrections.copies import first_alike, is_blank

LONG = "The printer on the second floor prints every page twice since the update of last week, please send somebody"
TEXTS = [
    LONG, "something else entirely", LONG.upper() + "  ", f"Hello. {LONG}", "", " \t", "\u200b\u2060",
    "Something  ELSE entirely", "a third text that is like none", "\uff33omething else\u00a0entirely",
]  # fmt: skip


def groups(first: np.ndarray) -> list[list[int]]:
    return [np.flatnonzero(first == number).tolist() for number in np.unique(first)]


def test_same_texts_are_found_everywhere_and_near_ones_where_they_are_looked_for() -> None:
    every = np.arange(len(TEXTS))
    assert groups(first_alike(TEXTS, every)) == [[0, 2, 3], [1, 7, 9], [4], [5], [6], [8]]
    assert groups(first_alike(TEXTS, np.array([], np.int64))) == [[0, 2], [1, 7, 9], [3], [4], [5], [6], [8]]
    # A copy of a row that is looked at belongs to its group though it is not looked at itself.
    assert groups(first_alike(TEXTS, np.array([2, 3]))) == [[0, 2, 3], [1, 7, 9], [4], [5], [6], [8]]
    first = first_alike(TEXTS, every)
    np.testing.assert_array_equal(first[first], first)


def test_several_questions_about_one_text_are_no_copies() -> None:
    texts = [f"[{name}?] {text}" for text in (LONG, f"Hello. {LONG}", "a third text") for name in ("one", "other")]
    every = np.arange(6)
    assert groups(first_alike(texts, every)) == [[0, 1, 2, 3], [4], [5]]
    assert groups(first_alike(texts, every, parts=2)) == [[0, 2], [1, 3], [4], [5]]


def test_what_cannot_be_seen_is_blank() -> None:
    assert [is_blank(text) for text in TEXTS] == [False] * 4 + [True] * 3 + [False] * 3
    assert not is_blank("\u0301") and not is_blank(".")

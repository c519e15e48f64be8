"""Texts that spreadsheets have had in their hands."""

from __future__ import annotations

import pytest

from clc_text.corrections.same_text import is_same_text
from clc_text.utils.spreadsheet import harmless


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("two\r\nlines", "two\nlines"),
        ("  a  text\t", "a text"),
        ("caf\u00e9", "cafe\u0301"),
        ("=1+1 is two", harmless("=1+1 is two")),
        ("'=quoted word", "'=quoted word"),
        ("Käse für 5 €", "Käse für 5 €".encode().decode("cp1252")),
        ("Käse für 5 €", "Käse für 5 €".encode().decode("mac_roman")),
        ("naïve Ωmega", "naïve ?mega"),  # saved in a code page that has no such letter
        ("日本 fine 🙂", "?? fine ??"),
        ("007", "7"),
        ("March 5", "05-Mar"),
        ("true", "TRUE"),
        ("word " * 10_000, ("word " * 10_000)[:32_767]),
    ],
)
def test_what_a_spreadsheet_makes_of_a_text_is_the_text(ours: str, theirs: str) -> None:
    assert is_same_text(ours, ours) and is_same_text(ours, theirs)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("who is it", "who was it"),
        ("who is it", "Who is it"),
        ("who is it", "who is it, then"),
        ("", "who is it"),
        ("who is it", "?????????"),  # no letter of it needed that
        ("日本の歴史", "中国の歴史"),
        ("日本", "???"),
        ("naïve", "naive"),
        ("7 days", "8 days"),
        ("word " * 10_000, "word " * 6_000),
    ],
)
def test_another_text_is_another_text(ours: str, theirs: str) -> None:
    assert not is_same_text(ours, theirs)

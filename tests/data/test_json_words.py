"""What is wrong with JSON, in words."""

from __future__ import annotations

import json

import pytest

from clc_text.data.tabular.json_words import wrong_in_words


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"a": 1', 'after {"a": 1 a comma or the closing bracket is missing'),
        ('{"a" 1}', 'after {"a" a colon is missing'),
        ("{'a': 1}", "after { a name in double quotes is missing"),
        ('{"a": b}', 'after {"a": a value is missing, or a text without double quotes'),
        ('{"a": "b}', 'after {"a": a text begins that no quote closes'),
        ('{"a": "b\n"}', "a text goes on over a line's end or a tab"),
        ('{"a": "b\\c"}', "a backslash is single"),
        ('{"a": "\\u00"}', "four digits"),
        ('{"a": 1} {"a": 2}', "something follows after the closing bracket"),
        ("[" * 100_000, "nested too deeply"),
    ],
)
def test_a_parser_s_error_says_what_to_mend(text: str, said: str) -> None:
    with pytest.raises((ValueError, RecursionError)) as caught:
        json.loads(text)
    assert said in wrong_in_words(caught.value) and "\n" not in wrong_in_words(caught.value)


def test_of_a_file_the_line_is_told_and_of_a_long_one_the_end() -> None:
    with pytest.raises(ValueError) as caught:
        json.loads('[{"a": 1},\n{"a": "' + "x" * 1_000 + '" 2}]')
    told = wrong_in_words(caught.value, of_file=True)
    assert told.startswith("line 2, after …xxx") and len(told) < 120

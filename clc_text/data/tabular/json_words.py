"""What is wrong with JSON, in words of people who have not written the parser."""

from __future__ import annotations

import json

from clc_text.utils.shown import printable

_SHOWN = 30  # characters of what stands before the place
_MEANS = {
    "Expecting ',' delimiter": "a comma or the closing bracket is missing",
    "Expecting ':' delimiter": "a colon is missing",
    "Expecting property name enclosed in double quotes": "a name in double quotes is missing",
    "Illegal trailing comma before end of object": "a comma is too much",
    "Illegal trailing comma before end of array": "a comma is too much",
    "Expecting value": "a value is missing, or a text without double quotes",
    "Unterminated string starting at": "a text begins that no quote closes",
    "Invalid control character at": "a text goes on over a line's end or a tab: a quote is missing",
    "Invalid \\escape": "a backslash is single: write it twice",
    "Invalid \\uXXXX escape": "after \\u four digits are missing",
    "Extra data": "something follows after the closing bracket: one object a line",
}


def wrong_in_words(error: Exception, of_file: bool = False) -> str:
    """What a parser's error says, and after which characters.

    Args:
        error: of `json.loads`.
        of_file: of a whole file, in which the line tells, too.
    """
    if isinstance(error, RecursionError):
        return "brackets are nested too deeply"
    if not isinstance(error, json.JSONDecodeError):
        return printable(str(error), 200)
    what = next((words for said, words in _MEANS.items() if error.msg.startswith(said)), error.msg)
    before = printable(error.doc[max(0, error.pos - 4 * _SHOWN) : error.pos])
    place = (
        f"after …{before[-_SHOWN:]}" if len(before) > _SHOWN else f"after {before}" if before else "at its beginning"
    )
    return f"{f'line {error.lineno}, ' if of_file else ''}{place} {what}"

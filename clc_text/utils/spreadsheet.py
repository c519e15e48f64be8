"""Texts in files that people open in a spreadsheet, which takes some of them for formulas and runs them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_QUOTE = "'"
# The signs that begin a formula, in their full width, too; after apostrophes, so that what is put there can be told
# from what was there.
_FORMULA = re.compile("'*[=+\\-@\t\r\n＝＋－＠]")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)


def harmless(text: str) -> str:
    """The text, after an apostrophe where a spreadsheet would take it for a formula (numbers stay as they are).

    Source: OWASP, "CSV Injection".
    """
    return _QUOTE + text if _FORMULA.match(text) and not _NUMBER.fullmatch(text) else text


def harmless_row(row: Mapping[str, Any]) -> dict[str, Any]:
    """A line of a table whose texts, names of columns among them, are `harmless`."""
    return {harmless(name): harmless(value) if isinstance(value, str) else value for name, value in row.items()}


def as_it_was(text: str) -> str:
    """What `harmless` was given."""
    return text[1:] if text.startswith(_QUOTE) and _FORMULA.match(text) else text

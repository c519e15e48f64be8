"""Texts in files that people open in a spreadsheet, which takes some of them for formulas and runs them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_QUOTE = "'"


def harmless(text: str) -> str:
    """The text, after an apostrophe where a spreadsheet would take it for a formula (numbers stay as they are).

    Source: OWASP, "CSV Injection".
    """
    return _QUOTE + text if text.startswith(_FORMULA) and not _is_number(text) else text


def harmless_row(row: Mapping[str, Any]) -> dict[str, Any]:
    """A line of a table whose texts are `harmless`."""
    return {name: harmless(value) if isinstance(value, str) else value for name, value in row.items()}


def as_it_was(text: str) -> str:
    """What `harmless` was given."""
    return text[1:] if text.startswith(_QUOTE) and text[1:].startswith(_FORMULA) else text


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True

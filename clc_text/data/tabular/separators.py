"""Which character separates the columns of a table of text."""

from __future__ import annotations

import csv
import re
from collections.abc import Collection

SEPARATORS = (",", ";", "\t", "|")
_SEP_LINE = re.compile(r'"?sep=([ -~\t])"?\r?\n?', re.IGNORECASE)


def declared_separator(line: str) -> str | None:
    """What Excel's own first line ``sep=;`` declares; None where the line is another."""
    found = _SEP_LINE.fullmatch(line)
    return found[1] if found else None


def guessed_separator(header: str, usual: str, needed: Collection[str], quote: str = '"') -> str:
    """The separator under which the header line has all the columns that are needed.

    The usual one where it does, and where none does: columns that are known by name are the only certain sign.
    """
    for separator in (usual, *(other for other in SEPARATORS if other != usual)):
        if set(needed) <= set(header_names(header, separator, quote)):
            return separator
    return usual


def richest_separator(header: str, usual: str, quote: str = '"') -> str:
    """The separator that makes the header line one of most names; the usual one where it does."""
    return max((usual, *SEPARATORS), key=lambda separator: len(header_names(header, separator, quote)))


def header_names(line: str, separator: str, quote: str = '"') -> list[str]:
    """The names in a header line; none where it cannot be read."""
    try:
        if quote:
            return next(csv.reader([line], delimiter=separator, quotechar=quote), [])
        return next(csv.reader([line], delimiter=separator, quoting=csv.QUOTE_NONE), [])
    except csv.Error:  # a text too long for a name
        return []


def likely_separator(names: list[str]) -> str | None:
    """The separator that a header of one name seems to hold; None where there are more names, or none is in it."""
    if len(names) != 1:
        return None
    return next((separator for separator in SEPARATORS if separator in names[0]), None)

"""Rows that a quote which nobody closed has swallowed: a cell goes on over line ends to the next quote in the file.

A parser takes that for a text of several lines, as long as the columns come out even. It is told from one by its
lines: cut at its line ends such a cell is the rest of a row, whole rows and the beginning of a row, of as many columns
as the table has and with labels that other rows have. That the closing quote stands within a cell, which nobody writes
who quotes as CSV does (RFC 4180), makes it certain.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import IO, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from clc_text.data.reading.labels import is_number
from clc_text.data.reading.rows import Rows
from clc_text.data.reading.text_files import open_bytes
from clc_text.errors import InputError
from clc_text.utils.shown import printable

_LINE_END = re.compile(r"\r\n|\r|\n")
_LONGEST_CELL = 1 << 24
_FEWEST = 2  # line ends that part rows: one may be chance where the closing quote is where it may be


class _Swallowed(NamedTuple):
    """Lines of a cell that show a label, and whether that is hardly chance."""

    lines: list[str]
    telling: bool


def without_open_quotes(
    rows: Rows,
    path: Path,
    separator: str,
    quote: str,
    encoding: str,
    labels: Collection[str],
    above: int,
    headed: bool,
) -> Rows:
    """The rows of a delimited file; with a fact of it where some look swallowed.

    Args:
        labels: the columns of labels; without one nothing can be told.
        above: lines before the first row, or before the header.
        headed: whether there is one.

    Raises:
        InputError: rows are certainly swallowed.
    """
    found = _looking_swallowed(rows.table, separator, labels)
    if not found:
        return rows
    certain = sorted(_with_a_quote_inside(path, separator, quote, encoding, above, headed, found))
    if certain:
        number = rows.number(certain)
        raise InputError(
            f"{path}: {_told(f'row {number}', found[certain[0]].lines, quote)}", where=str(path), row=number
        )
    likely = [place for place, one in found.items() if one.telling]
    if not likely:
        return rows
    sentence = _told(rows.row_names(likely), found[likely[0]].lines, quote)
    return replace(rows, facts={**rows.facts, "rows_swallowed": f"{path.name}, {sentence}"})


def _told(named: str, lines: list[str], quote: str) -> str:
    shown = printable(lines[-1], 60)
    return (
        f"{named}: a cell goes on over {len(lines) + 1:,} lines that read as rows of their own, such as '{shown}', so "
        f"a quote ({quote}) is probably not closed; close it, write a quote inside of a text twice ({quote}{quote}), "
        "or set data.quote='' where quotes are ordinary characters"
    )


def _looking_swallowed(table: pa.Table, separator: str, labels: Collection[str]) -> dict[int, _Swallowed]:
    """The rows, by their places in rising order, with a cell whose line ends all part rows."""
    names = table.column_names
    found: dict[int, _Swallowed] = {}
    of_labels = [place for place, name in enumerate(names) if name in labels]
    if not of_labels:
        return {}
    broken = [_has_line_ends(column) for column in table.columns]
    sound = ~np.logical_or.reduce(broken)
    if sound.all():
        return {}
    known = {place: set(pc.unique(table.column(place).filter(pa.array(sound))).to_pylist()) for place in of_labels}
    for place, column in enumerate(broken):
        for row in np.flatnonzero(column).tolist():
            pieces = [piece for piece in _LINE_END.split(table.column(place)[row].as_py()) if piece]
            for label in of_labels:
                one = _rows_of(pieces, separator, len(names), place, label, known[label] - {None, ""})
                if one is not None:
                    found[row] = one
    return dict(sorted(found.items()))


def _has_line_ends(column: pa.ChunkedArray) -> np.ndarray:
    """bool [N]; of what was read as no text, none."""
    if not pa.types.is_string(column.type):
        return np.zeros(len(column), bool)
    ends = pc.or_(pc.match_substring(column, "\n"), pc.match_substring(column, "\r"))
    return np.asarray(pc.fill_null(ends, False))


def _rows_of(
    pieces: list[str], separator: str, columns: int, place: int, label: int, known: set[str]
) -> _Swallowed | None:
    """None where not all pieces of a cell that have to show a label do, or not all have the columns of such rows.

    Args:
        place: the cell's column.
        label: that of the labels.
    """
    cells = [piece.split(separator) for piece in pieces]
    expected = [columns - place, *[columns] * (len(pieces) - 2), place + 1]
    if len(pieces) < 2 or [len(one) for one in cells] != expected:
        return None
    if label >= place:  # the last line's label stands in its own column
        shown = [cells[0][label - place], *(one[label] for one in cells[1:-1])]
    else:
        shown = [one[label] for one in cells[1:]]
    if not known.issuperset(shown):
        return None
    # A text may have lines that begin with two numbers.
    telling = len(shown) >= _FEWEST and (label >= place or not all(map(is_number, shown)))
    return _Swallowed(pieces[:-1] if label >= place else pieces[1:], telling)


def _with_a_quote_inside(
    path: Path, separator: str, quote: str, encoding: str, above: int, headed: bool, places: Collection[int]
) -> set[int]:
    """Of the rows at these places those in whose lines something else than a separator follows a closing quote."""
    csv.field_size_limit(_LONGEST_CELL)
    broken: set[int] = set()
    with open_bytes(path) as handle:
        lines = _Lines(handle, encoding)
        for _ in range(above):
            next(lines, "")
        lines.taken.clear()
        place = -1 if headed else 0
        with suppress(csv.Error):  # a cell that is too long: what comes after it is not looked at
            for row in csv.reader(lines, delimiter=separator, quotechar=quote):
                taken = list(lines.taken)
                lines.taken.clear()
                if place in places and not _is_strict(taken, separator, quote):
                    broken.add(place)
                place += bool(row)  # an empty line is no row
    return broken


def _is_strict(lines: list[str], separator: str, quote: str) -> bool:
    try:
        list(csv.reader(lines, delimiter=separator, quotechar=quote, strict=True))
    except csv.Error:
        return False
    return True


class _Lines(Iterator[str]):
    """The lines of a file, which keep those that were taken."""

    def __init__(self, handle: IO[bytes], encoding: str) -> None:
        self._lines = iter(io.TextIOWrapper(handle, encoding, newline=""))
        self.taken: list[str] = []

    def __next__(self) -> str:
        line = next(self._lines)
        self.taken.append(line)
        return line

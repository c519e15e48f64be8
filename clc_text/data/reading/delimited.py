"""CSV and TSV."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as csv

from clc_text.data.reading.open_quotes import without_open_quotes
from clc_text.data.reading.rows import Rows, rows_from_table
from clc_text.data.reading.text_files import first_line, open_utf8
from clc_text.data.tabular.separators import declared_separator, header_names, likely_separator
from clc_text.data.task import describe_file
from clc_text.errors import InputError
from clc_text.utils.shown import printable

BLOCK = 16 << 20  # one row must fit in a block
_MOST_COLUMNS = 20_000  # Arrow takes minutes for millions


def read_delimited(
    path: Path, separator: str, quote: str, header: list[str] | None, encoding: str, labels: Collection[str] = ()
) -> Rows:
    """A delimited file, every column as strings.

    A CSV file has no types, and guessing them would change what is passed through (``007`` would become 7), so that
    every value stays as it is written.

    Args:
        separator: one character between columns.
        quote: one character around values that hold separators or line ends; empty: quotes are ordinary characters.
        header: the column names of a file that has no header row; None: the first row names them.
        labels: the columns of labels, by which rows that an open quote has swallowed are found.
    """
    for key, value in (("separator", separator), ("quote", quote)):
        if len(value.encode()) > 1 or (key == "separator" and not value):
            raise InputError(f"data.{key} is {value!r}; it must be one ASCII character", key=f"data.{key}")
    top = first_line(path, encoding)
    declared = declared_separator(top)
    separator = declared or separator
    above = 1 if declared else 0
    if top.count(separator) >= _MOST_COLUMNS:
        raise InputError(
            f"{path}: line 1 has more than {_MOST_COLUMNS:,} columns; is the table turned around?", where=path
        )
    bad: list[InputError] = []
    names: list[str] = header or header_names(top, separator, quote)
    parse = csv.ParseOptions(
        delimiter=separator,
        quote_char=quote or False,
        newlines_in_values=bool(quote),
        invalid_row_handler=lambda row: _refuse(path, row, bad, names, quote),
    )
    read = csv.ReadOptions(use_threads=False, block_size=BLOCK, column_names=header, skip_rows=above)
    try:
        with open_utf8(path, encoding) as handle:
            strings = csv.ConvertOptions(column_types={name: pa.string() for name in names}, check_utf8=False)
            table = csv.read_csv(handle, read, parse, strings)
    except pa.ArrowInvalid as error:
        if bad:
            raise bad[0] from None
        if "straddling" in str(error) or "out of sync" in str(error):
            raise InputError(
                f"{path}: a row is longer than {BLOCK >> 20} MB; a quote is probably not closed "
                "(data.quote='' reads quotes as ordinary characters)",
                where=str(path),
                key="data.quote",
            ) from None
        raise InputError(
            f"{path}: not a table of separated columns ({str(error).splitlines()[0]})", where=path
        ) from None
    rows = rows_from_table(table, path, [describe_file(path)], first=above + (1 if header else 2))
    if not quote:
        return rows
    return without_open_quotes(rows, path, separator, quote, encoding, labels, above, not header)


def _refuse(path: Path, row: csv.InvalidRow, bad: list[InputError], names: list[str], quote: str) -> str:
    number = f"row {row.number}" if row.number is not None else f"the row '{row.text[:60]}'"
    other = likely_separator(names)
    what = f"has {row.actual_columns} columns where {row.expected_columns} are expected"
    advice = "put quotes around values that hold the separator"
    lines = len(row.text.strip().splitlines())
    if other is not None:
        advice = f"the only column is called '{names[0][:60]}', so set data.separator to {other!r}"
    elif quote and (lines > 1 or row.text.count(quote) % 2):
        what += f", and goes on over {lines:,} lines" if lines > 1 else ""
        advice = (
            f"it begins with '{printable(row.text[:200], 60)}', and a quote ({quote}) in it may not be closed; close "
            f"it, write a quote inside of a text twice ({quote}{quote}), or set data.quote='' where quotes are "
            "ordinary characters"
        )
    bad.append(
        InputError(
            f"{path}: {number} {what}; {advice}",
            where=str(path),
            row=row.number,
        )
    )
    return "error"

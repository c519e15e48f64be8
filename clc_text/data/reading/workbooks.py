"""Excel workbooks as rows."""

from __future__ import annotations

import datetime
from collections.abc import Collection
from pathlib import Path
from typing import Any

import pyarrow as pa

from clc_text.data.reading.rows import Rows, rows_from_table
from clc_text.data.tabular.workbook import as_text, read_workbook
from clc_text.data.task import describe_file

SHEETS = "; data.sheet names another"


def read_excel(
    path: Path, sheet: str | None, header: list[str] | None, texts: Collection[str], needed: Collection[str]
) -> Rows:
    """One sheet of a workbook; a column whose cells are of several kinds is one of texts.

    Args:
        sheet: its name; None: the first.
        header: the column names of a sheet that has no header row.
        texts: the columns that are read as texts, whatever their cells hold.
        needed: the columns in which a formula without a stored value, or an error, is refused.

    Raises:
        InputError: see `read_workbook` and `Sheet.refuse_holes_of_formulas`.
    """
    book = read_workbook(path, sheet, header)
    book.refuse_holes_of_formulas(needed)
    columns = [_column(list(values), name in texts) for name, values in zip(book.columns, _turned(book), strict=True)]
    facts, where = {}, f"{path}, sheet '{sheet}'"
    if sheet is None and len(book.sheets) > 1:
        first = f"'{book.name}', the first of {len(book.sheets)}"
        facts["sheet"], where = f"{first}{SHEETS}", f"{path}, sheet {first}"
    table = pa.Table.from_arrays(columns, names=book.columns)
    rows = rows_from_table(table, path, [describe_file(path)], first=book.first, facts=facts)
    return rows if sheet is None and not facts else Rows(**{**vars(rows), "where": where})


def _turned(book: Any) -> list[tuple[Any, ...]]:
    return list(zip(*book.rows, strict=True)) if book.rows else [()] * len(book.columns)


def _column(values: list[Any], text: bool) -> pa.Array:
    kinds = {type(value) for value in values if value is not None}
    if kinds == {int, float}:
        values, kinds = [None if value is None else float(value) for value in values], {float}
    if not text and len(kinds) == 1 and kinds <= {bool, int, float, datetime.datetime}:
        try:
            return pa.array(values)
        except (pa.ArrowInvalid, OverflowError):  # a whole number beyond 64 bits
            pass
    return pa.array([None if value is None else as_text(value) for value in values], pa.string())

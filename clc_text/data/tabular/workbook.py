"""Excel workbooks (.xlsx, .xlsm), read by openpyxl: one sheet, its values as they were last computed."""

from __future__ import annotations

import datetime
import io
import zipfile
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clc_text.errors import InputError, nearest

if TYPE_CHECKING:
    from openpyxl import Workbook

ENDINGS = (".xlsx", ".xlsm")
UNPACKED = 2 << 30  # bytes; a workbook is a zip archive, and one of 10 MB may unpack to any size
_ERRORS = {"#DIV/0!", "#N/A", "#NAME?", "#NULL!", "#NUM!", "#REF!", "#VALUE!"}


@dataclass(frozen=True)
class Sheet:
    """One sheet's rows.

    Attributes:
        path: of the workbook.
        name: of the sheet.
        sheets: the names of all sheets, in their order.
        columns: the names of the columns; one without a name is called after its letter (``column A``).
        rows: a value a column: None, text, whole number, decimal number, truth value, date or time; rows without any
            value at the end are left out.
        first: what a spreadsheet calls the first of the rows.
    """

    path: Path
    name: str
    sheets: tuple[str, ...]
    columns: list[str]
    rows: list[list[Any]]
    first: int

    def column(self, name: str) -> list[Any]:
        place = self.columns.index(name)
        return [row[place] for row in self.rows]

    def refuse_holes_of_formulas(self, needed: Collection[str]) -> None:
        """Formulas are never computed here, so one whose value the file does not hold looks like an empty cell.

        Raises:
            InputError: a cell of the needed columns is such a formula, or holds an error of Excel's.
        """
        places = [place for place, name in enumerate(self.columns) if name in needed]
        for number, row in enumerate(self.rows, self.first):
            for place in places:
                if isinstance(row[place], str) and row[place] in _ERRORS:
                    raise InputError(
                        f"{self.path}: cell {_cell(place, number)} holds the error {row[place]}; mend it",
                        where=str(self.path),
                        key=self.columns[place],
                        row=number,
                    )
        if not any(row[place] is None for row in self.rows for place in places):
            return
        book = _opened(self.path, values=False)
        try:
            sheet = book[self.name]
            sheet.reset_dimensions()
            for number, cells in enumerate(sheet.iter_rows(min_row=self.first), self.first):
                if number - self.first >= len(self.rows):
                    return
                for place in places:
                    hole = place < len(cells) and self.rows[number - self.first][place] is None
                    if hole and cells[place].data_type == "f":
                        raise InputError(
                            f"{self.path}: cell {_cell(place, number)} is a formula, and the file does not hold its "
                            "value; open the workbook in a spreadsheet program and save it",
                            where=str(self.path),
                            key=self.columns[place],
                            row=number,
                        )
        finally:
            book.close()


def read_workbook(path: Path, sheet: str | None = None, header: Sequence[str] | None = None) -> Sheet:
    """One sheet of a workbook.

    Args:
        sheet: its name; None: the first.
        header: the names of the columns, where the first row does not name them.

    Raises:
        InputError: openpyxl is missing, the file is no whole workbook, or there is no such sheet.
    """
    book = _opened(path, values=True)
    try:
        names = [one.title for one in book.worksheets]
        if not names:
            raise InputError(f"{path}: the workbook has no sheet of cells", where=path)
        if sheet is not None and sheet not in names:
            raise InputError(
                f"{path}: there is no sheet '{sheet}'{nearest(sheet, names)}", where=str(path), key="data.sheet"
            )
        chosen = book[sheet or names[0]]
        chosen.reset_dimensions()  # what the file says of its own size is often wrong
        grid = [[_value(value) for value in row] for row in chosen.iter_rows(values_only=True)]
    except (zipfile.BadZipFile, KeyError, ValueError, TypeError, AttributeError, SyntaxError) as error:
        if isinstance(error, InputError):
            raise
        raise _unreadable(path, error) from None
    finally:
        book.close()
    while grid and all(value is None for value in grid[-1]):
        grid.pop()
    width = 1 + max((place for row in grid for place, value in enumerate(row) if value is not None), default=-1)
    grid = [(row + [None] * width)[:width] for row in grid]
    first = 1
    if header is None:
        top, grid, first = (grid[0] if grid else []), grid[1:], 2
        columns = [f"column {_letters(i)}" if value is None else as_text(value).strip() for i, value in enumerate(top)]
    else:
        if len(header) != width:
            raise InputError(
                f"{path}: the sheet '{chosen.title}' has {width} columns, and {len(header)} are named in data.header",
                where=str(path),
                key="data.header",
            )
        columns = list(header)
    return Sheet(path, chosen.title, tuple(names), columns, grid, first)


def as_text(value: Any) -> str:
    """A cell's value as a spreadsheet would show it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, datetime.datetime):
        return value.isoformat(" ").removesuffix(" 00:00:00")
    return str(value)


def _value(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("_x000D_", "\r") if value else None  # how Excel writes a carriage return
    return value


def _opened(path: Path, values: bool) -> Workbook:
    try:
        import openpyxl
    except ImportError:
        raise InputError(
            f"{path}: workbooks are read by openpyxl, which is not installed; pip install 'clc-text[excel]', or save "
            "the sheet as CSV",
            where=path,
        ) from None
    try:
        with zipfile.ZipFile(path) as packed:
            if sum(member.file_size for member in packed.infolist()) > UNPACKED:
                raise InputError(
                    f"{path}: the workbook unpacks to more than {UNPACKED >> 30} GB; save it as CSV", where=path
                )
        # By its bytes: of a path openpyxl would look at the ending.
        return openpyxl.load_workbook(
            io.BytesIO(path.read_bytes()), read_only=True, data_only=values, keep_links=False
        )
    except InputError:
        raise
    except Exception as error:  # of many kinds: openpyxl checks little of what it parses
        raise _unreadable(path, error) from None


def _unreadable(path: Path, error: Exception) -> InputError:
    reason = (str(error).splitlines() or [type(error).__name__])[0]
    return InputError(
        f"{path}: not a whole Excel workbook ({reason[:100]}); was it cut off, or is it protected by a password? Save "
        "it again as .xlsx, or as CSV",
        where=path,
    )


def _cell(place: int, row: int) -> str:
    return f"{_letters(place)}{row}"


def _letters(place: int) -> str:
    letters = ""
    place += 1
    while place:
        place, rest = divmod(place - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters

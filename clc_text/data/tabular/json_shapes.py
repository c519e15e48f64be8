"""One JSON object that holds a whole table: column-wise, row by row, or split, as pandas and others write it."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from clc_text.errors import InputError

_ADVICE = "write one object a row: with pandas, frame.to_json(path, orient='records', lines=True)"


def rows_of_object(whole: dict[str, Any], where: str, needed: Collection[str] = ()) -> list[dict[str, Any]] | None:
    """The rows of a table in one object; None where the object is not a table but may be a row itself.

    Read are ``{column: {index: value}}`` (pandas' ``orient="columns"``), ``{column: [value, ...]}``,
    ``{index: {column: value}}`` (``orient="index"``) and ``{"columns": [...], "data": [[...], ...]}`` (``"split"``).

    Args:
        needed: columns that the table has, where some are known.

    Raises:
        InputError: it is meant as a table, but its columns have not the same rows.
    """
    if isinstance(whole.get("columns"), list) and isinstance(whole.get("data"), list):
        return _split(whole, where)
    values = list(whole.values())
    if not values:
        return None
    if all(isinstance(value, list) for value in values):
        lengths = {name: len(value) for name, value in whole.items()}
        if len(set(lengths.values())) > 1:
            raise InputError(f"{where}: the lists of the columns are not of one length; {_ADVICE}", where=where)
        return [dict(zip(whole, row, strict=True)) for row in zip(*values, strict=True)]
    if not all(isinstance(value, dict) for value in values):
        return None
    if _counted(values[0]) or any(name in whole for name in needed):
        rows = list(values[0])
        if any(list(value) != rows for value in values):
            raise InputError(f"{where}: the columns have not the same rows; {_ADVICE}", where=where)
        return [{name: value[row] for name, value in whole.items()} for row in rows]
    by_row = _counted(whole) or any(name in values[0] for name in needed)
    return [dict(value) for value in values] if by_row else None


def _counted(value: dict[str, Any]) -> bool:
    """Whether the keys are those that pandas gives rows unless told otherwise."""
    return bool(value) and all(key.isdigit() for key in value)


def _split(whole: dict[str, Any], where: str) -> list[dict[str, Any]]:
    names = [str(name) for name in whole["columns"]]
    for number, row in enumerate(whole["data"], 1):
        if not isinstance(row, list) or len(row) != len(names):
            raise InputError(
                f"{where}: row {number} of 'data' has not one value for each of 'columns'; {_ADVICE}",
                where=where,
                row=number,
            )
    return [dict(zip(names, row, strict=True)) for row in whole["data"]]

"""What names a row beside its number in the run: its id, and its place in the file that it came from."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from functools import partial
from typing import Any, TypedDict

import numpy as np

from clc_text.corrections.source import values_of
from clc_text.corrections.store import Corrected


class RowNames(TypedDict, total=False):
    """What a row is called where it came from, as far as that is known."""

    source_id: Any
    source_row: int


def names_of(corrected: Corrected, rows: np.ndarray) -> list[RowNames]:
    """Of each row ``source_id`` and ``source_row``, those that are known.

    Args:
        rows: int [n], numbers in the run.
    """
    names: list[RowNames] = [{} for _ in rows]
    column = id_column_here(corrected)
    if column is not None:
        for entry, value in zip(names, corrected.of_rows(partial(values_of, column=column, rows=rows)), strict=True):
            entry["source_id"] = value
    numbers = corrected.run.labels().source_row
    if numbers is not None:
        for entry, number in zip(names, numbers[rows].tolist(), strict=True):
            entry["source_row"] = number
    return names


def rows_called(corrected: Corrected, key: str, names: Collection[str]) -> dict[str, int] | None:
    """The number in the run of each row that is called so, of names that there are; None where rows have no such name.

    Args:
        key: ``source_id`` or ``source_row``.
    """
    if key == "source_row":
        numbers = corrected.run.labels().source_row
        if numbers is None:
            return None
        values: Iterable[Any] = numbers.tolist()
    else:
        column = id_column_here(corrected)
        if column is None:
            return None
        rows = np.arange(corrected.facts["rows"])
        values = corrected.of_rows(partial(values_of, column=column, rows=rows))
    return {name: row for row, value in enumerate(values) if (name := str(value)) in names}


def id_column_here(corrected: Corrected) -> str | None:
    """What the column of ids is called in the corrected dataset; None where there is none."""
    name = corrected.run.environment().get("id_column")
    return None if name is None else str(corrected.facts["renamed"].get(name, name))

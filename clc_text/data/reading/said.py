"""What one source says, row by row: a class, or how probable it finds each class."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from clc_text.data.columns import NamedColumns
from clc_text.data.reading.labels import joined, label_strings
from clc_text.data.reading.rows import Rows
from clc_text.data.tabular.values import NEAR_ONE
from clc_text.errors import InputError


@dataclass(frozen=True)
class Said:
    """Entries of votes; a distribution has one for each class with a probability above 0.

    Attributes:
        at: int64 [M], the row, rising.
        strings: [M], the class's name.
        weight: float64 [M], 1 for a class that is simply named.
    """

    at: np.ndarray
    strings: pa.Array
    weight: np.ndarray


def is_soft(rows: Rows, column: str) -> bool:
    """Whether a column holds probabilities of classes: objects ``{class: probability}``, or JSON of them."""
    values = rows.table.column(column)
    if pa.types.is_struct(values.type):
        kinds = [values.type.field(index).type for index in range(values.type.num_fields)]
        return bool(kinds) and all(pa.types.is_floating(one) or pa.types.is_integer(one) for one in kinds)
    if not (pa.types.is_string(values.type) or pa.types.is_large_string(values.type)):
        return False
    there = pc.drop_null(values)
    return (
        bool(len(there))
        and bool(pc.all(pc.match_substring_regex(there, r'^\s*($|\{\s*")')).as_py())
        and bool(pc.any(pc.starts_with(pc.utf8_ltrim_whitespace(there), "{")).as_py())
    )


def said_in(rows: Rows, column: str, columns: NamedColumns) -> Said:
    """What a column of labels says, empty where nothing.

    Raises:
        InputError: it holds no classes, or what should be probabilities of them are none.
    """
    label_map = columns.label_map or {}
    if not is_soft(rows, column):
        strings = joined(label_strings(rows, column), label_map).combine_chunks()
        at = np.flatnonzero(strings.is_valid().to_numpy(zero_copy_only=False))
        return Said(at, strings.drop_null(), np.ones(len(at)))
    row: list[int] = []
    names: list[str] = []
    weight: list[float] = []
    for number, value in enumerate(_distributions(rows, column)):
        shares: dict[str, float] = {}
        for name, share in value.items():
            if not isinstance(share, (int, float)) or isinstance(share, bool) or not share >= 0 or share == np.inf:
                raise _no_distribution(rows, column, number, f"of '{name}' it has {str(share)[:20]!r}")
            shares[label_map.get(name, name)] = shares.get(label_map.get(name, name), 0.0) + share
        total = sum(shares.values())
        if total == 0:
            continue
        if abs(total - 1) > NEAR_ONE:
            raise _no_distribution(rows, column, number, f"they sum to {total:g}")
        kept = {name: share / total for name, share in shares.items() if share > 0}
        row += [number] * len(kept)
        names += kept
        weight += kept.values()
    return Said(np.array(row, np.int64), pa.array(names, pa.string()), np.array(weight, np.float64))


def _distributions(rows: Rows, column: str) -> Iterable[dict[str, Any]]:
    for number, value in enumerate(rows.table.column(column).to_pylist()):
        if isinstance(value, dict):
            yield {name: share for name, share in value.items() if share is not None}
        elif value is None or not value.strip():
            yield {}
        else:
            try:
                cell = json.loads(value)
            except ValueError:
                cell = None
            if not isinstance(cell, dict):
                raise _no_distribution(rows, column, number, "they are no JSON")
            yield cell


def _no_distribution(rows: Rows, column: str, number: int, why: str) -> InputError:
    return InputError(
        f"{rows.where}: the column '{column}' in {rows.row_names([number])} is no distribution over classes: {why}; "
        "probabilities are at least 0 and sum to 1",
        where=rows.where,
        key=column,
        row=rows.number([number]),
    )

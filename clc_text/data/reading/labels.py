"""A column of labels into class names and class numbers."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from clc_text.data.reading.rows import Rows, brief
from clc_text.errors import InputError, close_name, some_of

_SHOWN = 3  # labels of a kind, in a message
_LETTERS = 60  # of a name in a message


def label_strings(rows: Rows, column: str) -> pa.ChunkedArray:
    """The labels as class names, null where a row has none (null, NaN, nothing but blanks, or -1 of a
    `ClassLabel`).

    Raises:
        InputError: the column holds what cannot be a class (lists, objects, dates), or a row, which is named, an
            infinite number or a whole one beyond 64 bits.
    """
    values, feature = rows.table.column(column), rows.features[column]
    if isinstance(feature, datasets.ClassLabel) and feature.names is not None:
        known = pc.and_(pc.greater_equal(values, 0), pc.less(values, len(feature.names)))
        return pc.take(pa.chunked_array([pa.array(feature.names, pa.string())]), pc.if_else(known, values, None))
    if pa.types.is_float16(values.type) or pa.types.is_decimal(values.type):
        values = values.cast(pa.float64())  # pyarrow does not calculate with the one, and 1.0 and 1.00 are one class
    kind = values.type
    if pa.types.is_floating(kind):
        values = pc.if_else(pc.is_nan(values), None, values)  # what a table without nulls has for "none"
        _refuse_beyond_64_bits(rows, column, values)
    if pa.types.is_floating(kind) and pc.all(pc.equal(values, pc.floor(values))).as_py():
        values = values.cast(pa.int64())  # whole numbers that a missing value turned into floats
    elif not (
        pa.types.is_string(kind)
        or pa.types.is_large_string(kind)
        or pa.types.is_integer(kind)
        or pa.types.is_boolean(kind)
        or pa.types.is_floating(kind)
        or pa.types.is_null(kind)
    ):
        raise InputError(
            f"{rows.where}: the column '{column}' holds {brief(kind)}, and a class is a word or a number",
            where=rows.where,
            key=column,
        )
    strings = values.cast(pa.string())
    return pc.if_else(pc.equal(pc.utf8_trim_whitespace(strings), ""), None, strings)


def joined(strings: pa.ChunkedArray, label_map: Mapping[str, str]) -> pa.ChunkedArray:
    """The labels, each that `label_map` names in its other reading; null stays null."""
    found = pc.index_in(strings, value_set=pa.array(list(label_map), pa.string()))
    return pc.if_else(pc.is_valid(found), pc.take(pa.array(list(label_map.values()), pa.string()), found), strings)


def class_names(rows: Rows, columns: Iterable[str], strings: Iterable[pa.ChunkedArray]) -> list[str]:
    """All names that stand in the columns: in a `ClassLabel`'s own order, numbers by size, other names sorted."""
    names: set[str] = set()
    for values in strings:
        names.update(name for name in pc.unique(values).to_pylist() if name is not None)
    for column in columns:
        feature = rows.features[column]
        if isinstance(feature, datasets.ClassLabel) and feature.names is not None and names <= set(feature.names):
            return list(feature.names)
    if all(is_number(name) for name in names):
        return sorted(names, key=lambda name: (float(name), name))  # "1" and "1.0" are two classes of one size
    return sorted(names)


def class_numbers(
    strings: pa.ChunkedArray,
    names: list[str],
    rows: Rows,
    key: str,
    at: np.ndarray | None = None,
    by: Callable[[int], str] | None = None,
) -> pa.ChunkedArray:
    """int64 [N], the place of each name in `names`; null stays null.

    Args:
        rows: where the labels stand.
        key: what `names` are.
        at: int64 [N], the row that each label is of; None: they are the rows' own, in order.
        by: of a label's place, who has said it; None: it is not known.

    Raises:
        InputError: a label is not among `names`.
    """
    found = pc.index_in(strings, value_set=pa.array(names, pa.string()))
    strange = np.flatnonzero(pc.and_(found.is_null(), strings.is_valid()).to_numpy())
    if len(strange):
        raise _strange(strings, strange, names, rows, key, strange if at is None else at[strange], by)
    return found.cast(pa.int64())


def _strange(
    strings: pa.ChunkedArray,
    strange: np.ndarray,
    names: list[str],
    rows: Rows,
    key: str,
    at: np.ndarray,
    by: Callable[[int], str] | None,
) -> InputError:
    """Args: strange int64 [n], the labels that are none of the names; at int64 [n], their rows."""
    first: dict[str, int] = {}
    for place, one in enumerate(strange.tolist()):
        if len(first) > _SHOWN:
            break
        first.setdefault(strings[one].as_py(), place)
    told = []
    for name, place in list(first.items())[:_SHOWN]:
        who = "" if by is None else f", by {by(int(strange[place]))[:_LETTERS]}"
        told.append(f"'{name[:_LETTERS]}' ({rows.row_names(at[place : place + 1])}{who})")
    shown = ", ".join(told) + (", …" if len(first) > _SHOWN else "")
    close = close_name(next(iter(first)), names)
    meant = "" if close is None else f"did you mean '{close[:_LETTERS]}'? "
    return InputError(
        f"{rows.where}: there is {shown}, which is not among {key} ({some_of(names, 20)}); {meant}correct it "
        f"({len(strange):,} label{'s' * (len(strange) != 1)}), or read it as another class by data.label_map",
        where=rows.where,
        key=key,
        row=rows.number(at[:1]),
    )


def is_number(name: str) -> bool:
    try:
        return math.isfinite(float(name))
    except ValueError:
        return False


def _refuse_beyond_64_bits(rows: Rows, column: str, values: pa.ChunkedArray) -> None:
    beyond = pc.fill_null(pc.greater_equal(pc.abs(values), pa.scalar(2.0**63, values.type)), False)
    if len(bad := np.flatnonzero(beyond.to_numpy())):
        label = values[int(bad[0])].as_py()
        raise InputError(
            f"{rows.where}: the label {label:g} in {rows.row_names(bad)} (column '{column}') is no class; a class is "
            "a word or a number of at most 64 bits",
            where=rows.where,
            key=column,
            row=rows.number(bad),
        )

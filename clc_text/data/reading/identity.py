"""Which column names a row: the one that the user says, or one that looks like it."""

from __future__ import annotations

import re

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from clc_text.data.columns import NamedColumns
from clc_text.data.reading.rows import Rows
from clc_text.errors import InputError

_LONGEST = 64  # characters of a value that may be guessed to name a row
_LIKE_AN_ID = re.compile(r"(?:.*[^a-z])?(?:id|uid|uuid|guid|key|nr|no|num|number|ref|reference|index|file|filename)")


def id_column(rows: Rows, columns: NamedColumns) -> str | None:
    """The column that the recipe names; else the first that is called like an id and has another value in each row.

    Raises:
        InputError: the column that the user names is missing, is empty somewhere, or names two rows alike.
    """
    option, named = columns.row_id
    if named is not None:
        rows.require(named, option)
        _check(rows, named, option)
        return named
    found = [
        name for name in rows.table.column_names if name not in columns.plain and _looks_like_an_id(rows.table, name)
    ]
    return next((name for name in found if name.casefold() == "id"), found[0] if found else None)


def _looks_like_an_id(table: pa.Table, name: str) -> bool:
    words = re.sub(r"([a-z])([A-Z])", r"\1 \2", name).casefold().strip()
    if not _LIKE_AN_ID.fullmatch(words):
        return False
    values = table.column(name)
    texts = pa.types.is_string(values.type) or pa.types.is_large_string(values.type)
    if values.null_count or not (texts or pa.types.is_integer(values.type)):
        return False
    if pc.count_distinct(values).as_py() < len(values):
        return False
    return not texts or not pc.any(pc.or_(pc.match_substring_regex(values, r"\s|^$"), _long(values))).as_py()


def _long(values: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.greater(pc.utf8_length(values), _LONGEST)


def _check(rows: Rows, name: str, option: str) -> None:
    values = rows.table.column(name)
    if pa.types.is_nested(values.type):
        raise InputError(
            f"{rows.where}: the column '{name}' holds {values.type}; what names a row is a word or a number",
            where=rows.where,
            key=name,
        )
    strings = values.cast(pa.string())
    missing = np.flatnonzero(pc.fill_null(pc.equal(pc.utf8_trim_whitespace(strings), ""), True).to_numpy())
    if len(missing):
        raise InputError(
            f"{rows.where}: the column '{name}' of data.{option} is empty in {rows.row_names(missing)}",
            where=rows.where,
            key=name,
            row=rows.number(missing),
        )
    codes = strings.combine_chunks().dictionary_encode().indices.to_numpy()
    twice = np.flatnonzero(np.bincount(codes)[codes] > 1)
    if len(twice):
        alike = np.flatnonzero(codes == codes[twice[0]])
        raise InputError(
            f"{rows.where}: the column '{name}' of data.{option} has '{strings[int(twice[0])]}' in "
            f"{rows.row_names(alike)}; what names a row must be another in each",
            where=rows.where,
            key=name,
            row=rows.number(alike),
        )

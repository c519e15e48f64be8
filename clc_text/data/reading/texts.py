"""The texts of a table: what a network will read of each row."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from clc_text.data.columns import NamedColumns
from clc_text.data.reading.rows import Rows, brief
from clc_text.errors import InputError


def refuse_same_file(train: Rows, test: Rows) -> None:
    shared = {entry["sha256"] for entry in train.sources} & {entry["sha256"] for entry in test.sources}
    if shared:
        raise InputError(
            f"{test.where}: the test file has the same content as the training file {train.where}; a test on rows "
            "seen in training says nothing, so name another file or set data.test_share",
            where=test.where,
            key="data.test_share",
        )


def with_text(rows: Rows, columns: NamedColumns, facts: dict[str, Any], prefix: str) -> tuple[Rows, str]:
    """The rows with a text in every row of the input column, and that column's name."""
    if not len(rows.table):
        raise InputError(f"{rows.where}: there are no rows", where=rows.where)
    pieces = []
    for column in columns.texts:
        rows.require(column, "text")
        values = rows.table.column(column)
        if not (pa.types.is_string(values.type) or pa.types.is_large_string(values.type)):
            inside = "; name what is meant in it, such as " if pa.types.is_struct(values.type) else ""
            if inside and values.type.num_fields:
                inside += f"data.text={column}.{values.type.field(0).name[:60]}"
            raise InputError(
                f"{rows.where}: the column '{column}' holds {brief(values.type)}, not text{inside}",
                where=rows.where,
                key=column,
            )
        pieces.append(pc.fill_null(values, "") if values.null_count else values)
    missing = sum(rows.table.column(column).null_count for column in columns.texts)
    if missing:
        facts[f"missing_{prefix}texts"] = missing
    table, features = rows.table, datasets.Features(dict(rows.features))
    if len(pieces) == 1:
        column = columns.texts[0]
        if missing:
            table = table.set_column(table.column_names.index(column), column, pieces[0])
        return replace(rows, table=table), column
    joined = "text" if "text" not in table.column_names else "joined_text"
    if joined in table.column_names:
        raise InputError(
            f"{rows.where}: the columns 'text' and 'joined_text' are both taken; rename one", where=rows.where
        )
    texts = pc.binary_join_element_wise(*(piece.cast(pa.string()) for piece in pieces), " ")
    features[joined] = datasets.Value("string")
    return replace(rows, table=table.append_column(joined, texts), features=features), joined


def first_equal(texts: pa.ChunkedArray) -> np.ndarray:
    """int64 [N], the number of the first row with the same text: a row's own where it is the first."""
    codes = texts.combine_chunks().dictionary_encode().indices.to_numpy()
    _, where, back = np.unique(codes, return_index=True, return_inverse=True)
    first: np.ndarray = where[back]
    return first

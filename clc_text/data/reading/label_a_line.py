"""Tables with a label a line, as crowds and annotation tools write them: the lines on one text become one row."""

from __future__ import annotations

from dataclasses import replace

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from clc_text.data.columns import NamedColumns
from clc_text.data.reading.labels import label_strings
from clc_text.data.reading.rows import Rows
from clc_text.errors import InputError


def one_row_each(rows: Rows, columns: NamedColumns) -> tuple[Rows, np.ndarray | None]:
    """A row for each id (`data.id`), or else each text, in the order of their first lines.

    What is labelled and who labelled it become lists, every other column keeps what the first line says.

    Returns:
        The rows, and int64 [N], what the source calls the first line of each. Where no column of annotators is
        named, or they are lists already, the rows as they are, and None.

    Raises:
        InputError: a column is missing, or a line does not say who labels it.
    """
    by, label = columns.annotator, columns.labels[0]
    if by is None or (by not in rows.table.column_names and label not in rows.table.column_names):
        return rows, None
    rows.require(by, "annotator")
    rows.require(label, "label")
    if pa.types.is_list(rows.table.schema.field(by).type) or pa.types.is_large_list(rows.table.schema.field(by).type):
        return rows, None
    key = _keys(rows, columns)
    said = label_strings(rows, label).combine_chunks()
    people = pc.utf8_trim_whitespace(rows.table.column(by).cast(pa.string())).combine_chunks()
    there = said.is_valid().to_numpy(zero_copy_only=False)
    nameless = np.flatnonzero(there & ~pc.fill_null(pc.not_equal(people, ""), False).to_numpy(zero_copy_only=False))
    if len(nameless):
        raise InputError(
            f"{rows.where}: nobody is named in {rows.row_names(nameless)} (column '{by}')",
            where=rows.where,
            key=by,
            row=rows.number(nameless),
        )
    _, first, group = np.unique(key, return_index=True, return_inverse=True)
    place = np.argsort(np.argsort(first))  # groups by their first lines
    group = place[group]
    first = np.sort(first)
    order = np.argsort(group, kind="stable")
    order = order[there[order]]
    ends = np.concatenate([[0], np.cumsum(np.bincount(group[order], minlength=len(first)))])
    lists = {
        name: pa.ListArray.from_arrays(pa.array(ends, pa.int32()), values.take(pa.array(order)))
        for name, values in ((label, said), (by, people))
    }
    table, features = rows.table.take(pa.array(first)), dict(rows.features)
    for name, values in lists.items():
        table = table.set_column(table.column_names.index(name), name, values)
        features[name] = datasets.Features.from_arrow_schema(pa.schema([(name, values.type)]))[name]
    facts = rows.facts | {"lines joined": f"{len(key):,} lines with a label each are {len(first):,} rows"}
    numbers = first + rows.first
    return replace(rows, table=table, features=datasets.Features(features), facts=facts, numbers=numbers), numbers


def _keys(rows: Rows, columns: NamedColumns) -> np.ndarray:
    """int64 [L], the same number for lines on the same row."""
    option, identity = columns.row_id
    if identity is not None:
        rows.require(identity, option)
        names = [identity]
    else:
        names = columns.texts
        for name in names:
            rows.require(name, "text")
    numbers = np.zeros(len(rows.table), np.int64)
    for name in names:
        values = rows.table.column(name)
        if pa.types.is_nested(values.type):
            raise InputError(
                f"{rows.where}: the column '{name}' holds lists or objects, which name no row",
                where=rows.where,
                key=name,
            )
        codes = values.combine_chunks().dictionary_encode(null_encoding="encode").indices.to_numpy()
        numbers = np.unique(numbers * (codes.max(initial=0) + 1) + codes, return_inverse=True)[1]
    return numbers

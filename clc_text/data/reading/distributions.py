"""Labels that are distributions over the classes: one column of objects ``{"sport": 0.7, "money": 0.3}`` (`said`), or
of lists of numbers in the order of `data.label_names`. In several columns they are votes (`several`)."""

from __future__ import annotations

from dataclasses import dataclass, replace

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from clc_text.data.columns import JOINED, NamedColumns
from clc_text.data.labels import none_of_one_each
from clc_text.data.reading.labels import class_names, class_numbers
from clc_text.data.reading.rows import Rows
from clc_text.data.reading.said import is_soft, said_in
from clc_text.data.tabular.values import NEAR_ONE
from clc_text.errors import InputError


@dataclass(frozen=True)
class Soft:
    """The distributions of a table's rows, and the table with their likeliest classes.

    Attributes:
        rows: with a column `JOINED`, the likeliest class: the first in the classes' order where several are; null
            where the row has no distribution.
        columns: with that one for the labels, and all the classes.
        distribution: float32 [N, C]; 0 where the row has none.
        asked: the columns as they were named.
    """

    rows: Rows
    columns: NamedColumns
    distribution: np.ndarray
    asked: NamedColumns

    def of(self, rows: np.ndarray) -> np.ndarray | None:
        """float32 [n, C], those of some rows; None where each of them names one class."""
        return none_of_one_each(self.distribution[rows])

    def of_test(self, rows: Rows) -> Rows:
        """The test rows, with the likeliest class of theirs where no true one is named."""
        if self.columns.true_label is not None and self.columns.true_label in rows.table.column_names:
            return rows
        rows.require(self.asked.labels[0], "label")
        found = distributions_in(rows, replace(self.asked, label_names=self.columns.label_names))
        return rows if found is None else found.rows  # classes of one column's own are trusted as they are


def distributions_in(rows: Rows, columns: NamedColumns) -> Soft | None:
    """The distributions of the rows, where one column of labels holds such; else None.

    Raises:
        InputError: a row's numbers are no distribution, or nobody has named the classes.
    """
    name = columns.labels[0]
    if len(columns.labels) > 1 or columns.vote_lines() is not None or name not in rows.table.column_names:
        return None
    if is_soft(rows, name):
        table, names = _of_objects(rows, columns)
    elif _lists_of_shares(rows.table.column(name).combine_chunks()):
        table, names = _of_lists(rows, columns)
    else:
        return None
    if JOINED in rows.table.column_names:
        raise InputError(
            f"{rows.where}: the column '{JOINED}' is where the likeliest class goes; rename it",
            where=rows.where,
            key=JOINED,
        )
    table = table.astype(np.float32)
    best = pc.take(pa.array(names, pa.string()), pa.array(table.argmax(1), mask=table.sum(1) == 0))
    features = datasets.Features(dict(rows.features) | {JOINED: datasets.Value("string")})
    with_class = replace(rows, table=rows.table.append_column(JOINED, best), features=features)
    return Soft(with_class, replace(columns, label=JOINED, label_names=names), table, columns)


Found = tuple[np.ndarray, list[str]]
"""float64 [N, C], numbers of the rows, and C names."""


def _of_objects(rows: Rows, columns: NamedColumns) -> Found:
    """Keys are names of classes; what a row does not name it gives nothing."""
    said = said_in(rows, columns.labels[0], columns)
    names = columns.label_names or class_names(rows, [], [pa.chunked_array([said.strings])])
    numbers = class_numbers(pa.chunked_array([said.strings]), names, rows, "data.label_names", said.at).to_numpy()
    table = np.zeros((len(rows.table), len(names)))
    table[said.at, numbers] = said.weight
    return table, list(names)


def _of_lists(rows: Rows, columns: NamedColumns) -> Found:
    name, names = columns.labels[0], columns.label_names
    values = rows.table.column(name).combine_chunks()
    if not names:
        raise InputError(
            f"{rows.where}: the column '{name}' holds lists of numbers with fractions, which are distributions over "
            "the classes; name these, in their order, in data.label_names",
            where=rows.where,
            key=name,
        )
    lengths = pc.list_value_length(values)
    wrong = pc.fill_null(pc.not_equal(lengths, len(names)), False)
    if len(bad := np.flatnonzero(wrong.to_numpy(zero_copy_only=False))):
        raise InputError(
            f"{rows.where}: there are {len(names)} classes, and {lengths[int(bad[0])].as_py()} numbers in "
            f"{rows.row_names(bad)} (column '{name}')",
            where=rows.where,
            key=name,
            row=rows.number(bad),
        )
    there = values.is_valid().to_numpy(zero_copy_only=False)
    table = np.zeros((len(values), len(names)))
    flat = values.drop_null().flatten().cast(pa.float64())
    table[there] = flat.to_numpy(zero_copy_only=False).reshape(-1, len(names))
    sound = np.isfinite(table).all(1) & (table >= 0).all(1) & (np.abs(table.sum(1) - 1) <= NEAR_ONE)
    if len(bad := np.flatnonzero(there & ~sound)):
        raise InputError(
            f"{rows.where}: the numbers in {rows.row_names(bad)} (column '{name}') are no distribution over the "
            "classes: they are at least 0 and sum to 1",
            where=rows.where,
            key=name,
            row=rows.number(bad),
        )
    table[there] /= table[there].sum(1, keepdims=True)
    return table, list(names)


def _lists_of_shares(values: pa.Array) -> bool:
    """Whether these are lists of numbers, some with a fraction, which no class has."""
    kind = values.type
    if not (pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)):
        return False
    if not pa.types.is_floating(kind.value_type):
        return False
    flat = values.drop_null().flatten().cast(pa.float64()).to_numpy(zero_copy_only=False)
    return bool((np.isfinite(flat) & (flat != np.floor(flat))).any())

"""Several labels a row, as tables have them: a column a source, a column of lists, or a table with a vote a line."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from clc_text.data.columns import JOINED, NamedColumns
from clc_text.data.reading.labels import class_names, class_numbers, joined, label_strings
from clc_text.data.reading.rows import Rows
from clc_text.data.votes import Votes
from clc_text.errors import InputError, some_of

_SHOWN = 60  # characters of a name in a message


@dataclass(frozen=True)
class Several:
    """The votes of a table's rows, and the table with the label that joins them.

    Attributes:
        rows: with a column `JOINED`, the majority of the votes: the first in the classes' order where several are as
            frequent, null where nobody says anything.
        columns: with that one for the labels, and all classes that anybody names.
        asked: the columns as they were named.
        sources: the entries of `Task.sources` of the table of votes, where that is another.
    """

    rows: Rows
    columns: NamedColumns
    votes: Votes
    asked: NamedColumns
    sources: tuple[dict[str, Any], ...] = ()

    def of(self, rows: np.ndarray) -> Votes:
        return self.votes.of_rows(rows)

    def of_test(self, rows: Rows) -> Rows:
        """The test rows, with the label that joins theirs where no true one is named.

        Raises:
            InputError: they have neither.
        """
        if self.columns.true_label is not None and self.columns.true_label in rows.table.column_names:
            return rows
        asked = self.asked
        if any(name not in rows.table.column_names for name in asked.labels) or asked.vote_lines() is not None:
            raise InputError(
                f"{rows.where}: nothing says what is right in the test rows; name their column of true labels in "
                "data.true_label"
            )
        found = votes_in(rows, asked)
        assert found is not None
        return found.rows


def votes_in(rows: Rows, columns: NamedColumns) -> Several | None:
    """The votes of the rows, where the columns name several labels a row; else None.

    Raises:
        InputError: a column is missing or holds no classes, a label is none of data.label_names, or a line of votes
            names no row, or a row and source that another line names.
    """
    lines = columns.vote_lines()
    if lines is not None:
        row, source, strings, names = _of_lines(rows, columns, *lines)
        labels = [(strings, lines[0], lines[1][2])]
    else:
        for name in columns.labels:
            rows.require(name, "label")
        lists = _is_of_lists(rows, columns)
        if isinstance(columns.label, str) and not lists:
            return None
        row, source, strings, names = _of_lists(rows, columns) if lists else _of_columns(rows, columns)
        labels = [(strings, rows, columns.labels[0])]
    classes = columns.label_names or _classes(columns, labels)
    numbers = class_numbers(pa.chunked_array([strings]), classes, labels[0][1].where, "data.label_names")
    votes = Votes.of(row, source, numbers.to_numpy(), len(rows.table), names, len(classes))
    table, features = rows.table, datasets.Features(dict(rows.features))
    if JOINED in table.column_names:
        raise InputError(f"{rows.where}: the column '{JOINED}' is where several labels a row are joined; rename it")
    counts = votes.counts
    best = pa.array(counts.argmax(1), mask=counts.sum(1) == 0)
    table = table.append_column(JOINED, pc.take(pa.array(classes, pa.string()), best))
    features[JOINED] = datasets.Value("string")
    changed = replace(columns, label=JOINED, label_names=classes)
    return Several(
        replace(rows, table=table, features=features),
        changed,
        votes,
        columns,
        () if lines is None else lines[0].sources,
    )


Found = tuple[np.ndarray, np.ndarray, pa.Array, list[str]]
"""Row and source of each vote [M], its label as a class name, and the sources' names [J]."""


def _is_of_lists(rows: Rows, columns: NamedColumns) -> bool:
    """Whether the one column of labels holds lists, some of them longer than one."""
    if len(columns.labels) > 1:
        return False
    values = rows.table.column(columns.labels[0])
    if not (pa.types.is_list(values.type) or pa.types.is_large_list(values.type)):
        return False
    return (pc.max(pc.list_value_length(values)).as_py() or 0) > 1


def _of_columns(rows: Rows, columns: NamedColumns) -> Found:
    row, source, strings = [], [], []
    for number, name in enumerate(columns.labels):
        said = joined(label_strings(rows, name), columns.label_map or {}).combine_chunks()
        there = np.flatnonzero(said.is_valid().to_numpy(zero_copy_only=False))
        row.append(there)
        source.append(np.full(len(there), number))
        strings.append(said.drop_null())
    return np.concatenate(row), np.concatenate(source), pa.concat_arrays(strings), columns.labels


def _of_lists(rows: Rows, columns: NamedColumns) -> Found:
    """Whoever is at the same place of each list is one source."""
    name = columns.labels[0]
    values = rows.table.column(name).combine_chunks()
    lengths = pc.fill_null(pc.list_value_length(values), 0).to_numpy()
    feature = getattr(rows.features[name], "feature", None)
    inside = Rows(
        pa.table({name: values.flatten()}),
        datasets.Features({name: feature}) if feature is not None else _plain(values.flatten(), name),
        rows.where,
    )
    said = joined(label_strings(inside, name), columns.label_map or {}).combine_chunks()
    row = np.repeat(np.arange(len(values)), lengths)
    _refuse_several_classes(rows, name, row, said)
    place = np.arange(len(row)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    there = said.is_valid().to_numpy(zero_copy_only=False)
    names = [f"{name} {number + 1}" for number in range(int(lengths.max(initial=0)))]
    return row[there], place[there], said.drop_null(), names


def _refuse_several_classes(rows: Rows, name: str, row: np.ndarray, said: pa.Array) -> None:
    """Where no two labels of any row are alike, a list has the classes of a row, not what several people say of it."""
    code = pc.fill_null(said.dictionary_encode().indices, -1).to_numpy(zero_copy_only=False)
    pairs = np.stack([row, code])[:, code >= 0]
    if len(np.unique(pairs, axis=1).T) == pairs.shape[1]:
        raise InputError(
            f"{rows.where}: no list in the column '{name}' has a label twice, so they look like several classes a row "
            "and not like several people's labels for one; a row has one class here"
        )


def _of_lines(rows: Rows, columns: NamedColumns, lines: Rows, named: tuple[str, str, str]) -> Found:
    of_row, by, label = named
    for name, key in ((of_row, "vote_row"), (by, "vote_source"), (label, "vote_label")):
        lines.require(name, key)
    option, identity = columns.row_id
    if identity is None:
        identity = of_row if of_row in rows.table.column_names else None
    if identity is None:
        raise InputError(f"{rows.where}: votes name rows by an id; name the column that holds it in data.{option}")
    rows.require(identity, option)
    known = rows.table.column(identity).cast(pa.string()).combine_chunks()
    if pc.count_distinct(known).as_py() < len(known):
        raise InputError(f"{rows.where}: votes name rows by the column '{identity}', which names several rows alike")
    meant = lines.table.column(of_row).cast(pa.string())
    place = pc.index_in(meant, value_set=known)
    if place.null_count:
        at = np.flatnonzero(place.is_null().to_numpy())
        raise InputError(
            f"{lines.where}: {lines.row_names(at)} name{'s' * (len(at) == 1)} the row '{meant[int(at[0])]}'"[:200]
            + f", which {rows.where} does not have (column '{identity}')"
        )
    said = joined(label_strings(lines, label), columns.label_map or {}).combine_chunks()
    people = lines.table.column(by).cast(pa.string()).combine_chunks()
    people = pc.if_else(pc.equal(pc.utf8_trim_whitespace(people), ""), None, people)
    if people.null_count:
        at = np.flatnonzero(people.is_null().to_numpy(zero_copy_only=False))
        raise InputError(f"{lines.where}: nobody is named in {lines.row_names(at)} (column '{by}')")
    there = said.is_valid().to_numpy(zero_copy_only=False)
    names = sorted(pc.unique(people).to_pylist())
    row = place.to_numpy().astype(np.int64)[there]
    source = pc.index_in(people, value_set=pa.array(names, pa.string())).to_numpy()[there].astype(np.int64)
    _refuse_twice(lines, row, source, np.flatnonzero(there), names, meant)
    return row, source, said.drop_null(), names


def _refuse_twice(
    lines: Rows, row: np.ndarray, source: np.ndarray, at: np.ndarray, names: list[str], meant: pa.ChunkedArray
) -> None:
    pair = row * len(names) + source
    _, back, times = np.unique(pair, return_inverse=True, return_counts=True)
    twice = np.flatnonzero(times[back] > 1)
    if len(twice):
        same = at[twice[pair[twice] == pair[twice[0]]]]
        raise InputError(
            f"{lines.where}: '{names[source[twice[0]]][:_SHOWN]}' has voted more than once on the row "
            f"'{str(meant[int(same[0])])[:_SHOWN]}' ({lines.row_names(same)}); keep one vote"
        )


def _classes(columns: NamedColumns, labels: list[tuple[pa.Array, Rows, str]]) -> list[str]:
    strings, rows, _ = labels[0]
    single = [name for name in columns.labels if name in rows.features and columns.vote_lines() is None]
    found = class_names(rows, single, [pa.chunked_array([strings])])
    if len(found) > 1000:
        shown = some_of(found, 5)
        raise InputError(f"{rows.where}: the votes have {len(found):,} classes: {shown}; name the right column")
    return found


def _plain(values: pa.Array, name: str) -> datasets.Features:
    return datasets.Features.from_arrow_schema(pa.schema([(name, values.type)]))

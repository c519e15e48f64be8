"""Several labels a row, as tables have them: a column a source, a column of lists, or a table with a vote a line."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from clc_text.data.columns import JOINED, NamedColumns
from clc_text.data.reading.annotation_exports import voters_column
from clc_text.data.reading.labels import class_names, class_numbers
from clc_text.data.reading.rows import Rows
from clc_text.data.reading.said import Said, said_in
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

    def of(self, rows: np.ndarray) -> Votes | None:
        """The votes on some rows; None where one source gave each of them a class: these are then their labels."""
        chosen = self.votes.of_rows(rows)
        return chosen if chosen.one_each() is None else None

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
                "data.true_label",
                where=rows.where,
                key="data.true_label",
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
        found = _of_lines(rows, columns, *lines)
        labelled = lines[0]
    else:
        for name in columns.labels:
            rows.require(name, "label")
        lists = _is_of_lists(rows, columns)
        if isinstance(columns.label, str) and not lists:
            return None
        found = _of_lists(rows, columns) if lists else _of_columns(rows, columns)
        labelled = rows
    row, source, said, names, at = found
    if not len(said.strings):
        key = f"data.{'label' if lines is None else 'vote_label'}"
        raise InputError(
            f"{labelled.where}: nobody has labelled any row; {key} names the labels", where=labelled.where, key=key
        )
    classes = columns.label_names or _classes(columns, said.strings, labelled)
    strings = pa.chunked_array([said.strings])
    numbers = class_numbers(
        strings, classes, labelled, "data.label_names", at, lambda place: names[source[place]]
    ).to_numpy()
    votes = Votes.of(row, source, numbers, len(rows.table), names, len(classes), said.weight)
    table, features = rows.table, datasets.Features(dict(rows.features))
    if JOINED in table.column_names:
        raise InputError(
            f"{rows.where}: the column '{JOINED}' is where several labels a row are joined; rename it",
            where=rows.where,
            key=JOINED,
        )
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


Found = tuple[np.ndarray, np.ndarray, Said, list[str], np.ndarray]
"""Row and source of each entry of the votes [M], what is said, the sources' names [J], and the place of each entry
in the table that holds it, int64 [M]: its row, or its line."""


def _is_of_lists(rows: Rows, columns: NamedColumns) -> bool:
    """Whether the one column of labels holds lists, of whom is said or some of them longer than one."""
    if len(columns.labels) > 1:
        return False
    values = rows.table.column(columns.labels[0])
    if not (pa.types.is_list(values.type) or pa.types.is_large_list(values.type)):
        return False
    return _names_beside(rows, columns) is not None or (pc.max(pc.list_value_length(values)).as_py() or 0) > 1


def _names_beside(rows: Rows, columns: NamedColumns) -> str | None:
    """The column that says who gave each label of a list."""
    return columns.annotator or voters_column(rows.table, columns.labels[0])


def _of_columns(rows: Rows, columns: NamedColumns) -> Found:
    said = [said_in(rows, name, columns) for name in columns.labels]
    source = np.repeat(np.arange(len(said)), [len(one.at) for one in said])
    strings, weight = pa.concat_arrays([one.strings for one in said]), np.concatenate([one.weight for one in said])
    at = np.concatenate([one.at for one in said])
    return at, source, Said(at, strings, weight), columns.labels, at


def _of_lists(rows: Rows, columns: NamedColumns) -> Found:
    """Whoever is at the same place of each list is one source, unless lists of names stand beside."""
    name = columns.labels[0]
    values = rows.table.column(name).combine_chunks()
    lengths = pc.fill_null(pc.list_value_length(values), 0).to_numpy()
    feature = getattr(rows.features[name], "feature", None)
    inside = Rows(
        pa.table({name: values.flatten()}),
        datasets.Features({name: feature}) if feature is not None else _plain(values.flatten(), name),
        rows.where,
    )
    row = np.repeat(np.arange(len(values)), lengths)
    if (beside := _names_beside(rows, columns)) is not None:
        names, by = _people(rows, beside, lengths, name)
        said = said_in(inside, name, columns)
        _refuse_twice(row[by >= 0] * len(names) + by[by >= 0], row[by >= 0], names, rows)
        if len(nobody := np.flatnonzero(by[said.at] < 0)):
            raise InputError(
                f"{rows.where}: nobody is named for a label in {rows.row_names(row[said.at[nobody[:1]]])} (column "
                f"'{beside}')",
                where=rows.where,
                key=beside,
                row=rows.number(row[said.at[nobody[:1]]]),
            )
        return row[said.at], by[said.at], said, names, row[said.at]
    said = said_in(inside, name, columns)
    place = np.arange(len(row)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    names = [f"{name} {number + 1}" for number in range(int(lengths.max(initial=0)))]
    return row[said.at], place[said.at], said, names, row[said.at]


def _people(rows: Rows, column: str, lengths: np.ndarray, label: str) -> tuple[list[str], np.ndarray]:
    """The names in a column of lists, and int64 [M], the place of each list's entries among them; -1: no name."""
    rows.require(column, "annotator")
    values = rows.table.column(column).combine_chunks()
    if not (pa.types.is_list(values.type) or pa.types.is_large_list(values.type)):
        raise InputError(
            f"{rows.where}: '{label}' holds lists of labels, and '{column}' no lists of who gave them",
            where=rows.where,
            key=label,
        )
    other = pc.fill_null(pc.list_value_length(values), 0).to_numpy()
    if len(odd := np.flatnonzero(other != lengths)):
        raise InputError(
            f"{rows.where}: {rows.row_names(odd[:1])} has {lengths[odd[0]]} labels in '{label}' and {other[odd[0]]} "
            f"names in '{column}'",
            where=rows.where,
            row=rows.number(odd[:1]),
        )
    people = pc.utf8_trim_whitespace(values.flatten().cast(pa.string()))
    people = pc.if_else(pc.equal(people, ""), None, people)
    names = sorted(name for name in pc.unique(people).to_pylist() if name is not None)
    place = pc.fill_null(pc.index_in(people, value_set=pa.array(names, pa.string()), skip_nulls=True), -1)
    return names, place.to_numpy(zero_copy_only=False).astype(np.int64)


def _refuse_twice(pair: np.ndarray, row: np.ndarray, names: list[str], rows: Rows) -> None:
    """Args: pair [M], row * J + source of each vote; row [M]."""
    _, back, times = np.unique(pair, return_inverse=True, return_counts=True)
    twice = np.flatnonzero(times[back] > 1)
    if len(twice):
        who = names[pair[twice[0]] % len(names)][:_SHOWN]
        raise InputError(
            f"{rows.where}: '{who}' has labelled {rows.row_names(row[twice[:1]])} more than once; keep one label, or "
            "tell rows with one text apart by data.id",
            where=rows.where,
            key="data.id",
            row=rows.number(row[twice[:1]]),
        )


def _of_lines(rows: Rows, columns: NamedColumns, lines: Rows, named: tuple[str, str, str]) -> Found:
    of_row, by, label = named
    for name, key in ((of_row, "vote_row"), (by, "vote_source"), (label, "vote_label")):
        lines.require(name, key)
    option, identity = columns.row_id
    if identity is None:
        identity = of_row if of_row in rows.table.column_names else None
    if identity is None:
        raise InputError(
            f"{rows.where}: votes name rows by an id; name the column that holds it in data.{option}",
            where=rows.where,
            key=f"data.{option}",
        )
    rows.require(identity, option)
    known = rows.table.column(identity).cast(pa.string()).combine_chunks()
    if pc.count_distinct(known).as_py() < len(known):
        raise InputError(
            f"{rows.where}: votes name rows by the column '{identity}', which names several rows alike",
            where=rows.where,
            key=identity,
        )
    meant = lines.table.column(of_row).cast(pa.string())
    place = pc.index_in(meant, value_set=known)
    if place.null_count:
        at = np.flatnonzero(place.is_null().to_numpy())
        raise InputError(
            f"{lines.where}: {lines.row_names(at)} name{'s' * (len(at) == 1)} the row '{meant[int(at[0])]}'"[:200]
            + f", which {rows.where} does not have (column '{identity}', such as '{str(known[0])[:_SHOWN]}'); write "
            "ids alike in both, or leave such lines out",
            where=lines.where,
            key=identity,
        )
    said = said_in(lines, label, columns)
    people = lines.table.column(by).cast(pa.string()).combine_chunks()
    people = pc.if_else(pc.equal(pc.utf8_trim_whitespace(people), ""), None, people)
    if people.null_count:
        at = np.flatnonzero(people.is_null().to_numpy(zero_copy_only=False))
        raise InputError(
            f"{lines.where}: nobody is named in {lines.row_names(at)} (column '{by}')",
            where=lines.where,
            key=by,
            row=lines.number(at),
        )
    names = sorted(pc.unique(people).to_pylist())
    row = place.to_numpy().astype(np.int64)
    source = pc.index_in(people, value_set=pa.array(names, pa.string())).to_numpy().astype(np.int64)
    at = np.unique(said.at)
    _refuse_lines_twice(lines, row[at], source[at], at, names, meant)
    return row[said.at], source[said.at], said, names, said.at


def _refuse_lines_twice(
    lines: Rows, row: np.ndarray, source: np.ndarray, at: np.ndarray, names: list[str], meant: pa.ChunkedArray
) -> None:
    pair = row * len(names) + source
    _, back, times = np.unique(pair, return_inverse=True, return_counts=True)
    twice = np.flatnonzero(times[back] > 1)
    if len(twice):
        same = at[twice[pair[twice] == pair[twice[0]]]]
        raise InputError(
            f"{lines.where}: '{names[source[twice[0]]][:_SHOWN]}' has voted more than once on the row "
            f"'{str(meant[int(same[0])])[:_SHOWN]}' ({lines.row_names(same)}); keep one vote",
            where=lines.where,
            row=lines.number(same),
        )


def _classes(columns: NamedColumns, strings: pa.Array, rows: Rows) -> list[str]:
    single = [name for name in columns.labels if name in rows.features and columns.vote_lines() is None]
    found = class_names(rows, single, [pa.chunked_array([strings])])
    if len(found) > 1000:
        shown = some_of(found, 5)
        raise InputError(
            f"{rows.where}: the votes have {len(found):,} classes: {shown}; name the right column", where=rows.where
        )
    return found


def _plain(values: pa.Array, name: str) -> datasets.Features:
    return datasets.Features.from_arrow_schema(pa.schema([(name, values.type)]))

"""Which column of a table of votes, a label a line, holds what, where nobody has said."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from clc_text.data.reading.annotation_exports import voters_column
from clc_text.errors import InputError, some_of
from clc_text.text.datasets.files import Files

if TYPE_CHECKING:
    from clc_text.data.reading.rows import Rows

PEOPLE = ("annotator", "worker", "rater", "labeler", "labeller", "coder")
SOURCES = (*PEOPLE, "user", "source", "who", "by")
SAID = ("label", "vote", "answer", "response", "annotation", "choice", "judgment", "judgement", "class", "category")
MOST_TEXTS = 0.8  # of the lines have a text of their own, where several people label each
_WORDS = re.compile(r"[a-z]+")


def with_vote_columns(files: Files, rows: Rows, ids: str | None) -> tuple[Files, list[str]]:
    """The table as `files` has it, with the columns of its votes and of the ids that they name rows by; and sentences
    on what was guessed.

    Args:
        rows: of the texts.
        ids: their column of ids, where it is named.

    Raises:
        InputError: the votes cannot be read, or a column of theirs does not tell what it is.
    """
    assert files.votes is not None
    lines = files.read(files.votes, "data.votes")
    there = list(lines.table.column_names)
    of_row = _named(files, "vote_row", there) or _of_rows(files, lines, rows, ids)
    rest = [name for name in there if name != of_row]
    by = _named(files, "vote_source", there) or _called(SOURCES, rest, files.votes, "who says it", "vote_source")
    rest = [name for name in rest if name != by]
    label = _named(files, "vote_label", there) or _called(SAID, rest, files.votes, "the labels", "vote_label")
    identity = ids or _identity(lines, of_row, rows)
    changed = replace(files, vote_row=of_row, vote_source=by, vote_label=label, id=identity)
    if changed == files:
        return files, []
    told = f"votes: rows by {of_row}, who by {by}, what by {label}"
    return changed, [f"{told}; others by --set data.vote_row, vote_source, vote_label"]


def questions(rows: Rows, files: Files) -> str | None:
    """The question whose answers, by several people, an export of an annotation tool has; None where it is none.

    Raises:
        InputError: there are several.
    """
    found = [name for name in rows.table.column_names if voters_column(rows.table, name) is not None]
    if len(found) > 1:
        raise InputError(
            f"{files.train}: there are answers to several questions: {some_of(found)}; name one with --label",
            where=files.train,
        )
    return found[0] if found else None


def names_people(name: str) -> bool:
    """Whether a column is called as one of annotators is."""
    return bool({*_WORDS.findall(name.lower())} & {*PEOPLE})


def several_lines(files: Files, rows: Rows) -> list[str]:
    """A sentence where texts come again with labels by others, and nobody has said that these lines are one row."""
    if files.annotator is not None or files.votes is not None or not isinstance(files.label, str):
        return []
    named = [name for name in rows.table.column_names if names_people(name)]
    text = rows.table.column(files.texts[0])
    if len(named) != 1 or pc.count_distinct(text).as_py() > MOST_TEXTS * len(text):
        return []
    if pa.types.is_nested(rows.table.schema.field(named[0]).type):
        return []
    return [
        f"texts come again, labelled by others: if that is what {named[0]} says, --annotator {named[0]} joins them"
    ]


def _named(files: Files, key: str, there: list[str]) -> str | None:
    """The column of an option that was set, or whose usual name is there."""
    value: str = getattr(files, key)
    return value if value in there or value != getattr(Files, key) else None


def _of_rows(files: Files, lines: Rows, rows: Rows, ids: str | None) -> str:
    """The column that names rows as one of the texts' does: the ids', or one of the same name; else of those whose
    values are all among such ids the one with most of them."""
    wanted = [name for name in ([ids] if ids else rows.table.column_names) if _names_rows(rows, name)]
    there = [name for name in wanted if name in lines.table.column_names]
    if len(there) == 1:
        return there[0]
    if not there:
        known = [rows.table.column(name).cast(pa.string()).combine_chunks() for name in wanted]
        meant = {name: pc.unique(lines.table.column(name).cast(pa.string())) for name in lines.table.column_names}
        inside = {
            name: len(values)
            for name, values in meant.items()
            if len(values) and any(pc.all(pc.is_in(values, value_set=one)).as_py() for one in known)
        }
        most = [name for name, count in inside.items() if count == max(inside.values())]
        if len(most) == 1:
            return most[0]
    raise _unknown(files.votes, "the rows", "vote_row", there or lines.table.column_names)


def _identity(lines: Rows, of_row: str, rows: Rows) -> str | None:
    """The texts' column that the votes name rows by: of the same name, or the only one that has all that they name."""
    if of_row in rows.table.column_names:
        return of_row
    meant = pc.unique(lines.table.column(of_row).cast(pa.string()))
    found = [
        name
        for name in rows.table.column_names
        if _names_rows(rows, name)
        and pc.all(pc.is_in(meant, value_set=rows.table.column(name).cast(pa.string()).combine_chunks())).as_py()
    ]
    return found[0] if len(found) == 1 else None


def _names_rows(rows: Rows, name: str) -> bool:
    values = rows.table.column(name)
    return not pa.types.is_nested(values.type) and pc.count_distinct(values).as_py() == len(values)


def _called(usual: tuple[str, ...], names: list[str], where: str | None, what: str, key: str) -> str:
    found = [name for name in names if {*usual} & {*_WORDS.findall(name.lower())}]
    if len(found) == 1:
        return found[0]
    if not found and len(names) == 1:
        return names[0]
    raise _unknown(where, what, key, found or names)


def _unknown(where: str | None, what: str, key: str, names: Sequence[str]) -> InputError:
    return InputError(
        f"{where}: it is not clear which column has {what}: {some_of(names, 10)}; name it with --set "
        f"data.{key}=COLUMN",
        where=where,
        key=f"data.{key}",
    )

"""Which column of a table holds the texts, and which the labels, where nobody has said."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields, replace
from statistics import mean
from typing import Any

import numpy as np
import pyarrow as pa

from clc_text.data.reading.annotation_exports import BY, voters_column
from clc_text.data.reading.label_a_line import one_row_each
from clc_text.data.reading.labels import label_strings
from clc_text.data.reading.rows import Rows
from clc_text.data.reading.workbooks import SHEETS
from clc_text.data.reading.written_lists import with_lists
from clc_text.errors import InputError, some_of
from clc_text.text.datasets.files import Files
from clc_text.text.datasets.guess_votes import names_people, questions, several_lines, with_vote_columns

LOOKED_AT = 2000  # rows, from all over the table, which may be sorted by class
TEXTS = ("text", "message", "body", "content", "sentence", "question", "review", "comment", "description", "utterance",
         "tweet", "title")  # fmt: skip
LABELS = ("label", "labels", "class", "category", "queue", "intent", "topic", "target", "sentiment", "tag", "y")
MOST = 1000  # classes
AGAIN = 5  # rows of a class, in the mean: fewer, and a column tells rows apart rather than classes
AGAIN_KNOWN = 2  # the same, of a column with a usual name
LONG = 12  # characters of a text, in the mean, at least
_WORD = re.compile(r"[^\W_]+")
_DATE = re.compile(r"\d{4}-\d{1,2}-\d{1,2}([ T].*)?|\d{1,2}[./]\d{1,2}[./]\d{2,4}( .*)?")


@dataclass(frozen=True)
class Guessed:
    """What is in which column.

    Attributes:
        text: the column; of several texts a list.
        label: the column; a list of several people's or models'; None where a second file has the labels.
        reading: further options of `Files`, where they are not the usual ones.
        rows: how many there are to learn from: those that nobody labelled are not.
        said: sentences on what was guessed.
        several: whether rows have labels of several sources.
    """

    text: str | list[str]
    label: str | list[str] | None
    reading: dict[str, Any]
    rows: int
    said: tuple[str, ...]
    several: bool = False


def guess_columns(
    files: Files,
    text: str | None = None,
    label: str | Sequence[str] | None = None,
    ids: str | None = None,
    rows: Rows | None = None,
) -> Guessed:
    """The columns of a table; those that are named, here or in `files`, are only looked for.

    Args:
        label: a column; several, where several people or models label the rows.
        rows: of the table, which is no file then; None: they are read.

    Raises:
        InputError: the file cannot be read, a named column is not there, or no column looks like it.
    """
    named_text = text or (None if files.text == Files.text else files.text)
    asked = [label] if isinstance(label, str) else list(label or ())
    named_label = asked or ([] if files.label == Files.label else files.labels)
    if files.votes is not None and asked:
        raise InputError(
            f"the labels are in {files.votes} and in columns ({some_of(asked)}); name either --votes or --label",
            where=files.votes,
            key="--label",
        )
    files = replace(files, text=named_text or Files.text, label=named_label or Files.label)
    if rows is None:
        if files.separator is None and named_text is None:
            files = replace(files, separator=files.likely_separator())
        rows = files.read(files.train, "data.train")
    wanted = [*(files.texts if named_text else ()), *named_label]
    rows = with_lists(rows.reaching(wanted), rows.table.column_names)
    for name in wanted:
        rows.require(name, "label" if name in named_label else "text")
    if (ids := ids or files.id) is not None:
        rows.require(ids, "id")
    for name, role in [*((name, "labels") for name in named_label), (files.annotator, "annotators")]:
        if named_text and name in files.texts:
            raise InputError(
                f"{files.train}: the column '{name}' is named for texts and for {role}; name two columns",
                where=files.train,
                key=name,
            )
    if not rows.table.num_rows:
        raise InputError(f"{files.train}: there are no rows under the names of the columns", where=files.train)
    of_sheets = str(rows.facts.get("sheet", "")).replace(SHEETS, "; another by --set data.sheet=NAME")
    sheet = f" (the sheet {of_sheets})" if of_sheets else ""
    spread = np.unique(np.linspace(0, rows.table.num_rows - 1, LOOKED_AT).astype(np.int64))
    values = {name: rows.table.column(name).take(spread).to_pylist() for name in rows.table.column_names}
    said = [f"sheet: {of_sheets}"] if of_sheets else []
    if files.votes is not None:
        files, told = with_vote_columns(files, rows, ids)
        said += told
    elif not named_label and (asked_of := questions(rows, files)):
        named_label = [asked_of]
        said.append(f"label: {asked_of}, of several people or models, who are named in {asked_of}{BY}")
    elif not named_label:
        others = [*(files.texts if named_text else ()), *((files.annotator,) if files.annotator else ())]
        named_label = [_label(values, others, files.train, sheet)]
        column = rows.table.column(named_label[0])
        of_lists = isinstance(next(iter(_there(values[named_label[0]])), None), list)
        kinds = _there((column.combine_chunks().flatten() if of_lists else column).unique().to_pylist())
        said.append(f"label: {named_label[0]} ({len(kinds):,} values); another one by --label")
    if named_text is None:
        named_text = _text(
            values, [*named_label, *((files.annotator,) if files.annotator else ())], files.train, sheet
        )
        said.append(f"text: {named_text} (the longest texts); another one by --text")
    said += _no_header(files, [*named_label, *([named_text] if isinstance(named_text, str) else named_text)], values)
    reading = {
        field.name: value for field in fields(files)
        if field.name not in ("train", "text", "label") and (value := getattr(files, field.name)) != field.default
    }  # fmt: skip
    one = named_label[0] if len(named_label) == 1 else named_label or None
    files = replace(files, text=named_text, label=one or Files.label)
    by_line, _ = one_row_each(rows.reaching(files.plain), files)
    said += several_lines(files, rows)
    several = not isinstance(one, str) or files.annotator is not None or voters_column(by_line.table, one) is not None
    return Guessed(named_text, one, reading, _labelled(by_line, one, several), tuple(said), several)


def _labelled(rows: Rows, label: str | list[str] | None, several: bool) -> int:
    """How many rows are learnt from, where each has one label or none."""
    if several or not isinstance(label, str) or pa.types.is_nested(rows.table.column(label).type):
        return rows.table.num_rows
    strings = label_strings(rows, label)
    return len(strings) - strings.null_count


def _label(values: dict[str, list[Any]], others: Collection[str], train: str, sheet: str) -> str:
    def fits(name: str) -> bool:
        there = _there(values[name])
        if not there or not all(isinstance(one, (str, int, float)) for one in there):
            return False
        numbers = all(map(_is_number, there))
        if (numbers and not all(float(one).is_integer() for one in there)) or all(map(_is_date, there)):
            return False
        again = AGAIN_KNOWN if _called_so(name) else AGAIN
        return 2 <= len(set(there)) <= min(MOST, max(len(there) / again, 2))

    names = [name for name in values if name not in others and fits(name)]
    names = [name for name in names if not names_people(name)] or names
    known = [name for wanted in LABELS for name in names if name.lower() == wanted]
    called = [name for name in names if _called_so(name)]
    words = [name for name in names if not all(_is_number(one) for one in _there(values[name]))]
    lists = [name for name in values if name not in others and _holds_lists(_there(values[name]))]
    among: list[str] = next(filter(None, (known[:1], called, words, names, lists)), [])
    if len(among) == 1:
        return among[0]
    if among:
        raise InputError(
            f"{train}{sheet}: several columns may be the labels: {some_of(among)}; name one with --label, or "
            "each in a --label of its own if they are what several people or models say of the rows, or classes of "
            "which several may hold (data.task=multi_label)",
            where=train,
            key="--label",
        )
    raise InputError(
        f"{train}{sheet}: no column looks like labels, a few values that come again and again; name it with --label "
        f"(columns: {some_of(_names(values))})",
        where=train,
        key="--label",
    )


def _no_header(files: Files, named: Sequence[str], values: dict[str, list[Any]]) -> list[str]:
    """A sentence where the first line seems to be a row like the others: a column is called as one of its values."""
    if files.header is not None or not any(name in values[name] for name in named if name in values):
        return []
    return [
        "the first line was taken for the names of the columns; if it is a row, name all of them: --set "
        "'data.header=[text, label]'"
    ]


def _holds_lists(there: list[Any]) -> bool:
    """Whether a column is of lists of a few names, or of whole numbers, that come again and again: the classes that
    hold of each row, or what several sources say of it."""
    if not there or not all(isinstance(one, list) for one in there):
        return False
    names = [name for one in there for name in one]
    of_one_kind = any(all(type(name) is kind for name in names) for kind in (str, int))
    if not names or not of_one_kind:
        return False
    return 2 <= len(set(names)) <= min(MOST, len(names) / AGAIN)


def _names(values: dict[str, list[Any]]) -> list[str]:
    """The columns as they can be named: of nested records the parts, such as ``content.text``."""
    named = []
    for name, column in values.items():
        first = next((one for one in column if one is not None), None)
        named += [f"{name}.{part}" for part in first] if isinstance(first, dict) else [name]
    return named


def _called_so(name: str) -> bool:
    """Whether a name is a usual one for labels, or ends in one: ``crowd_label``."""
    return bool({*LABELS} & {*_WORD.findall(name.lower())[-1:]})


def _there(column: list[Any]) -> list[Any]:
    """The values that are not missing."""
    return [one for one in column if one is not None and one != "" and one == one]


def _is_date(value: Any) -> bool:
    return isinstance(value, str) and _DATE.fullmatch(value) is not None


def _is_number(value: Any) -> bool:
    try:
        float(value)
    except (TypeError, ValueError, OverflowError):
        return False
    return True


def _text(values: dict[str, list[Any]], labels: Collection[str], train: str, sheet: str) -> str:
    lengths = {}
    for name, column in values.items():
        there = [one for one in column if isinstance(one, str)]
        if name not in labels and there:
            lengths[name] = mean(map(len, there))
    known = [name for wanted in TEXTS for name in lengths if name.lower() == wanted]
    longest = max(lengths, key=lambda name: lengths[name], default=None)
    if known and longest is not None and lengths[known[0]] * 2 >= lengths[longest]:
        return known[0]
    if longest is None or lengths[longest] < LONG:
        raise InputError(
            f"{train}{sheet}: no column looks like texts; name it with --text (columns: {some_of(_names(values))})",
            where=train,
            key="--text",
        )
    return longest

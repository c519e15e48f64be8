"""Which column of a table holds the texts, and which the labels, where nobody has said."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import mean
from typing import Any

from clc_text.data.tabular.separators import likely_separator
from clc_text.errors import InputError, some_of
from clc_text.text.datasets.files import Files

LOOKED_AT = 2000  # rows
TEXTS = ("text", "message", "body", "content", "sentence", "question", "review", "comment", "description", "utterance",
         "tweet", "title")  # fmt: skip
LABELS = ("label", "labels", "class", "category", "queue", "intent", "topic", "target", "sentiment", "tag", "y")
MOST = 1000  # classes
AGAIN = 5  # rows of a class, in the mean: fewer, and a column tells rows apart rather than classes
LONG = 12  # characters of a text, in the mean, at least


@dataclass(frozen=True)
class Guessed:
    """What is in which column.

    Attributes:
        text, label: names of columns.
        separator: between columns, where it is not the usual one.
        rows: how many there are.
        said: sentences on what was guessed.
    """

    text: str
    label: str
    separator: str | None
    rows: int
    said: tuple[str, ...]


def guess_columns(train: str, text: str | None = None, label: str | None = None) -> Guessed:
    """The columns of a file that `Files` reads; those that are named are only looked for.

    Raises:
        InputError: the file cannot be read, a named column is not there, or no column looks like it.
    """
    separator = None
    rows = Files(train=train, text=text or "text", label=label or "label").read(train, "data.train")
    columns = rows.table.column_names
    if len(columns) == 1 and (found := likely_separator(columns)) is not None:
        separator = found
        rows = Files(train=train, text=text or "text", label=label or "label", separator=found).read(
            train, "data.train"
        )
    rows = rows.reaching([name for name in (text, label) if name])
    for name, option in ((text, "text"), (label, "label")):
        if name is not None:
            rows.require(name, option)
    values = {name: rows.table.column(name).slice(0, LOOKED_AT).to_pylist() for name in rows.table.column_names}
    said = []
    if label is None:
        label = _label(values, text, train)
        kinds = len({one for one in values[label] if one is not None})
        said.append(f"label: {label} ({kinds:,} values); another one by --label")
    if text is None:
        text = _text(values, label, train)
        said.append(f"text: {text} (the longest texts); another one by --text")
    return Guessed(text, label, separator, rows.table.num_rows, tuple(said))


def _label(values: dict[str, list[Any]], text: str | None, train: str) -> str:
    def fits(name: str) -> bool:
        there = [one for one in values[name] if one is not None and one != ""]
        if not there or not all(isinstance(one, (str, int)) for one in there):
            return False
        return 2 <= len(set(there)) <= min(MOST, len(there) / AGAIN)

    names = [name for name in values if name != text and fits(name)]
    known = [name for wanted in LABELS for name in names if name.lower() == wanted]
    texts = [name for name in names if not all(_is_number(one) for one in values[name] if one is not None)]
    if known:
        return known[0]
    if len(texts) == 1 or (not texts and len(names) == 1):
        return (texts or names)[0]
    if names:
        raise InputError(f"{train}: several columns may be the labels: {some_of(names)}; name one with --label")
    raise InputError(
        f"{train}: no column looks like labels, a few values that come again and again; name it with --label "
        f"(columns: {some_of(list(values))})"
    )


def _is_number(value: Any) -> bool:
    try:
        float(value)
    except ValueError:
        return False
    return True


def _text(values: dict[str, list[Any]], label: str, train: str) -> str:
    lengths = {}
    for name, column in values.items():
        there = [one for one in column if isinstance(one, str)]
        if name != label and there:
            lengths[name] = mean(map(len, there))
    known = [name for wanted in TEXTS for name in lengths if name.lower() == wanted]
    longest = max(lengths, key=lambda name: lengths[name], default=None)
    if known and longest is not None and lengths[known[0]] * 2 >= lengths[longest]:
        return known[0]
    if longest is None or lengths[longest] < LONG:
        raise InputError(
            f"{train}: no column looks like texts; name it with --text (columns: {some_of(list(values))})"
        )
    return longest

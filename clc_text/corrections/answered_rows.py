"""The rows that answers are about, where these name them by their id or by their number in the file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from clc_text.corrections.answer_files import CLASS, Answer
from clc_text.corrections.identity import rows_called
from clc_text.corrections.same_text import is_same_text
from clc_text.corrections.source import asked_of
from clc_text.corrections.store import Corrected
from clc_text.errors import InputError, nearest, some_of
from clc_text.utils.shown import printable
from clc_text.utils.spreadsheet import as_it_was

_SHOWN = 70  # characters of a text in a message


def with_numbers(corrected: Corrected, answers: list[Answer], path: Path) -> list[Answer]:
    """The answers, each with the number of its row in the run.

    Of a multi-label run `source_row` names a text, and the column `CLASS` says which of its pairs is answered.

    Where a table has `source_row` or the text beside another name, both have to be of the same row: of a table in
    which one column alone was sorted, shifted or filled down, every answer would go to another row's text.

    Raises:
        InputError: the run does not know what rows are named by, no row is called so, two columns name different rows,
            the text is not the row's, or it is not said which class of a text is answered.
    """
    wanted: dict[str, set[str]] = {}
    for answer in answers:
        if answer.named_by != "row":
            wanted.setdefault(answer.named_by, set()).update(_readings(answer))
    row_of = {key: found for key, names in wanted.items() if (found := rows_called(corrected, key, names)) is not None}
    asked = corrected.run.asked
    numbered = [answer if answer.named_by == "row" else _numbered(answer, row_of, asked, path) for answer in answers]
    beside = any(answer.source_row is not None for answer in answers)
    source_row = corrected.run.labels().source_row if beside else None
    if source_row is not None:
        for written, answer in zip(answers, numbered, strict=True):
            _check_the_same(written, row_number(answer.row), source_row, path)
    _check_texts(corrected, answers, [row_number(answer.row) for answer in numbered], path)
    return numbered


def _check_texts(corrected: Corrected, answers: list[Answer], rows: list[int | None], path: Path) -> None:
    """Refuses an answer to a row whose text is not the one beside the answer.

    Args:
        rows: of each answer; what is None, or no row's number, is refused elsewhere, as is another run's answer.
    """
    runs = (None, "", corrected.facts["run_id"])
    with_text = [
        (answer, answer.text, row)
        for answer, row in zip(answers, rows, strict=True)
        if answer.text is not None and answer.run_id in runs and row is not None and row < corrected.rows
    ]
    if not with_text:
        return
    numbers = np.array([row for *_, row in with_text], np.int64)
    before = asked_of(
        [""] * len(numbers), numbers, corrected.run.asked
    )  # the class, where several are asked of a text
    for (answer, theirs, _), ours, asked in zip(with_text, corrected.inputs(numbers), before, strict=True):
        if not isinstance(ours, str) or any(is_same_text(one, theirs) for one in (ours, ours.removeprefix(asked))):
            continue
        place = f"{path}, {answer.where}"
        named = printable(str(answer.row), 60)
        raise InputError(
            f"{place}: beside {answer.named_by} {named} stands the text '{printable(theirs, _SHOWN)}', and that row's "
            f"is '{printable(ours, _SHOWN)}'; was one column sorted without the others? Take all as they were "
            "exported, or leave the column 'text' out",
            where=place,
            key="text",
        )


def _check_the_same(answer: Answer, row: int | None, source_row: np.ndarray, path: Path) -> None:
    """Refuses an answer to `row` beside which stands another number in the file; `source_row`: int [N], of all."""
    beside = row_number(answer.source_row)
    if beside is None or row is None or row >= len(source_row) or source_row[row] == beside:
        return
    place = f"{path}, {answer.where}"
    named, other = (printable(str(name), 60) for name in (answer.row, answer.source_row))
    raise InputError(
        f"{place}: {answer.named_by} {named} and source_row {other} are two different rows; was one column sorted "
        "without the others? Take both as they were exported, or leave one of them out",
        where=place,
        key="source_row",
    )


def _readings(answer: Answer) -> tuple[str, ...]:
    """What a row may be called; a spreadsheet may have made a decimal number of it."""
    written = str(answer.row).strip()
    return written, as_it_was(written), written.removesuffix(".0")


def _numbered(answer: Answer, row_of: dict[str, dict[str, int]], asked: list[str], path: Path) -> Answer:
    rows = row_of.get(answer.named_by)
    if rows is None:
        raise InputError(
            f"{path} names rows by '{answer.named_by}', which this run does not know; name them by 'row' as an "
            "export does",
            where=path,
            key=answer.named_by,
        )
    row = next((rows[reading] for reading in _readings(answer) if reading in rows), None)
    if row is None:
        written = str(answer.row).strip()
        raise InputError(
            f"{path}, {answer.where}: there is no row whose {answer.named_by} is '{printable(written, 60)}'",
            where=f"{path}, {answer.where}",
            key=printable(written, 60),
        )
    if asked and answer.named_by == "source_row":
        row = row // len(asked) * len(asked) + _class_asked(answer, asked, path)
    return replace(answer, row=row)


def _class_asked(answer: Answer, asked: list[str], path: Path) -> int:
    """Which of the classes of a text is answered."""
    written = "" if answer.of_class is None else str(answer.of_class)
    for reading in (written, written.strip(), as_it_was(written.strip())):
        if reading in asked:
            return asked.index(reading)
    place = f"{path}, {answer.where}"
    if not written.strip():
        raise InputError(
            f"{place}: '{answer.named_by}' names a text, of which {len(asked)} classes are asked "
            f"({some_of(asked, 5)}); say in a column '{CLASS}' which one the answer is about, or name pairs by 'row'",
            where=place,
            key=CLASS,
        )
    shown = printable(written, 60)
    raise InputError(f"{place}: no class '{shown}' is asked{nearest(shown, asked)}", where=place, key=shown)


def row_number(value: Any) -> int | None:
    """The number that a table or a tool writes for a row; None where it is none."""
    if isinstance(value, bool):
        return None
    if isinstance(value, float):
        return int(value) if value.is_integer() else None
    text = str(value).strip()
    text = text.removesuffix(".0")  # a spreadsheet may have made a decimal number of it
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None

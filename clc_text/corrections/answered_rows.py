"""The rows that answers are about, where these name them by their id or by their number in the file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from clc_text.corrections.answer_files import Answer
from clc_text.corrections.identity import rows_called
from clc_text.corrections.store import Corrected
from clc_text.errors import InputError
from clc_text.utils.shown import printable
from clc_text.utils.spreadsheet import as_it_was


def with_numbers(corrected: Corrected, answers: list[Answer], path: Path) -> list[Answer]:
    """The answers, each with the number of its row in the run.

    Raises:
        InputError: the run does not know what rows are named by, or no row is called so.
    """
    wanted: dict[str, set[str]] = {}
    for answer in answers:
        if answer.named_by != "row":
            wanted.setdefault(answer.named_by, set()).update(_readings(answer))
    if not wanted:
        return answers
    row_of = {key: found for key, names in wanted.items() if (found := rows_called(corrected, key, names)) is not None}
    return [answer if answer.named_by == "row" else _numbered(answer, row_of, path) for answer in answers]


def _readings(answer: Answer) -> tuple[str, ...]:
    """What a row may be called; a spreadsheet may have made a decimal number of it."""
    written = str(answer.row).strip()
    return written, as_it_was(written), written.removesuffix(".0")


def _numbered(answer: Answer, row_of: dict[str, dict[str, int]], path: Path) -> Answer:
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
    return replace(answer, row=row)

"""The rows that answers are about, where these name them by their id or by their number in the file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from clc_text.corrections.answer_files import Answer
from clc_text.corrections.identity import names_of
from clc_text.corrections.store import Corrected
from clc_text.errors import InputError
from clc_text.utils.shown import printable
from clc_text.utils.spreadsheet import as_it_was


def with_numbers(corrected: Corrected, answers: list[Answer], path: Path) -> list[Answer]:
    """The answers, each with the number of its row in the run.

    Raises:
        InputError: the run does not know what rows are named by, or no row is called so.
    """
    if all(answer.named_by == "row" for answer in answers):
        return answers
    known = names_of(corrected, np.arange(corrected.facts["rows"]))
    row_of: dict[str, dict[str, int]] = {}
    for row, called in enumerate(known):
        for key, value in called.items():
            row_of.setdefault(key, {})[str(value)] = row
    return [answer if answer.named_by == "row" else _numbered(answer, row_of, path) for answer in answers]


def _numbered(answer: Answer, row_of: dict[str, dict[str, int]], path: Path) -> Answer:
    rows = row_of.get(answer.named_by)
    if rows is None:
        raise InputError(
            f"{path} names rows by '{answer.named_by}', which this run does not know; name them by 'row' as an "
            "export does"
        )
    written = str(answer.row).strip()
    # A spreadsheet may have made a decimal number of it.
    readings = (written, as_it_was(written), written.removesuffix(".0"))
    row = next((rows[reading] for reading in readings if reading in rows), None)
    if row is None:
        raise InputError(
            f"{path}, {answer.where}: there is no row whose {answer.named_by} is '{printable(written, 60)}'"
        )
    return replace(answer, row=row)

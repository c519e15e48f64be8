"""Why rows were asked about: `RUN/asked.jsonl`, one line an answered row, or one that people could not agree on.

    row        its number in the run
    why        "random" or "doubt" (`clc_text.corrections.asking.draw`); "" where nobody knows
    inclusion  the probability with which it was drawn, above 0 and at most 1; null where nobody knows
    asked      the step of the corrected dataset at which it was drawn; the rows of one step are one draw. Below 0 in a
               run that was trained with the answers of another
    answered   the step that took the answer over, on the same count; 0 where none was, since people differed
    again      of a row that was answered more than once, how often each class was chosen, the most frequent first;
               empty where one answered

What came back with an answer is written before the answer itself is taken over, so that none is ever counted as what
it is not: an answer without a line was chosen nobody knows how.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from clc_text.corrections.asking.draw import DOUBT, RANDOM
from clc_text.errors import InputError
from clc_text.utils.files import write_text
from clc_text.utils.shown import printable

FILE = "asked.jsonl"
UNKNOWN = ""
COLUMNS = ("why", "inclusion", "asked")
"""What an exported row says of it, and an answer brings back."""


@dataclass(frozen=True)
class Asked:
    """How one row came to be asked about; the module says what each means."""

    why: str = UNKNOWN
    inclusion: float | None = None
    asked: int | None = None
    answered: int = 0
    again: tuple[int, ...] = ()

    @property
    def random(self) -> bool:
        return self.why == RANDOM


def asked_of(entry: Mapping[str, Any], place: str) -> Asked | None:
    """What a row of an answer file says of how it was chosen; None where it says nothing.

    Raises:
        InputError: it says something that cannot be.
    """
    values = [entry.get(name) for name in COLUMNS]
    if all(value is None or value != value or str(value).strip() == "" for value in values):
        return None
    why = str(values[0]).strip()
    try:
        inclusion, asked = (float(str(value).strip().replace(",", ".")) for value in values[1:])
    except ValueError:
        inclusion = asked = math.nan
    if why not in (RANDOM, DOUBT) or not 0 < inclusion <= 1 or asked != asked // 1:
        said = ", ".join(f"{name} '{printable(str(value), 20)}'" for name, value in zip(COLUMNS, values, strict=True))
        raise InputError(
            f"{place}: how this row was chosen ({said}) was changed since the export; bring the three columns back as "
            "they were, or empty all of them: the answer then does not count as one drawn at random",
            where=place,
        )
    return Asked(why, inclusion, int(asked))


def remember(run: Path, asked: Mapping[int, Asked]) -> None:
    """Adds how answered rows were chosen; a row that is there already is as it was when it was answered first, and
    what several people chose is what they did last."""
    known = read_asked(run)
    now = known.copy()
    for row, one in asked.items():
        first = known.get(row, one)
        now[row] = replace(first if first.answered else one, again=one.again or first.again)
    if now == known:
        return
    lines = [json.dumps({"row": row, **vars(one)}) for row, one in now.items()]
    write_text(run / FILE, "\n".join(lines) + "\n")


def read_asked(run: Path) -> dict[int, Asked]:
    """How the rows of a run were chosen, by their numbers; empty without the file.

    Raises:
        InputError: it is damaged.
    """
    path = run / FILE
    if not path.is_file():
        return {}
    asked: dict[int, Asked] = {}
    try:
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            entry = json.loads(line)
            one = asked_of(entry, f"{path}, line {number}") or Asked()
            again = tuple(int(count) for count in entry.get("again", ()))
            if again and (min(again) < 1 or sum(again) < 2):
                raise ValueError("`again` has no two answers")
            asked[int(entry["row"])] = replace(one, answered=int(entry["answered"]), again=again)
    except (ValueError, KeyError, TypeError, AttributeError, OSError) as error:
        raise InputError(
            f"{path} is damaged ({str(error)[:100]}); bring it back, or remove it: the answers then do not count as "
            "drawn at random",
            where=path,
        ) from None
    return asked


def inclusions(rows: np.ndarray, asked: Mapping[int, Asked]) -> np.ndarray:
    """float64 [n], the inclusion probability of each row; nan where it is not known."""
    chances = [asked.get(row, Asked()).inclusion for row in rows.tolist()]
    return np.array([math.nan if one is None else one for one in chances])


def before(asked: Mapping[int, Asked], last: int) -> dict[int, Asked]:
    """As a run has it that begins after step `last` of the one that was asked: all steps below 0."""
    return {
        row: replace(
            one,
            asked=None if one.asked is None else one.asked - last - 1,
            answered=one.answered and one.answered - last - 1,
        )
        for row, one in asked.items()
    }

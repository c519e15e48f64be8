"""Answers that a page has given and that are not taken over yet: `RUN/review.jsonl`, one line an answer.

    run_id   of the run that was asked
    row      its number there
    label    the class number; null: the answer before it was taken back
    why, inclusion, asked    how the row was chosen (`clc_text.corrections.asking.asked`)

Each line is on the disk before the page is told that it was saved. A later line of a row takes the place of an earlier
one; one without an end was being written when the machine stopped, and is none.
"""

from __future__ import annotations

import json
import os

import numpy as np

from clc_text.corrections.answers import Checked, TakenOver, lock_in
from clc_text.corrections.asking.asked import COLUMNS, Asked, asked_of
from clc_text.corrections.store import Corrected
from clc_text.errors import InputError

FILE = "review.jsonl"


class Journal:
    """The answers of one run.

    Raises:
        InputError: its file is damaged, or holds answers to another run.
    """

    def __init__(self, corrected: Corrected) -> None:
        self.path = corrected.run.file(FILE)
        self.run_id: str = corrected.facts["run_id"]
        self.found: dict[int, tuple[int, Asked]] = {}
        self._rows, self._classes = corrected.rows, len(corrected.facts["label_names"])
        self._read()

    @property
    def answers(self) -> dict[int, int]:
        """The class of every row that is answered."""
        return {row: label for row, (label, _) in self.found.items()}

    def add(self, row: int, label: int | None, asked: Asked) -> None:
        """Writes an answer, or takes one back, and returns when it is on the disk."""
        entry = {"run_id": self.run_id, "row": row, "label": label, **{name: vars(asked)[name] for name in COLUMNS}}
        with open(self.path, "a", encoding="utf-8") as handle:
            handle.write(json.dumps(entry) + "\n")
            handle.flush()
            os.fsync(handle.fileno())
        self._take(row, label, asked)

    def take_over(self, corrected: Corrected) -> TakenOver | None:
        """Locks the answers in (see `apply_answers`) and removes the journal; None where there are none."""
        if not self.found:
            self.path.unlink(missing_ok=True)
            return None
        rows = np.array(list(self.found), np.int64)
        labels = np.array([label for label, _ in self.found.values()], np.int32)
        asked = {row: one for row, (_, one) in self.found.items()}
        summary = lock_in(corrected, Checked(rows, labels, [], 0, asked), FILE)
        self.path.unlink(missing_ok=True)
        self.found = {}
        return summary

    def _take(self, row: int, label: int | None, asked: Asked) -> None:
        self.found.pop(row, None)
        if label is not None:
            self.found[row] = (label, asked)

    def _read(self) -> None:
        if not self.path.is_file():
            return
        lines = self.path.read_bytes().split(b"\n")
        for number, line in enumerate(lines[:-1], 1):
            place = f"{self.path}, line {number}"
            try:
                entry = json.loads(line)
                row, label = entry["row"], entry["label"]
                whole = type(row) is int and 0 <= row < self._rows
                whole = whole and (label is None or (type(label) is int and 0 <= label < self._classes))
                if entry["run_id"] == self.run_id and not whole:
                    raise ValueError("there is no such row or class")
                asked = asked_of(entry, place) or Asked()
            except InputError:
                raise
            except (ValueError, KeyError, TypeError) as error:
                raise InputError(
                    f"{place}: damaged ({error!s:.100}); mend the line, or remove it", where=place
                ) from None
            if entry["run_id"] != self.run_id:
                other = f"{entry['run_id']!s:.40}"
                raise InputError(f"{place}: an answer to run {other}, not to {self.run_id}; move it away", where=place)
            self._take(row, label, asked)
        if lines[-1]:  # cut off, or the next answer would go on in its line
            whole_size = self.path.stat().st_size - len(lines[-1])
            with open(self.path, "r+b") as handle:
                handle.truncate(whole_size)

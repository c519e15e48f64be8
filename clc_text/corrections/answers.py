"""A person's answers: read from a CSV file, Argilla's records or Label Studio's exports, checked, and locked in."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from clc_text.corrections.export import QUESTION
from clc_text.corrections.spreadsheet import as_it_was
from clc_text.corrections.state import PERSON
from clc_text.corrections.store import Corrected, Progress, Step, silent
from clc_text.errors import InputError, nearest

_LONGEST_FIELD = 2**31 - 1  # the module's own limit is 131,072 characters, and a text may be longer
ANSWER_COLUMNS = ("answer", QUESTION, "choice")  # of a CSV file, the first that is there


@dataclass(frozen=True)
class Answer:
    """One answer as the file has it.

    Attributes:
        where: the place in the file, such as ``line 7``.
        row: what names the row.
        label: what names the class.
        run_id: of the run that the question came from; None where the file does not say.
    """

    where: str
    row: Any
    label: Any
    run_id: Any = None


def apply_answers(corrected: Corrected, path: Path, progress: Progress = silent) -> dict[str, int]:
    """Takes a person's answers over; a row so answered is locked.

    Returns:
        ``answers`` (rows answered), ``new``, ``changed_mind`` (rows that had another answer of a person before),
        ``corrected`` (answers that are not the given label) and ``confirmed`` (answers that are it).

    Raises:
        InputError: the file is not readable, has no answer, names an unknown row or class, answers one row in two
            ways, or belongs to another run; nothing is then changed.
    """
    names = corrected.facts["label_names"]
    before = corrected.state()
    rows, labels = _checked(list(read_answers(path)), path, names, len(before), corrected.facts["run_id"])
    after = before.with_labels(rows, labels, PERSON)
    was_answered = before.source[rows] == PERSON
    summary = {
        "answers": len(rows),
        "new": int((~was_answered).sum()),
        "changed_mind": int((was_answered & (before.label[rows] != labels)).sum()),
        "corrected": int((labels != before.given[rows]).sum()),
        "confirmed": int((labels == before.given[rows]).sum()),
    }
    corrected.write(after, Step("apply", {"file": path.name, **summary}), progress)
    return summary


def check_answers_taken_over(corrected: Corrected, path: Path) -> None:
    """Refuses a file, about to be written anew, in which people have answered rows that are not answered here yet.

    Raises:
        InputError: there are such answers.
    """
    if not path.is_file() or path.stat().st_size == 0:
        return
    names, state = corrected.facts["label_names"], corrected.state()
    try:
        answers = list(read_answers(path))
        if not answers:
            return
        rows, labels = _checked(answers, path, names, len(state), corrected.facts["run_id"])
    except InputError as error:
        raise InputError(
            f"{path} is there already, and its answers cannot be taken over ({error}); choose another file with --out"
        ) from None
    still_open = int(((state.source[rows] != PERSON) | (state.label[rows] != labels)).sum())
    if still_open:
        raise InputError(
            f"{path} has {still_open} answers that were not taken over yet; do that first (clc-text apply), or choose "
            "another file with --out"
        )


def _checked(
    answers: list[Answer], path: Path, names: list[str], rows: int, run_id: str
) -> tuple[np.ndarray, np.ndarray]:
    """Row numbers int64 [n] and classes int32 [n] of answers that can be taken over as they are."""
    if not answers:
        raise InputError(f"{path} holds no answer: every one is empty")
    number = {name: index for index, name in enumerate(names)}
    found: dict[int, tuple[int, str]] = {}
    for answer in answers:
        if answer.run_id not in (None, "", run_id):
            raise InputError(
                f"{path}, {answer.where}: this answer belongs to run {answer.run_id}, not to {run_id}; apply it there"
            )
        row = _row_number(answer.row)
        if row is None or not 0 <= row < rows:
            raise InputError(f"{path}, {answer.where}: there is no row '{answer.row}'; rows are 0 to {rows - 1}")
        label = str(answer.label)
        if label not in number:
            label = label.strip()  # what a person typed
        if label not in number:
            label = as_it_was(label)
        if label not in number:
            raise InputError(f"{path}, {answer.where}: there is no class '{label}'{nearest(label, names)}")
        earlier = found.get(row)
        if earlier is not None and earlier[0] != number[label]:
            raise InputError(
                f"{path}, {answer.where}: row {row} is answered '{label}' here and '{names[earlier[0]]}' in "
                f"{earlier[1]}; keep one of them"
            )
        found.setdefault(row, (number[label], answer.where))
    return np.array(list(found), np.int64), np.array([label for label, _ in found.values()], np.int32)


def _row_number(value: Any) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, float):
        return int(value) if value.is_integer() else None
    text = str(value).strip()
    text = text.removesuffix(".0")  # a spreadsheet may have made a decimal number of it
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def read_answers(path: Path) -> Iterator[Answer]:
    """The answers in a file, without empty ones.

    Raises:
        InputError: the file is missing, or in none of the formats.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise InputError(f"there is no file {path}") from None
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8 (byte {error.start}); save it as UTF-8") from None
    if not text.strip():
        raise InputError(f"{path} is empty")
    if text.lstrip()[0] not in "[{":
        yield from _from_csv(text, path)
        return
    try:
        entries = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} is not readable JSON: {error}") from None
    entries = entries if isinstance(entries, list) else [entries]
    for index, entry in enumerate(entries, start=1):
        if not isinstance(entry, dict):
            raise InputError(f"{path}, entry {index}: expected an object of keys and values, got {str(entry)[:40]}")
        try:
            yield from _from_json(entry, f"entry {index}", path)
        except (AttributeError, TypeError, KeyError, IndexError):
            raise InputError(
                f"{path}, entry {index}: neither a record of Argilla nor a task of Label Studio; export it from there "
                "as JSON again"
            ) from None


def _from_csv(text: str, path: Path) -> Iterator[Answer]:
    csv.field_size_limit(_LONGEST_FIELD)
    header = text.split("\n", 1)[0]
    separator = max(",;\t", key=header.count)
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        columns = reader.fieldnames or []
        answer = next((name for name in ANSWER_COLUMNS if name in columns), None)
        if "row" not in columns or answer is None:
            raise InputError(
                f"{path} has the columns {', '.join(map(repr, columns))}; it needs 'row' and one of "
                f"{', '.join(map(repr, ANSWER_COLUMNS))}"
            )
        for entry in reader:
            if (entry[answer] or "").strip():
                yield Answer(f"line {reader.line_num}", entry["row"], entry[answer], entry.get("run_id"))
    except csv.Error as error:
        raise InputError(f"{path}, line {reader.line_num}: not readable as CSV ({error})") from None


def _from_json(entry: dict[str, Any], where: str, path: Path) -> Iterator[Answer]:
    if "fields" in entry and "responses" in entry:
        metadata = entry.get("metadata") or {}
        for response in (entry["responses"] or {}).get(QUESTION) or []:
            if response["value"] is None:  # discarded
                continue
            yield Answer(where, entry["id"], response["value"], metadata.get("run_id"))
    elif "data" in entry:
        data = entry["data"]
        for annotation in entry.get("annotations") or []:
            if annotation.get("was_cancelled"):
                continue
            for result in annotation["result"]:
                if result["from_name"] == QUESTION and result["value"]["choices"]:
                    yield Answer(where, data["row"], _one(result["value"]["choices"], where, path), data.get("run_id"))
    elif "row" in entry:  # Label Studio's JSON-MIN: the data and the answers side by side
        chosen = entry.get(QUESTION)
        if isinstance(chosen, dict):
            chosen = chosen["choices"]
        if chosen:
            label = _one(chosen, where, path) if isinstance(chosen, list) else chosen
            yield Answer(where, entry["row"], label, entry.get("run_id"))
    else:
        raise KeyError("data")


def _one(choices: list[Any], where: str, path: Path) -> Any:
    if len(choices) > 1:
        raise InputError(
            f"{path}, {where}: {len(choices)} classes are chosen ({', '.join(map(str, choices))}); choose one"
        )
    return choices[0]

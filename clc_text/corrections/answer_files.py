"""The files in which people's answers come: tables, Argilla's records and Label Studio's exports."""

from __future__ import annotations

import csv
import gzip
import io
import json
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from clc_text.corrections.asking.asked import COLUMNS, Asked, asked_of
from clc_text.corrections.export_formats import QUESTION
from clc_text.data.tabular.json_shapes import rows_of_object
from clc_text.data.tabular.json_words import wrong_in_words
from clc_text.data.tabular.separators import declared_separator
from clc_text.data.tabular.workbook import UNPACKED, read_workbook
from clc_text.errors import InputError, some_of
from clc_text.utils.files import check_regular

_LONGEST_FIELD = 2**31 - 1  # the module's own limit is 131,072 characters, and a text may be longer
ANSWER_COLUMNS = ("answer", QUESTION, "choice")  # of a table, the first that is there
# What an export of ours holds beside the answer, and what Label Studio adds in its CSV and JSON-MIN.
_OUR_COLUMNS = {"row", "source_id", "source_row", "text", "image", "given", "current", "suggested", "confidence"}
_OUR_COLUMNS |= {"doubt", "changed", "copies", "run_id", "votes", *COLUMNS}
KEYS = ("row", "source_id", "source_row")  # of a table, what names a row: the first that is there
CLASS = "class"  # of a table, which class is asked, where several may hold of a row that `source_row` names
_MARKS = {"annotator", "annotation_id"}
_ITS_COLUMNS = _MARKS | {"id", "created_at", "updated_at", "lead_time"}
_HOW_ARGILLA_SAYS_IT = "dataset.records(with_responses=True).to_datasets().to_json('answers.jsonl')"

Entry = tuple[str, dict[str, Any]]
"""A place in the file, such as ``line 7``, and what stands there."""


@dataclass(frozen=True)
class Answer:
    """One answer as the file has it.

    Attributes:
        where: the place in the file, such as ``line 7``.
        row: what names the row.
        labels: what names the class; several, where somebody chose several.
        run_id: of the run that the question came from; None where the file does not say.
        question: what the tool calls the question; None in a plain table.
        named_by: what `row` is: one of `KEYS`.
        of_class: what stands in the column `CLASS`; None where there is none.
        source_row: the row's number in its file, where a table names it beside `row`; None otherwise.
        text: what a table shows as the row's text; None where it shows none.
        harmless: of a table of ours, in which `harmless` has written the classes.
        asked: how the row was chosen to be asked about; None where the file does not say.
    """

    where: str
    row: Any
    labels: tuple[Any, ...]
    run_id: Any = None
    question: str | None = None
    harmless: bool = False
    named_by: str = "row"
    of_class: Any = None
    source_row: Any = None
    text: str | None = None
    asked: Asked | None = None


class _Reading:
    """The answers of one file, and how many were no answers yet."""

    def __init__(self, path: Path, question: str | None) -> None:
        self.path = path
        self.question = question
        self.unsubmitted = 0

    def answers(self, entries: Iterable[Entry]) -> list[Answer]:
        answered = self._of_one_question([answer for where, entry in entries for answer in self._of(where, entry)])
        if not answered and self.unsubmitted:
            what = "1 is" if self.unsubmitted == 1 else f"{self.unsubmitted:,} are"
            raise InputError(
                f"{self.path} holds no answer that was submitted: {what} a draft, discarded or skipped",
                where=self.path,
            )
        return answered

    def _of(self, where: str, entry: dict[str, Any]) -> Iterator[Answer]:
        try:
            if any(name.endswith(".responses") for name in entry):
                yield from self._flattened_record(where, entry)
            elif "fields" in entry and "responses" in entry:
                yield from self._record(where, entry)
            elif isinstance(entry.get("data"), dict):
                yield from self._task(where, entry)
            elif any(key in entry for key in KEYS):
                yield from self._table_row(where, entry)
            else:
                raise KeyError("row")
        except (AttributeError, TypeError, KeyError, IndexError):
            raise InputError(
                f"{self.path}, {where}: neither a record of Argilla nor a task of Label Studio, nor `row` and an "
                "answer; export it from there as JSON again",
                where=f"{self.path}, {where}",
            ) from None

    # ---- Argilla 2: `records.to_list(flatten=True)`, `to_datasets()`; `records.to_json()` ----

    def _flattened_record(self, where: str, entry: dict[str, Any]) -> Iterator[Answer]:
        row = entry["row"] if entry.get("row") is not None else entry["id"]
        for name in entry:
            if not name.endswith(".responses"):
                continue
            values, statuses = entry[name] or [], entry.get(f"{name}.status")
            if values and not statuses:
                raise self._silent_on_status(where)
            for value, status in zip(values, statuses or [], strict=True):
                if self._submitted(status, value):
                    yield self._answer(where, row, value, entry, name.removesuffix(".responses"))

    def _record(self, where: str, entry: dict[str, Any]) -> Iterator[Answer]:
        metadata = entry.get("metadata") or {}
        row = metadata["row"] if metadata.get("row") is not None else entry["id"]
        responses = entry["responses"] or {}
        if isinstance(responses, list):  # as the server's own interface has them
            for response in responses:
                for question, given in (response.get("values") or {}).items():
                    if self._submitted(response["status"], given["value"]):
                        yield self._answer(where, row, given["value"], metadata, question)
            return
        for question, answers in responses.items():
            for response in answers or []:
                if response["value"] is None:
                    self.unsubmitted += 1
                elif "status" not in response:
                    raise self._silent_on_status(where)
                elif self._submitted(response["status"], response["value"]):
                    yield self._answer(where, row, response["value"], metadata, question)

    def _submitted(self, status: Any, value: Any) -> bool:
        taken = str(status).lower() == "submitted" and value is not None
        self.unsubmitted += not taken
        return taken

    def _silent_on_status(self, where: str) -> InputError:
        return InputError(
            f"{self.path}, {where}: this export of Argilla's does not say which answers were submitted, so drafts and "
            f"discarded ones would count as well; write {_HOW_ARGILLA_SAYS_IT}, which says it",
            where=f"{self.path}, {where}",
        )

    # ---- Label Studio: JSON, JSON-MIN and CSV ----

    def _task(self, where: str, entry: dict[str, Any]) -> Iterator[Answer]:
        data = entry["data"]
        self.unsubmitted += len(entry.get("drafts") or [])
        annotations = entry.get("annotations", entry.get("completions")) or []
        for annotation in annotations:
            if annotation.get("was_cancelled") or annotation.get("skipped"):
                self.unsubmitted += 1
                continue
            by = annotation.get("completed_by")
            by = by.get("email", by.get("id")) if isinstance(by, dict) else by
            place = where if by is None or len(annotations) == 1 else f"{where} by {by}"
            for result in annotation.get("result") or []:
                # Relations and regions stand in the same list: without choices, or with those of a part.
                chosen = result["value"].get("choices") if isinstance(result.get("value"), dict) else None
                if chosen and not {"start", "end", "x", "y"} & set(result["value"]):
                    yield self._answer(place, data["row"], chosen, data, result["from_name"])

    def _table_row(self, where: str, entry: dict[str, Any]) -> Iterator[Answer]:
        named = [self.question] if self.question else ANSWER_COLUMNS
        column = next((name for name in named if name in entry), None)
        if column is None and not self.question and _MARKS & set(entry):
            own = [name for name in entry if name not in _OUR_COLUMNS | _ITS_COLUMNS and not _is_blank(entry[name])]
            column = own[0] if len(own) == 1 else None
            if len(own) > 1:
                raise self._which(own)
        chosen = entry.get(column) if column else None
        if isinstance(chosen, str) and chosen.startswith('{"choices"'):
            chosen = json.loads(chosen)
        if isinstance(chosen, dict):
            chosen = chosen["choices"]
        if isinstance(chosen, list) and len(chosen) == 1 and isinstance(chosen[0], dict):
            chosen = chosen[0]["choices"]
        if not _is_blank(chosen):
            by = entry.get("annotator")
            place = where if _is_blank(by) else f"{where} by {by}"
            key = next(key for key in KEYS if key in entry)
            answer = self._answer(place, entry[key], chosen, entry, None)
            beside = None if key == "source_row" else entry.get("source_row")
            text = entry.get("text")
            yield replace(
                answer, harmless=column == ANSWER_COLUMNS[0], named_by=key, of_class=entry.get(CLASS),
                source_row=None if _is_blank(beside) else beside,
                text=text if isinstance(text, str) and text.strip() else None,
            )  # fmt: skip

    # ---- all of them ----

    def _answer(self, where: str, row: Any, chosen: Any, about: dict[str, Any], question: str | None) -> Answer:
        """`about`: what the export said of the row, as the tool gives it back."""
        labels = tuple(chosen) if isinstance(chosen, list) else (chosen,)
        asked = asked_of(about, f"{self.path}, {where}")
        return Answer(where, row, labels, about.get("run_id"), question, asked=asked)

    def _of_one_question(self, answers: list[Answer]) -> list[Answer]:
        """Those of the question that is asked for, of ours, or of the only one that there is."""
        asked = list(dict.fromkeys(answer.question for answer in answers if answer.question is not None))
        if not asked:
            return answers
        wanted = self.question or (asked[0] if len(asked) == 1 else QUESTION)
        if wanted not in asked:
            raise self._which(asked)
        return [answer for answer in answers if answer.question == wanted]

    def _which(self, asked: list[str]) -> InputError:
        listed = some_of([f"'{name[:60]}'" for name in asked], 10)
        if self.question:
            return InputError(
                f"{self.path} has no answers to '{self.question}', only to {listed}",
                where=self.path,
                key=self.question,
            )
        return InputError(
            f"{self.path} has answers to several questions ({listed}); name one by --question",
            where=self.path,
            key="--question",
        )


def read_answers(path: Path, question: str | None = None, encoding: str | None = None) -> list[Answer]:
    """The answers in a file, without empty ones and those that nobody has submitted.

    Args:
        path: a table (CSV, .xlsx, Parquet), JSON, JSON lines, or a folder of `Dataset.save_to_disk`.
        question: the tool's name of the question, or the table's column; None: `ANSWER_COLUMNS`, or the only one.
        encoding: of a text file; None: UTF-8, or UTF-16 where the file begins with its mark.

    Raises:
        InputError: the file is missing, in none of the formats, does not say what was submitted, or has answers to
            several questions.
    """
    return _Reading(path, question).answers(_entries(path, question, encoding))


def _entries(path: Path, question: str | None, encoding: str | None) -> Iterator[Entry]:
    try:
        if path.is_dir():
            yield from _from_folder(path, question)
            return
        check_regular(path, "file")
        with open(path, "rb") as handle:
            magic = handle.read(4)
            if magic not in (_ZIP, _PARQUET):
                content = magic + handle.read()
    except FileNotFoundError:
        raise InputError(f"there is no file {path}", where=path) from None
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}", where=path) from None
    if magic == _ZIP:
        yield from _from_workbook(path, question)
    elif magic == _PARQUET:
        yield from _from_parquet(path, question)
    else:
        text = _decoded(content, path, encoding)
        if not text.strip():
            raise InputError(f"{path} is empty", where=path)
        yield from (_from_json(text, path) if text.lstrip()[0] in "[{" else _from_csv(text, path, question))


_ZIP, _PARQUET, _GZIP, _OLD_EXCEL = b"PK\x03\x04", b"PAR1", b"\x1f\x8b", b"\xd0\xcf\x11\xe0"


def _decoded(content: bytes, path: Path, encoding: str | None) -> str:
    if content.startswith(_GZIP):
        try:
            with gzip.open(io.BytesIO(content)) as handle:
                content = handle.read(UNPACKED + 1)
        except (OSError, EOFError, zlib.error) as error:
            raise InputError(f"{path}: not a sound gzip file ({error}); fetch it again", where=path) from None
        if len(content) > UNPACKED:
            raise InputError(f"{path} unpacks to more than {UNPACKED >> 30} GB; are these answers?", where=path)
    if content.startswith(_OLD_EXCEL):
        raise InputError(
            f"{path} is a workbook of old Excel (.xls), or a protected one; save it as .xlsx or as CSV", where=path
        )
    marked = content.startswith((b"\xff\xfe", b"\xfe\xff")) and len(content) > 2
    chosen = encoding or ("utf-16" if marked else "utf-8-sig")
    try:
        return content.decode(chosen).removeprefix("\ufeff")
    except LookupError:
        raise InputError(f"there is no encoding '{encoding}'; write for example cp1252", key=encoding) from None
    except UnicodeDecodeError as error:
        name = encoding or ("UTF-16" if marked else "UTF-8")
        raise InputError(
            f"{path} is not {name} (byte {error.start}); save it as UTF-8, or name its encoding, as --encoding cp1252",
            where=path,
            key="--encoding",
        ) from None


def _from_json(text: str, path: Path) -> Iterator[Entry]:
    noun = "entry"
    try:
        entries = json.loads(text)
    except (ValueError, RecursionError) as error:
        lines = _json_lines(text, path)
        if lines is None:
            raise InputError(
                f"{path} is not readable JSON: {wrong_in_words(error, of_file=True)}; mend it, or export it anew",
                where=path,
            ) from None
        entries, noun = lines, "line"
    if isinstance(entries, dict):
        entries = rows_of_object(entries, str(path)) or [entries]
    for index, entry in enumerate(entries, start=1):
        if not isinstance(entry, dict):
            raise InputError(
                f"{path}, {noun} {index}: expected an object of keys and values, got {str(entry)[:40]}",
                where=path,
                row=index,
            )
        yield f"{noun} {index}", entry


def _json_lines(text: str, path: Path) -> list[Any] | None:
    """One value a line; None where that is not what the text is, by its first line.

    Raises:
        InputError: a later line is no JSON.
    """
    values: list[Any] = []
    for number, line in enumerate(text.split("\n"), 1):
        try:
            values += [json.loads(line)] if line.strip() else []
        except (ValueError, RecursionError) as error:
            if not values or not isinstance(values[0], dict):
                return None
            raise InputError(
                f"{path}, line {number}: not readable JSON: {wrong_in_words(error)}; mend it, or export it anew",
                where=f"{path}, line {number}",
                row=number,
            ) from None
    return values


def _from_csv(text: str, path: Path, question: str | None) -> Iterator[Entry]:
    csv.field_size_limit(_LONGEST_FIELD)
    declared = declared_separator(text.split("\n", 1)[0])
    if declared:
        text = text.split("\n", 1)[1] if "\n" in text else ""
    header = text.split("\n", 1)[0]
    separator = declared or max(",;\t", key=header.count)
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        _check_columns(path, list(reader.fieldnames or []), question)
        for entry in reader:
            line = reader.line_num + bool(declared)
            yield f"line {line}", {name: value for name, value in entry.items() if name is not None}
    except csv.Error as error:
        # The row that is wrong begins after the last that was read, and an open quote may take lines on lines into it.
        first = reader.line_num + 1 + bool(declared)
        what = str(error)
        if "unexpected end" in what:
            what = "a quote opens in the row that begins here, and no quote closes it; close it, or remove it"
        elif "expected after" in what:
            what = "in the row that begins here more follows after a closing quote; write a quote in a cell twice"
        raise InputError(f"{path}, line {first}: not readable as CSV: {what}", where=path, row=first) from None


def _from_workbook(path: Path, question: str | None) -> Iterator[Entry]:
    sheet = read_workbook(path)
    _check_columns(path, sheet.columns, question)
    sheet.refuse_holes_of_formulas([question] if question else ANSWER_COLUMNS)
    for number, row in enumerate(sheet.rows, sheet.first):
        yield f"row {number} of the sheet", dict(zip(sheet.columns, row, strict=True))


def _from_parquet(path: Path, question: str | None) -> Iterator[Entry]:
    import pyarrow as pa
    import pyarrow.parquet as parquet

    try:
        table = parquet.read_table(path, use_threads=False, partitioning=None)
    except (pa.ArrowInvalid, OSError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"{path}: not a whole Parquet file ({reason}); was it cut off?", where=path) from None
    yield from _of_table(table.to_pylist(), table.column_names, path, question)


def _from_folder(path: Path, question: str | None) -> Iterator[Entry]:
    import datasets

    try:
        rows = datasets.load_from_disk(str(path))
        if not isinstance(rows, datasets.Dataset):
            raise ValueError("several splits")
    except (OSError, ValueError, KeyError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise InputError(
            f"{path} is a folder, but not a dataset of `save_to_disk` ({reason[:100]}); name a file of answers",
            where=path,
        ) from None
    yield from _of_table(rows.to_list(), rows.column_names, path, question)


def _of_table(rows: list[dict[str, Any]], columns: list[str], path: Path, question: str | None) -> Iterator[Entry]:
    _check_columns(path, columns, question)
    for number, row in enumerate(rows, 1):
        yield f"entry {number}", row


def _check_columns(path: Path, columns: list[str], question: str | None) -> None:
    if any(name.endswith(".responses") for name in columns) or {"fields", "responses"} <= set(columns):
        return
    wanted = (question,) if question else ANSWER_COLUMNS
    if not set(KEYS) & set(columns) or not (_MARKS & set(columns) or set(wanted) & set(columns)):
        raise InputError(
            f"{path} has the columns {some_of([repr(name[:60]) for name in columns], 20)}; it needs one of "
            f"{', '.join(map(repr, KEYS))}, and one of {', '.join(map(repr, wanted))}",
            where=path,
        )


def _is_blank(value: Any) -> bool:
    return value is None or value != value or value == [] or (isinstance(value, str) and not value.strip())

"""Exports of annotation tools as rows: what several people, and a model, have answered to each text.

A task of Label Studio and a record of Argilla become one row: its texts (and metadata) as columns, and for each
question that was asked two lists side by side, `QUESTION` with the answers and `QUESTION_by` with who gave them. A
model's prediction or suggestion is one answer more. What was skipped, cancelled, discarded or left as a draft is no
answer.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from itertools import chain
from typing import Any

import pyarrow as pa

from clc_text.data.reading.rows import Rows
from clc_text.errors import InputError

BY = "_by"  # after a question's name, the column of who answers
RESPONSES = ".responses"  # after it in Argilla's flattened records
_PARTS = {"start", "end", "x", "y", "startOffset", "ranges"}  # of a text or picture, which an answer is about
SILENT = (
    "this export of Argilla's does not say which responses were submitted, so that drafts and discarded ones count as "
    "well; dataset.records(with_responses=True).to_datasets() says it"
)


def voters_column(table: pa.Table, label: str) -> str | None:
    """The column beside a column of lists that says who gave each of its labels; None where there is none."""
    name = f"{label}{BY}"
    lists = {
        one for one in (label, name) if one in table.column_names and pa.types.is_list(table.schema.field(one).type)
    }
    return name if lists == {label, name} else None


def rows_of_export(
    objects: Iterable[dict[str, Any]], where: str, noun: str, needed: Collection[str]
) -> tuple[Iterator[dict[str, Any]], dict[str, str]]:
    """The objects of a JSON file, those of an export as rows; and what is to be said of the export.

    Args:
        needed: columns that are read; only there are several classes chosen at once refused.

    Raises:
        InputError: an object is not like the first, or somebody chose several classes.
    """
    iterator = iter(objects)
    first = next(iterator, None)
    if first is None:
        return iter(()), {}
    every = chain([first], iterator)
    reader = _task if _is_task(first) else _record if _is_record(first) else None
    if reader is None:
        return every, {}
    facts = {"submitted": SILENT} if _is_record(first) and _says_nothing_of_drafts(first) else {}
    return _read(every, reader, where, noun, needed), facts


def _read(
    objects: Iterable[dict[str, Any]], reader: Any, where: str, noun: str, needed: Collection[str]
) -> Iterator[dict[str, Any]]:
    for number, one in enumerate(objects, 1):
        try:
            columns, answers = reader(one)
        except (AttributeError, TypeError, KeyError, IndexError):
            kind = "task of Label Studio" if reader is _task else "record of Argilla"
            raise InputError(
                f"{where}: {noun} {number} is no {kind} as the first one is; export it again", where=where, row=number
            ) from None
        for question, given in answers.items():
            for value, by in given:
                if isinstance(value, list) and len(value) > 1 and question in needed:
                    raise InputError(
                        f"{where}: {noun} {number}: {by} chose {len(value)} classes in '{question}'; a row has one",
                        where=where,
                        key=question,
                        row=number,
                    )
        lists = {name: [_one(value) for value, _ in given] for name, given in answers.items()}
        yield columns | lists | {f"{name}{BY}": [str(by) for _, by in given] for name, given in answers.items()}


def _one(value: Any) -> Any:
    return value[0] if isinstance(value, list) and len(value) == 1 else value


Answers = dict[str, list[tuple[Any, Any]]]
"""Of each question the answers and who gave them."""


def _is_task(one: dict[str, Any]) -> bool:
    return isinstance(one.get("data"), dict) and ("annotations" in one or "completions" in one)


def _task(one: dict[str, Any]) -> tuple[dict[str, Any], Answers]:
    columns = dict(one["data"])
    if "id" in one:
        columns.setdefault("id", one["id"])
    answers: Answers = {}
    for number, annotation in enumerate(one.get("annotations", one.get("completions")) or [], 1):
        if annotation.get("was_cancelled") or annotation.get("skipped"):
            continue
        by = annotation.get("completed_by")
        by = by.get("email", by.get("id")) if isinstance(by, dict) else by
        _add(answers, annotation, f"annotation {number}" if by is None else by)
    for prediction in one.get("predictions") or []:
        _add(answers, prediction, prediction.get("model_version") or "prediction")
    return columns, answers


def _add(answers: Answers, annotation: dict[str, Any], by: Any) -> None:
    for result in annotation.get("result") or []:
        # Relations and regions stand in the same list: without a choice, or with that of a part.
        value = result.get("value")
        if not isinstance(value, dict) or _PARTS & set(value):
            continue
        chosen = value.get("choices", value.get("rating"))
        if chosen not in (None, []):
            answers.setdefault(str(result["from_name"]), []).append((chosen, by))


def _is_record(one: dict[str, Any]) -> bool:
    return isinstance(one.get("fields"), dict) and "responses" in one


def _says_nothing_of_drafts(one: dict[str, Any]) -> bool:
    responses = one.get("responses")
    each = [] if not isinstance(responses, dict) else [r for given in responses.values() for r in given or []]
    return any("status" not in response for response in each)


def _record(one: dict[str, Any]) -> tuple[dict[str, Any], Answers]:
    columns = dict(one["fields"])
    for name, value in (one.get("metadata") or {}).items():
        columns.setdefault(name, value)
    if one.get("id") is not None:
        columns.setdefault("id", one["id"])
    answers: Answers = {}
    responses = one["responses"] or {}
    if isinstance(responses, list):  # as the server's own interface has them
        each = [
            (question, given["value"], response.get("status"), response.get("user_id"))
            for response in responses
            for question, given in (response.get("values") or {}).items()
        ]
    else:
        each = [
            (question, response["value"], response.get("status"), response.get("user_id"))
            for question, given in responses.items()
            for response in given or []
        ]
    for question, value, status, user in each:
        if value is not None and str(status or "submitted").lower() == "submitted":
            answers.setdefault(question, []).append((value, user or "somebody"))
    suggestions = one.get("suggestions") or {}
    if isinstance(suggestions, list):
        suggestions = {each.get("question_name"): each for each in suggestions if each.get("question_name")}
    for question, suggestion in suggestions.items():
        if suggestion and suggestion.get("value") is not None:
            answers.setdefault(question, []).append((suggestion["value"], suggestion.get("agent") or "suggestion"))
    return columns, answers


def of_flattened_records(rows: Rows) -> Rows:
    """Argilla's `to_datasets()`: beside `QUESTION.responses`, `.users` and `.status` the two lists of a question."""
    import datasets

    table, features, facts = rows.table, dict(rows.features), dict(rows.facts)
    for name in rows.table.column_names:
        question = name.removesuffix(RESPONSES)
        if question == name or question in features or f"{question}{BY}" in features:
            continue
        if f"{name}.users" not in features:
            continue
        values, users = (table.column(one).to_pylist() for one in (name, f"{name}.users"))
        statuses = table.column(f"{name}.status").to_pylist() if f"{name}.status" in features else None
        if statuses is None:
            facts["submitted"] = SILENT
        hints = [table.column(f"{question}.suggestion{end}").to_pylist() if f"{question}.suggestion{end}" in features
                 else [None] * len(values) for end in ("", ".agent")]  # fmt: skip
        answers: list[list[tuple[Any, str]]] = []
        for place, given in enumerate(values):
            said = statuses[place] if statuses is not None else None
            each = zip(given or [], users[place] or [], said or ["submitted"] * len(given or []), strict=False)
            of_record = [(_one(value), str(user)) for value, user, status in each
                     if value is not None and str(status).lower() == "submitted"]  # fmt: skip
            if hints[0][place] is not None:
                of_record.append((_one(hints[0][place]), str(hints[1][place] or "suggestion")))
            answers.append(of_record)
        for column, at in ((question, 0), (f"{question}{BY}", 1)):
            array = pa.array([[one[at] for one in of_record] for of_record in answers])
            table = table.append_column(column, array)
            features[column] = datasets.Features.from_arrow_schema(pa.schema([(column, array.type)]))[column]
    return (
        rows if table is rows.table else replace(rows, table=table, features=datasets.Features(features), facts=facts)
    )

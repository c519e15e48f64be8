"""Which column names a row."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from refusals import refused

from clc_text.data.task import Task
from clc_text.errors import InputError
from clc_text.text.datasets.files import Files


def load(folder: Path, columns: dict[str, list[Any]], **options: Any) -> Task:
    rows = [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
    rows = [{"text": f"text {row}", "label": "ab"[row % 2], **values} for row, values in enumerate(rows)]
    path = folder / "t.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return Files(train=str(path), **options).load(0)


SAME, OTHER = ["x", "x", "y", "z"], ["a", "b", "c", "d"]


@pytest.mark.parametrize(
    ("columns", "found"),
    [
        ({"id": OTHER}, "id"), ({"ticketId": OTHER}, "ticketId"), ({"Ticket ID": OTHER}, "Ticket ID"),
        ({"uuid": OTHER}, "uuid"), ({"order_no": [4, 3, 2, 1]}, "order_no"), ({"file": OTHER}, "file"),
        ({"row_id": OTHER, "id": OTHER}, "id"), ({"id": SAME, "doc_id": OTHER}, "doc_id"),
        ({"id": SAME}, None), ({"id": ["a", "b", None, "d"]}, None), ({"id": ["a", "b", "", "d"]}, None),
        ({"id": [0.5, 1.5, 2.5, 3.5]}, None), ({"id": ["a b", "c d", "e", "f"]}, None),
        ({"id": ["a" * 65, "b", "c", "d"]}, None), ({"title": OTHER}, None), ({"paid": OTHER}, None),
        ({"idea": OTHER}, None), ({"id": [["a"], ["b"], ["c"], ["d"]]}, None),
    ],
)  # fmt: skip
def test_what_is_guessed_is_said(tmp_path: Path, columns: dict[str, list[Any]], found: str | None) -> None:
    task = load(tmp_path, columns)
    assert task.id_column == found
    assert ("id_column_guessed" in task.facts) == (found is not None)
    assert found is None or f"'{found}'" in task.facts["id_column_guessed"]


def test_what_is_named_is_taken_and_not_said(tmp_path: Path) -> None:
    task = load(tmp_path, {"id": OTHER, "title": OTHER}, id="title")
    assert task.id_column == "title"
    assert "id_column_guessed" not in task.facts


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (SAME, "has 'x' in lines 1, 2; what names a row must be another in each"),
        (["a", None, " ", "d"], "is empty in lines 2, 3"),
        ([["a"], ["b"], ["c"], ["d"]], "what names a row is a word or a number"),
    ],
)
def test_what_names_no_row(tmp_path: Path, values: list[Any], said: str) -> None:
    with pytest.raises(InputError) as caught:
        load(tmp_path, {"key": values}, id="key")
    assert said in str(caught.value)
    with refused(key="data.id"):
        load(tmp_path, {"key": OTHER}, id="keys")

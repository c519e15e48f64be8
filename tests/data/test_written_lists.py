"""Lists that stand in a CSV file as text."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from datasets import Features

from clc_text.data.reading.rows import Rows
from clc_text.data.reading.written_lists import list_in, with_lists
from clc_text.text.datasets.files import Files

HELD: list[list[str]] = [["a", "it's, b"], [], ['say "b"'], ["a", "é"]]


def rows(cells: list[str | None]) -> Rows:
    table = pa.table({"labels": cells})
    return Rows(table, Features.from_arrow_schema(table.schema), "file.csv")


@pytest.mark.parametrize("write", [json.dumps, str, repr, lambda one: f"  {json.dumps(one)} "])
def test_lists_as_json_and_as_python_writes_them(write: object) -> None:
    assert callable(write)
    found = with_lists(rows([*map(write, HELD), None, " "]), ["labels", None, "nowhere"])
    assert found.table["labels"].to_pylist() == [*HELD, None, None]
    assert "lists_read" in found.facts


@pytest.mark.parametrize(
    "cells",
    [["[a]", "a"], ["a", "b"], ["[1]", "[a"], ["[link](there)", "[other]"], ["['a' 'b']"], ["[['a']]"], [None, ""],
     ["[open('x')]"], ["[" * 5000 + "]" * 5000], ["{'a': 1}"]],
)  # fmt: skip
def test_what_is_no_list_stays_as_it_is(cells: list[str | None]) -> None:
    assert with_lists(rows(cells), ["labels"]).table["labels"].to_pylist() == cells


def test_values_that_are_no_text() -> None:
    assert list_in("[1, 2.5, true, null]") == [1, 2.5, True, None]
    assert list_in("[1, None, True]") == [1, None, True]
    assert with_lists(rows(["[1, 2]", "[2]"]), ["labels"]).table["labels"].to_pylist() == [["1", "2"], ["2"]]
    assert list_in(str(np.array(["a", "b"]))) is None, "numpy writes no commas, and Python would make 'ab' of it"


def test_a_table_of_pandas_is_a_task_of_several_classes(tmp_path: Path) -> None:
    held = [["sport"], ["money", "sport"], [], ["money"]] * 6
    frame = pd.DataFrame({"text": [f"word {row}" for row in range(24)], "topics": held})
    frame.to_csv(tmp_path / "topics.csv", index=False)
    task = Files(train=str(tmp_path / "topics.csv"), label="topics", task="multi_label").load(0)
    assert task.asked == ("money", "sport")
    assert np.asarray(task.given_labels).reshape(-1, 2).tolist() == [
        [int("money" in one), int("sport" in one)] for one in held
    ]

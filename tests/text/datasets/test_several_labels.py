"""Several labels a row: columns, lists and a second table say the same, and what is wrong in them is named."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from refusals import refused

from clc_text.data.columns import JOINED
from clc_text.data.describe import describe
from clc_text.text.datasets.files import Files

PEOPLE = ["ann", "bob", "llm"]
VOTES = [["pos", "neg", "pos"], ["neg", "", "neg"], ["", "pos", ""], ["neg", "pos", "neg"], ["pos", "pos", "pos"]]
MAJORITY = ["pos", "neg", "pos", "neg", "pos"]
TABLE = [[{"pos": 1, "neg": 0, "": -1}[one] for one in row] for row in VOTES]


def write(path: Path, rows: list[list[str]]) -> Path:
    with open(path, "w", newline="", encoding="utf-8") as handle:
        csv.writer(handle).writerows(rows)
    return path


def wide(folder: Path, rows: list[list[str]] = VOTES) -> Path:
    lines = [[f"r{number}", f"text {number}", *row] for number, row in enumerate(rows)]
    return write(folder / "wide.csv", [["id", "text", *PEOPLE], *lines])


def long(folder: Path, changed: dict[int, list[str]] | None = None) -> Files:
    write(folder / "texts.csv", [["id", "text"], *([f"r{number}", f"text {number}"] for number in range(5))])
    lines = [
        [f"r{number}", person, said]
        for number, row in enumerate(VOTES)
        for person, said in zip(PEOPLE, row, strict=True)
        if said
    ]
    for number, line in (changed or {}).items():
        lines[number] = line
    write(folder / "votes.csv", [["id", "annotator", "label"], *lines])
    return Files(train=str(folder / "texts.csv"), votes=str(folder / "votes.csv"))


def table_of(files: Files) -> np.ndarray:
    task = files.load(0)
    assert task.votes is not None
    found = np.full((task.votes.rows, len(task.votes.sources)), -1)
    found[task.votes.row, task.votes.source] = task.votes.label
    assert [task.label_names[label] for label in task.given_labels] == MAJORITY[: len(found)]
    assert task.label_column == JOINED
    return found


def test_columns(tmp_path: Path) -> None:
    files = Files(train=str(wide(tmp_path)), label=PEOPLE)
    assert table_of(files).tolist() == TABLE
    task = files.load(0)
    assert task.votes is not None and task.votes.sources == tuple(PEOPLE)
    assert set(PEOPLE) <= set(task.train.column_names)  # what they said stays in the rows


def test_a_second_table(tmp_path: Path) -> None:
    files = long(tmp_path)
    assert table_of(files).tolist() == TABLE
    assert [source["path"] for source in files.load(0).sources] == ["texts.csv", "votes.csv"]


def test_lists(tmp_path: Path) -> None:
    said = [[one or None for one in row] for row in VOTES]
    columns = pa.table({"text": [f"text {number}" for number in range(5)], "said": said})
    pq.write_table(columns, tmp_path / "lists.parquet")
    assert table_of(Files(train=str(tmp_path / "lists.parquet"), label="said")).tolist() == TABLE
    lines = [json.dumps({"text": f"text {number}", "said": row}) for number, row in enumerate(said)]
    (tmp_path / "lists.jsonl").write_text("\n".join(lines))
    assert table_of(Files(train=str(tmp_path / "lists.jsonl"), label="said")).tolist() == TABLE


def test_lists_of_tags_are_no_votes(tmp_path: Path) -> None:
    rows = [["a", "b"], ["b"], ["a", "c"], []]
    pq.write_table(pa.table({"text": list("wxyz"), "tags": rows}), tmp_path / "tags.parquet")
    with refused(where=tmp_path / "tags.parquet", key="tags"):
        Files(train=str(tmp_path / "tags.parquet"), label="tags").load(0)


def test_one_label_a_row_is_as_before(tmp_path: Path) -> None:
    task = Files(train=str(wide(tmp_path, [row for row in VOTES if row[0]])), label="ann").load(0)
    assert task.votes is None and task.label_column == "ann"
    listed = Files(train=str(tmp_path / "wide.csv"), label=["ann"]).load(0)
    assert listed.votes is None and listed.given_labels.tolist() == task.given_labels.tolist()


def test_votes_stay_with_their_rows(tmp_path: Path) -> None:
    rows = [*VOTES[:2], ["", "", ""], *VOTES[2:]]
    with refused(row=4, key="data.unlabelled"):
        Files(train=str(wide(tmp_path, rows)), label=PEOPLE, unlabelled="error").load(0)
    files = Files(train=str(wide(tmp_path, rows)), label=PEOPLE)
    assert table_of(files).tolist() == TABLE
    kept = files.load(0)
    assert kept.unlabelled is not None and kept.unlabelled["text"] == ["text 2"]
    assert kept.unlabelled_row is not None and kept.unlabelled_row.tolist() == [4]
    held = Files(train=str(wide(tmp_path, VOTES * 4)), label=PEOPLE, test_share=0.3)
    lines = [["id", "text", *PEOPLE], *([f"r{n}", f"text {n}", *row] for n, row in enumerate(VOTES * 4))]
    write(tmp_path / "wide.csv", lines)
    task = held.load(0)
    assert task.votes is not None and task.test is not None and task.source_row is not None
    for place, row in enumerate(task.source_row - 2):  # the header is row 1
        mine = task.votes.row == place
        said = dict(zip(task.votes.source[mine].tolist(), task.votes.label[mine].tolist(), strict=True))
        assert said == {source: label for source, label in enumerate((TABLE * 4)[row]) if label >= 0}


def test_what_is_said_of_them(tmp_path: Path) -> None:
    found = describe(Files(train=str(wide(tmp_path)), label=PEOPLE).load(0))["votes"]
    assert found["rows_by_votes"] == {"1": 1, "2": 1, "3": 3}
    assert [source["name"] for source in found["sources"]] == PEOPLE


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({0: ["r9", "ann", "pos"]}, {"key": "id"}),
        ({1: ["r0", "ann", "pos"]}, {"row": 2}),
        ({1: ["r0", "", "pos"]}, {"key": "annotator", "row": 3}),
    ],
)
def test_lines_that_are_no_votes(changed: dict[int, list[str]], told: dict[str, Any], tmp_path: Path) -> None:
    with refused(where=tmp_path / "votes.csv", **told):
        long(tmp_path, changed).load(0)


def test_labels_by_one_source_are_one_a_row(tmp_path: Path) -> None:
    """However they are given; rows of which it says nothing are left out as where there are several sources."""
    lines = long(tmp_path)
    by_one = [[f"r{number}", "ann", row[0]] for number, row in enumerate(VOTES)]
    write(tmp_path / "votes.csv", [["id", "annotator", "label"], *by_one])
    task = lines.load(0)
    assert task.votes is None and len(task.train) == 4 and len(task.unlabelled) == 1
    assert [task.label_names[label] for label in task.given_labels] == ["pos", "neg", "neg", "pos"]


def test_labels_that_nobody_gave_are_refused(tmp_path: Path) -> None:
    lines = long(tmp_path)
    for rows in ([["id", "annotator", "label"]], [["id", "annotator", "label"], ["r0", "ann", ""]]):
        write(tmp_path / "votes.csv", rows)
        with refused(where=tmp_path / "votes.csv", key="data.vote_label"):
            lines.load(0)
    with refused(key="data.label"):
        Files(train=str(wide(tmp_path, [["", "", ""]] * 3)), label=PEOPLE).load(0)


def test_what_is_refused(tmp_path: Path) -> None:
    path = str(wide(tmp_path))
    with refused(key="data.label_names"):
        Files(train=path, label=PEOPLE, label_names=["neg", "other"]).load(0)
    with refused(key="data.label"):
        Files(train=path, label=["ann", "cid"]).load(0)
    with refused(key="data.label"):
        Files(train=path, label=["ann", "ann"])
    test = write(tmp_path / "test.csv", [["text", "label"], ["a", "pos"], ["b", "neg"]])
    with refused(where=test, key="data.true_label"):
        Files(train=path, label=PEOPLE, test=str(test)).load(0)

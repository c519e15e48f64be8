"""Tables as Excel, pandas and shells make them: read as what they are, or refused by the key that helps."""

from __future__ import annotations

import datetime
import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest
from refusals import refused

from clc_text.data.task import Task
from clc_text.errors import LONGEST, InputError
from clc_text.text.datasets.files import Files

TEXTS = ["good, really", "bad film", "fine", "awful"]
LABELS = ["pos", "neg", "pos", "neg"]


def check(task: Task, label: str = "label", text: str = "text") -> None:
    assert list(task.train[text]) == TEXTS
    assert task.label_names == ["neg", "pos"] and task.given_labels.tolist() == [1, 0, 1, 0]


def table(separator: str, above: str = "") -> str:
    rows = ["text" + separator + "label", *(f"{t}{separator}{y}" for t, y in zip(TEXTS, LABELS, strict=True))]
    return above + "\n".join(rows) + "\n"


# ---- separators ----


@pytest.mark.parametrize("separator", [";", "\t", "|"])
def test_a_separator_is_guessed_by_the_columns_that_are_named(separator: str, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(table(separator))
    check(Files(train=str(tmp_path / "a.csv")).load(0))


@pytest.mark.parametrize("above", ["sep=;\n", "SEP=;\r\n", '"sep=;"\n', "\ufeffsep=;\n"])
def test_excels_line_above_the_header(above: str, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(table(";", above))
    check(Files(train=str(path)).load(0))
    path.write_text(table(";", above) + ";;\n")
    with refused(where=path, row=7):
        Files(train=str(path)).load(0)
    path.write_text(table(";", above) + "x;\n")
    with refused(where=path, row=7, key="label"):
        Files(train=str(path)).load(0)


def test_two_letters_from_a_shell_are_a_tab(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(table("\t"))
    reader = Files(train=str(tmp_path / "a.csv"), separator="\\t")
    assert reader.separator == "\t"
    check(reader.load(0))
    from clc_text.config.recipe import loads

    recipe = loads("data: {name: files, train: a.csv}\nmethod: standard\n", overrides=[r"data.separator=\t"])
    assert recipe.data.separator == "\t"


def test_a_file_of_another_separator_names_the_key(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("message;queue\na;x\nb;y\n")
    with refused(where=path, key="data.text"):
        Files(train=str(path)).load(0)
    path.write_text("message;queue\na, b;x\nb;y\n")
    with pytest.raises(InputError, match=r"the only column is called 'message;queue', so set data.separator to ';'"):
        Files(train=str(path)).load(0)
    check_right = Files(train=str(path), text="message", label="queue").load(0)
    assert list(check_right.train["message"]) == ["a, b", "b"]


# ---- what a name does not tell ----


def test_a_packed_file_is_one_whatever_its_name_says(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(gzip.compress(table(",").replace("good, really", '"good, really"').encode()))
    check(Files(train=str(tmp_path / "a.csv")).load(0))
    rows = "".join(json.dumps({"text": t, "label": y}) + "\n" for t, y in zip(TEXTS, LABELS, strict=True))
    (tmp_path / "a.jsonl").write_bytes(gzip.compress(rows.encode()))
    check(Files(train=str(tmp_path / "a.jsonl")).load(0))


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl"])
@pytest.mark.parametrize(
    ("content", "said"),
    [(b"PK\x03\x04abc", "is a zip archive or an Excel workbook"), (b"PAR1abc", "is a Parquet file"),
     (b"\xd0\xcf\x11\xe0abc", "is a workbook of old Excel")],
)  # fmt: skip
def test_what_is_no_text_is_called_by_its_name(name: str, content: bytes, said: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=said):
        Files(train=str(tmp_path / name)).load(0)


# ---- workbooks ----


def workbook(path: Path, *sheets: list[list[Any]]) -> Path:
    book = openpyxl.Workbook()
    for number, rows in enumerate(sheets):
        sheet = book.active if number == 0 else book.create_sheet(f"sheet {number}")
        for row in rows:
            sheet.append(row)
    book.save(path)
    return path


def rows_of(labels: list[Any]) -> list[list[Any]]:
    return [["text", "label"], *map(list, zip(TEXTS, labels, strict=True))]


def test_a_workbook(tmp_path: Path) -> None:
    more = [["when", "n", "x", "mixed", None], [datetime.datetime(2020, 1, 2), 7, 1.5, 1, 0], [None, 8, 2, "a", 1]]
    rows = [a + b for a, b in zip(rows_of(LABELS), [*more, [None] * 5, [None] * 5], strict=True)]
    path = workbook(tmp_path / "a.xlsx", [*rows, [None] * 7, [None] * 7], rows_of(LABELS[::-1]))
    task = Files(train=str(path)).load(0)
    check(task)
    assert task.train.column_names == ["text", "label", "when", "n", "x", "mixed", "column G"]
    assert task.train[0]["when"] == datetime.datetime(2020, 1, 2)
    assert [task.train[0][name] for name in ("n", "x", "mixed", "column G")] == [7, 1.5, "1", 0]
    assert task.train[1]["mixed"] == "a" and task.train[2]["n"] is None
    assert task.facts["sheet"] == "'Sheet', the first of 2; data.sheet names another"
    second = Files(train=str(path), sheet="sheet 1").load(0)
    assert second.given_labels.tolist() == [0, 1, 0, 1] and "sheet" not in second.facts
    with refused(where=path):
        Files(train=str(path), sheet="sheet 2").load(0)
    headless = workbook(tmp_path / "b.xlsx", rows_of(LABELS)[1:])
    check(Files(train=str(headless), header=["text", "label"]).load(0))
    with refused(key="data.header"):
        Files(train=str(headless), header=["text", "label", "x"]).load(0)


@pytest.mark.parametrize(
    ("labels", "names"),
    [([1, 2, 1, 2], ["1", "2"]), ([1.0, 2.0, 1, 2], ["1", "2"]), ([True, False, True, False], ["false", "true"]),
     ([1, "a", 1, "a"], ["1", "a"]), ([1.5, 2, 1.5, 2], ["1.5", "2"])],
)  # fmt: skip
def test_cells_of_every_kind_are_labels(labels: list[Any], names: list[str], tmp_path: Path) -> None:
    assert Files(train=str(workbook(tmp_path / "a.xlsx", rows_of(labels)))).load(0).label_names == names


def test_formulas_are_never_computed(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", rows_of(["pos", "neg", '=IF(1,"pos","neg")', "neg"]))
    with refused(where=path, row=4):
        Files(train=str(path)).load(0)
    path = workbook(tmp_path / "a.xlsx", rows_of(["pos", "neg", "#N/A", "neg"]))
    with refused(where=path, row=4):
        Files(train=str(path)).load(0)
    path = workbook(tmp_path / "a.xlsx", rows_of(["pos", "neg", None, "neg"]))
    with refused(row=4, key="label"):
        Files(train=str(path)).load(0)
    assert len(Files(train=str(path), unlabelled="drop").load(0).train) == 3


def test_without_openpyxl_the_way_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = workbook(tmp_path / "a.xlsx", rows_of(LABELS))
    monkeypatch.setitem(__import__("sys").modules, "openpyxl", None)
    with refused(where=path):
        Files(train=str(path)).load(0)


# ---- JSON as pandas writes it ----


def column_wise(rows: list[dict[str, Any]]) -> Any:
    return {name: {str(number): row[name] for number, row in enumerate(rows)} for name in rows[0]}


def column_wise_with_names(rows: list[dict[str, Any]]) -> Any:
    return {name: {f"r{number}": row[name] for number, row in enumerate(rows)} for name in rows[0]}


def row_wise(rows: list[dict[str, Any]]) -> Any:
    return {f"r{number}": row for number, row in enumerate(rows)}


def lists(rows: list[dict[str, Any]]) -> Any:
    return {name: [row[name] for row in rows] for name in rows[0]}


def split(rows: list[dict[str, Any]]) -> Any:
    return {"columns": list(rows[0]), "index": [*range(len(rows))], "data": [list(row.values()) for row in rows]}


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("form", [column_wise, column_wise_with_names, row_wise, lists, split])
def test_a_table_in_one_object(form: Callable[..., Any], indent: int | None, tmp_path: Path) -> None:
    rows = [{"text": text, "label": label} for text, label in zip(TEXTS, LABELS, strict=True)]
    (tmp_path / "a.json").write_text(json.dumps(form(rows), indent=indent))
    check(Files(train=str(tmp_path / "a.json")).load(0))


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (
            {"text": ["a", "b"], "label": ["x"]},
            "the lists of the columns are not of one length; write one object a row",
        ),
        ({"text": {"0": "a"}, "label": {"1": "x"}}, "the columns have not the same rows"),
        ({"columns": ["text"], "data": [["a", "b"]]}, "row 1 of 'data' has not one value for each of 'columns'"),
        (
            {"text": {"a": {"b": 1}}, "other": 1},
            r"holds struct<.*, not text; name what is meant in it, such as data.text",
        ),
    ],
)
def test_what_is_not_quite_a_table(value: Any, said: str, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps(value))
    with pytest.raises(InputError, match=said):
        Files(train=str(tmp_path / "a.json")).load(0)


def test_missing_labels_as_pandas_writes_them(tmp_path: Path) -> None:
    labels = ["pos", "neg", float("nan"), "neg"]
    rows = [{"text": text, "label": label} for text, label in zip(TEXTS, labels, strict=True)]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    task = Files(train=str(tmp_path / "a.jsonl"), unlabelled="drop").load(0)
    assert task.label_names == ["neg", "pos"] and task.facts["unlabelled_rows_dropped"] == 1
    with refused(row=3):
        Files(train=str(tmp_path / "a.jsonl")).load(0)


@pytest.mark.parametrize("kind", ["jsonl", "parquet"])
def test_a_value_within_an_object_can_be_named(kind: str, tmp_path: Path) -> None:
    rows = [
        {"content": {"text": text, "by": {"age": 3}}, "meta": {"gold": {"label": label}} if label else None}
        for text, label in zip(TEXTS, LABELS, strict=True)
    ]
    path = tmp_path / f"a.{kind}"
    if kind == "jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    else:
        parquet.write_table(pa.Table.from_pylist(rows), path)
    task = Files(train=str(path), text="content.text", label="meta.gold.label").load(0)
    check(task, text="content.text")
    assert task.train[0]["content"] == rows[0]["content"]
    with refused(where=path, key="data.text"):
        Files(train=str(path), text="content.txt", label="meta.gold.label").load(0)
    rows[1]["meta"] = None
    parquet.write_table(pa.Table.from_pylist(rows), tmp_path / "b.parquet")
    with refused(row=2, key="meta.gold.label"):
        Files(train=str(tmp_path / "b.parquet"), text="content.text", label="meta.gold.label").load(0)


# ---- messages ----


@pytest.mark.parametrize(
    "rows",
    [
        [{"text": {f"key {number}": "x" * 50 for number in range(5_000)}, "label": "a"}],
        [{f"column {number}": "x" for number in range(5_000)}],
        [{"text": "a", "label": {f"key {number}": 1 for number in range(5_000)}}],
        [{"text": "a", "label": "b" * 100_000}, {"text": 1, "label": "c" * 100_000}],
        [{"x" * 100_000: "a"}, {"label": "b"}],
    ],
    ids=range(5),
)
def test_a_message_does_not_grow_with_the_data(rows: list[Any], tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    with pytest.raises(InputError) as error:
        Files(train=str(tmp_path / "a.jsonl")).load(0)
    assert len(str(error.value)) <= LONGEST

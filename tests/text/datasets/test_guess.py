"""Columns that nobody has named."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from datasets import ClassLabel, Dataset, Features, Sequence, Value
from refusals import refused

from clc_text.text.datasets.files import Files
from clc_text.text.datasets.guess import Guessed
from clc_text.text.datasets.guess import guess_columns as guess_of_files

ROWS = [
    {"id": f"T{number}", "customer": f"customer {number % 3}", "subject": f"short {number}",
     "mail": f"a longer text about order {number} that somebody wrote", "team": ("sales", "support")[number % 2],
     "stars": number % 5}
    for number in range(60)
]  # fmt: skip


def guess_columns(
    path: str, text: str | None = None, label: str | None = None, ids: str | None = None, **reading: Any
) -> Guessed:
    return guess_of_files(Files(train=path, **reading), text, label, ids)


def written(folder: Path, names: dict[str, str], separator: str = ",", ending: str = "csv") -> str:
    """A file of the columns `names`, renamed."""
    path = folder / f"t.{ending}"
    with open(path, "w", encoding="utf-8", newline="") as handle:
        writer = csv.writer(handle, delimiter=separator)
        writer.writerow(names.values())
        writer.writerows([[row[name] for name in names] for row in ROWS])
    return str(path)


def test_the_longest_texts_and_the_one_column_of_classes(tmp_path: Path) -> None:
    path = written(tmp_path, {"id": "id", "subject": "subject", "mail": "mail", "team": "team", "stars": "stars"})
    found = guess_columns(path)
    assert (found.text, found.label, found.reading, found.rows) == ("mail", "team", {}, 60)
    assert "team (2 values)" in found.said[0] and "mail" in found.said[1]


def test_usual_names_go_first_and_named_columns_before_all(tmp_path: Path) -> None:
    names = {"id": "id", "subject": "Text", "mail": "mail", "team": "team", "stars": "Label"}
    path = written(tmp_path, names)
    assert guess_columns(path).label == "Label" and guess_columns(path).text == "mail"  # "Text" is far shorter
    found = guess_columns(path, text="Text", label="team")
    assert (found.text, found.label, found.said) == ("Text", "team", ())


@pytest.mark.parametrize("missing", ["", "  "])
def test_rows_that_nobody_labelled_are_not_counted(tmp_path: Path, missing: str) -> None:
    """How long to train and how many canaries are flipped go by what is learnt from."""
    path = tmp_path / "t.csv"
    path.write_text("text,label\n" + "".join(f"a longer text {n},{('a', 'b', missing)[n % 3]}\n" for n in range(60)))
    assert guess_columns(str(path)).rows == 40


def test_who_labels_a_line_is_no_text(tmp_path: Path) -> None:
    path = written(tmp_path, {"mail": "mail", "team": "team"})
    with refused(where=path, key="mail", says="annotators"):
        guess_columns(path, text="mail", annotator="mail")
    with refused(key="--text"):
        guess_columns(path, label="team", annotator="mail")


def test_several_columns_of_labels(tmp_path: Path) -> None:
    path = written(tmp_path, {"mail": "mail", "team": "team", "stars": "stars"})
    found = guess_of_files(Files(train=path), label=["team", "stars"])
    assert (found.label, found.text, found.several) == (["team", "stars"], "mail", True)
    again = guess_of_files(Files(train=path, label=["team", "stars"]), label=None)
    assert (again.label, again.text) == (found.label, "mail")
    assert not guess_of_files(Files(train=path), label=["team"]).several
    with refused(where=path, key="data.label"):
        guess_of_files(Files(train=path), label=["team", "who"])


def test_a_semicolon_is_seen(tmp_path: Path) -> None:
    path = written(tmp_path, {"mail": "mail", "team": "team"}, separator=";")
    assert guess_columns(path).reading == {"separator": ";"} and guess_columns(path).label == "team"


def test_a_first_line_that_is_a_row_is_told(tmp_path: Path) -> None:
    path = written(tmp_path, {"mail": "mail", "team": "team"})
    assert not any("data.header" in one for one in guess_columns(path).said)
    bare = tmp_path / "bare.csv"
    bare.write_text(Path(path).read_text(encoding="utf-8").split("\n", 1)[1], encoding="utf-8")
    assert any("data.header" in one for one in guess_columns(str(bare)).said)


def test_what_cannot_be_guessed_is_asked_for(tmp_path: Path) -> None:
    two = written(tmp_path, {"mail": "mail", "team": "team", "customer": "customer"})
    with refused(where=two, key="--label"):
        guess_columns(two)
    none = written(tmp_path, {"mail": "mail", "id": "id"})
    with refused(where=two, key="--label"):
        guess_columns(none)
    nested = tmp_path / "nested.jsonl"
    nested.write_text("".join(json.dumps({"said": {"text": f"t{row}", "by": row}}) + "\n" for row in range(20)))
    with refused(where=nested, key="--label", says="said.text, said.by"):
        guess_columns(str(nested))
    numbers = written(tmp_path, {"stars": "stars", "team": "team"})
    with refused(where=two, key="--text"):
        guess_columns(numbers)
    with refused(where=two, key="data.label"):
        guess_columns(two, label="queue")
    with refused(where=two, key="data.id"):
        guess_columns(two, label="team", ids="ticket")
    with refused(where=two, key="team"):
        guess_columns(two, label="team", text="team")
    with refused(where=tmp_path / "absent.csv"):
        guess_columns(str(tmp_path / "absent.csv"))


@pytest.mark.parametrize("separator", [";", "\t", "|"])
def test_texts_may_hold_the_usual_separator(tmp_path: Path, separator: str) -> None:
    path = tmp_path / "t.csv"
    lines = [f"T{row}{separator}well, it is, said customer {row}{separator}{'ab'[row % 2]}" for row in range(20)]
    path.write_text("\n".join([separator.join(["id", "mail", "team"]), *lines]))
    found = guess_columns(str(path))
    assert (found.text, found.label, found.reading) == ("mail", "team", {"separator": separator})


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("score", ["0.25", "0.5", "1.0", "0.0"]),
        ("received", ["2024-01-31", "2024-02-01"]),
        ("on", ["1.2.2024", "3.4.24"]),
    ],
)
def test_shares_and_dates_are_no_labels(tmp_path: Path, name: str, values: list[str]) -> None:
    path = tmp_path / "t.csv"
    lines = [f"a text of the customer {row},{row % 2},{values[row % len(values)]}" for row in range(40)]
    path.write_text("\n".join([f"mail,rating,{name}", *lines]))
    assert guess_columns(str(path)).label == "rating"


def test_a_name_may_end_in_a_usual_one(tmp_path: Path) -> None:
    path = written(tmp_path, {"mail": "mail", "team": "team", "stars": "crowd_label"})
    assert guess_columns(path).label == "crowd_label"
    both = written(tmp_path, {"mail": "mail", "team": "gold_label", "stars": "crowd_label", "customer": "customer"})
    with refused(key="--label", says="gold_label, crowd_label"):
        guess_columns(both)


def test_a_table_sorted_by_class(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    lines = [f"a text of the customer {row},{'first' if row < 4000 else 'second'}" for row in range(8000)]
    path.write_text("\n".join(["mail,team", *lines]))
    assert guess_columns(str(path)).said[0].startswith("label: team (2 values)")


def test_how_the_table_is_read_is_heard(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(
        "\n".join(["mail,team", *(f"größerer Text {row},{'äb'[row % 2]}" for row in range(20))]).encode("cp1252")
    )
    with refused(where=path, key="data.encoding", row=2):
        guess_columns(str(path))
    found = guess_columns(str(path), encoding="cp1252")
    assert (found.label, found.reading) == ("team", {"encoding": "cp1252"})


def test_a_usual_name_counts_in_a_small_table_and_missing_labels_do_not(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    lines = [f"a text of the customer {row},{('', 'a', 'b', 'c')[row % 4]}" for row in range(12)]
    path.write_text("\n".join(["mail,queue", *lines]))
    assert guess_columns(str(path)).said[0].startswith("label: queue (3 values)")


def test_lists_of_a_few_names_are_labels_where_nothing_else_is(tmp_path: Path) -> None:
    path = tmp_path / "topics.jsonl"
    kinds = [["a"], ["a", "b"], [], ["c", "a"]]
    rows = [
        {"body": f"A text that is about the number {one}", "tokens": [f"{one}", f"{one + 1}"], "about": kinds[one % 4]}
        for one in range(60)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    found = guess_columns(str(path))
    assert (found.text, found.label) == ("body", "about")
    assert "about (3 values)" in found.said[0]
    classes = Features({"body": Value("string"), "said": Sequence(ClassLabel(names=["a", "b"]))})
    several = [{"body": row["body"], "said": [number % 2, int(number % 3 == 0)]} for number, row in enumerate(rows)]
    Dataset.from_list(several, features=classes).save_to_disk(str(tmp_path / "saved"))
    assert guess_columns(str(tmp_path / "saved")).label == "said"
    for row in rows:
        row["kind"] = "x" if row["about"] else "y"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    assert guess_columns(str(path)).label == "kind"


def test_of_several_sheets_the_first_is_read_and_that_is_said(tmp_path: Path) -> None:
    from openpyxl import Workbook

    book, path = Workbook(), tmp_path / "t.xlsx"
    book.active.append(["Tickets of May; see the sheet 'all'"])
    book.active.append(["by Ann"])
    sheet = book.create_sheet("all")
    for row in [["mail", "team"], *([row["mail"], row["team"]] for row in ROWS)]:
        sheet.append(row)
    book.save(path)
    with refused(
        where=str(path), key="--label", says="the sheet 'Sheet', the first of 2; another by --set data.sheet=NAME"
    ):
        guess_columns(str(path))
    with refused(key="data.label", says="sheet 'Sheet', the first of 2"):
        guess_columns(str(path), label="team")
    named = guess_columns(str(path), sheet="all")
    assert (named.text, named.label, named.reading) == ("mail", "team", {"sheet": "all"})
    book.move_sheet("all", -1)
    book.save(path)
    assert guess_columns(str(path)).said[0] == "sheet: 'all', the first of 2; another by --set data.sheet=NAME"

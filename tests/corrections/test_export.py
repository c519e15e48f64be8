"""Which rows are exported, in which order, and where to."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from synthetic_run import Made, corrected_of, make_run

from clc_text.corrections.state import PERSON
from clc_text.corrections.store import Corrected
from clc_text.utils.spreadsheet import as_it_was, harmless

Command = Callable[..., str]
OTHER = {"csv": "look_first.csv", "argilla": "look_first.argilla.json", "label-studio": "look_first.label_studio.json"}


def table(path: Path) -> list[dict[str, str]]:
    with open(path, encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def test_changed_rows_stand_where_their_given_label_puts_them(made: Made, clc_text: Command) -> None:
    """Neither a policy nor a step taken back moves a row: the order is that of the given labels being wrong."""
    orders = []
    for policy in ("agree", "posterior"):
        clc_text("correct", made.run.path, "--policy", "agree")
        if policy == "posterior":
            clc_text("revert", made.run.path, "--all")
        clc_text("export", made.run.path, "--k", 400)
        rows = table(made.run.file("look_first.csv"))
        state = Corrected(made.run).state()
        assert [row["changed"] == "True" for row in rows] == [bool(state.changed[int(row["row"])]) for row in rows]
        assert all(row["given"] != row["suggested"] for row in rows)
        orders.append([row["row"] for row in rows])
        changed = [row["changed"] == "True" for row in rows]
        assert sum(changed) == int(state.changed.sum())
        if any(changed):  # the best finds come first
            assert np.mean(changed[:50]) > np.mean(changed)
    assert orders[0] == orders[1]


@pytest.mark.parametrize("format", list(OTHER))
def test_of_copies_one_is_shown_and_empty_texts_come_last(tmp_path: Path, clc_text: Command, format: str) -> None:
    copies = ["Where is it?", "where  is IT?", "Where is it? ", "Where\u00a0is it?"]
    texts = [
        copies[row % 4] if row < 40 else ("", " \n", "\u200b")[row % 3] if row < 60 else f"{row} " * 9
        for row in range(100)
    ]
    made = make_run(tmp_path / "run", rows=100, more_columns={"text": texts})
    state = corrected_of(made).state()
    said = clc_text("export", made.run.path, "--k", 45, "--format", format)
    assert "39 further rows are copies of these" in said
    assert "20 rows without a text come last; 4 of them are among these" in said
    path = made.run.file(OTHER[format])
    if format == "csv":
        rows: list[dict[str, Any]] = list(table(path))
    else:
        found = json.loads(path.read_text(encoding="utf-8"))
        rows = [entry["metadata"] if format == "argilla" else entry["data"] for entry in found]
    assert len(rows) == 45
    of_copies = [row for row in rows if int(row["row"]) < 40]
    assert [int(row["copies"]) for row in of_copies] == [39]
    assert int(of_copies[0]["row"]) == int(np.argmin(state.rank[:40]))
    assert all(int(row["copies"]) == 0 for row in rows if int(row["row"]) >= 40)
    assert all(40 <= int(row["row"]) < 60 for row in rows[-4:])
    assert not any(40 <= int(row["row"]) < 60 for row in rows[:-4])
    ranks = [int(state.rank[int(row["row"])]) for row in rows]
    assert ranks[:-4] == sorted(ranks[:-4]) and ranks[-4:] == sorted(ranks[-4:])


def test_no_export_takes_the_place_of_another(corrected: Corrected, clc_text: Command, refused: Command) -> None:
    run = corrected.run.path
    for format in OTHER:
        clc_text("export", run, "--k", 5, "--format", format)
    before = {path: path.read_bytes() for path in run.glob("look_first*")}
    assert {path.name for path in before} == {
        *OTHER.values(), "look_first.argilla.settings.json", "look_first.label_studio.config.xml",
    }  # fmt: skip
    for format, name in OTHER.items():
        for other in OTHER:
            if other != format:
                said = refused("export", run, "--format", other, "--out", run / name)
                assert "choose another file with --out" in said
        clc_text("export", run, "--k", 5, "--format", format)  # its own may be written anew
    assert {path: path.read_bytes() for path in run.glob("look_first*")} == before


def test_nor_that_of_another_run(tmp_path: Path, clc_text: Command, refused: Command, corrected: Corrected) -> None:
    for format in OTHER:
        path = tmp_path / format
        clc_text("export", corrected.run.path, "--k", 5, "--format", format, "--out", path)
        before = path.read_bytes()
        path.write_bytes(before.replace(b"0123456789abcdef", b"fedcba9876543210"))
        assert "fedcba9876543210" in refused("export", corrected.run.path, "--format", format, "--out", path)


FORMULAS = [
    '=HYPERLINK("http://x","y")',
    "+1+1",
    "-cmd",
    "@SUM(1)",
    "\tx",
    "\r=1",
    "\n=1",
    "＝1+1",
    "'=1",
    "''+2",
    "-inf",
]
HARMLESS = ["-3", "+4.5e-3", "a=b", "", "'quoted'", "'", "日本", "1"]


@pytest.mark.parametrize("text", [*FORMULAS, *HARMLESS])
def test_a_formula_is_defused_and_comes_back(text: str) -> None:
    shown = harmless(text)
    assert as_it_was(shown) == text
    assert (shown != text) == (text in FORMULAS)
    assert not shown.startswith(("=", "@", "\t", "\r", "\n", "＝"))


def test_every_class_comes_back_from_a_table_as_it_is_called(tmp_path: Path, clc_text: Command) -> None:
    """Also where one class is called as another is written in a spreadsheet."""
    names = ["=a", "'=a", "''=a", "+b", "-3", "'c"]
    made = make_run(tmp_path / "run", names=names)
    corrected_of(made)
    clc_text("export", made.run.path, "--k", 400)
    path = made.run.file("look_first.csv")
    rows = table(path)
    with open(path, "w", encoding="utf-8", newline="") as handle:
        writer = csv.DictWriter(handle, list(rows[0]))
        writer.writeheader()
        writer.writerows(row | {"answer": row["suggested"]} for row in rows)
    clc_text("apply", made.run.path, path)
    state = Corrected(made.run).state()
    assert (state.source == PERSON).sum() == len(rows) > 300
    answered = state.source == PERSON
    np.testing.assert_array_equal(state.label[answered], state.suggested[answered])

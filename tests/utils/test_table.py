"""A table says the same wherever it is written, and nothing in a cell is obeyed."""

from __future__ import annotations

import csv
import io

import pytest
from rich.console import Console

from clc_text.report.markup import table_of
from clc_text.utils.table import Lines, Strong, Table, csv_of

ODD = "a|b [bold]\x1b[31m\u202e\n<i>"
FOUND = Table(("class", "#rows", "#a_b %"), [[ODD, "1", Strong("2 ± 1")], ["b", "30", "–"]], "by class", "how to read")


def shown(table: Table, **how: object) -> str:
    console = Console(width=120, file=io.StringIO(), highlight=False)
    console.print(table.on_screen(**how))  # type: ignore[arg-type]
    return str(console.file.getvalue())  # type: ignore[attr-defined]


def test_on_a_terminal() -> None:
    text = shown(FOUND)
    assert "by class" in text and "how to read" in text and "[bold]" in text
    assert not {"\x1b", "\u202e"} & set(text) and "#" not in text
    rows = [line for line in text.splitlines() if line.startswith("│")]
    assert len(rows) == 2 and rows[1].split("│")[2].endswith(" 30 ")  # a cell stays a line, a number stands right
    assert "class" not in shown(FOUND, headless=True).replace("by class", "")
    two = Table(("row", Lines("#k-NN\nmap")), [["1", Lines("x\ny")]])
    assert len([line for line in shown(two).splitlines() if line.startswith("│")]) == 2


def test_markdown() -> None:
    lines = FOUND.markdown().split("\n")
    assert lines[:2] == ["| class | rows | a_b % |", "|---|---:|---:|"]
    assert lines[2].startswith(r"| a\|b ") and lines[2].endswith("| 1 | **2 ± 1** |")
    assert lines[-4:] == ["| b | 30 | – |", "", "how to read", ""]


def test_latex() -> None:
    lines = FOUND.latex().split("\n")
    assert lines[:4] == ["% how to read", r"\begin{tabular}{lrr}", r"\toprule", r"class & rows & a\_b \% \\"]
    assert r"\textbf{2 $\pm$ 1} \\" in FOUND.latex() and r"b & 30 & -- \\" in lines


def test_a_page_has_the_same_cells() -> None:
    page = str(table_of(FOUND))
    assert "<caption>By class</caption>" in page and "a|b [bold]" in page and "&lt;i&gt;" in page
    assert '<td class="number">30</td>' in page and "\u202e" not in page


@pytest.mark.parametrize("text", ["=1+1", "@x", "-x", "1,5", 'a"b', "plain"])
def test_a_spreadsheet_runs_nothing(text: str) -> None:
    (head, line) = csv.reader(io.StringIO(csv_of(["name", "n"], [[text, -1.5]])))
    assert head == ["name", "n"] and line[1] == "-1.5"
    assert line[0] == (f"'{text}" if text[0] in "=@-" else text)

"""A quote that nobody closed swallows rows up to the next quote: told where it is likely, refused where it is certain,
and honest texts of several lines are left alone."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from refusals import refused

from clc_text.config.recipe import loads
from clc_text.data.describe import describe
from clc_text.data.task import Task
from clc_text.runs.observer import Silent
from clc_text.runs.prepare import encode
from clc_text.text.datasets.files import Files

SOUND = [("how are you", "greeting"), ("where is it", "place"), ("who are you", "person"), ("good day", "greeting")]


TFIDF = "encoder: {name: tfidf, dimension: 2, word_vectors: 0}\nmethod: {name: standard}\ntraining: {epochs: 1}\n"


class Heard(Silent):
    """Keeps the sentences of a run's stages."""

    def __init__(self, said: list[str]) -> None:
        self.said = said

    def stage(self, sentence: str) -> None:
        self.said.append(sentence)


def load(path: Path, lines: list[str], head: str = "text,label", **options: str) -> Task:
    path.write_text("\n".join([head, *lines]) + "\n", encoding="utf-8")
    return Files(train=str(path), **options).load(0)  # type: ignore[arg-type]


def in_order(order: str, text: str, label: str) -> str:
    return {
        "text,label": f"{text},{label}",
        "label,text": f"{label},{text}",
        "id,text,note,label": f"7,{text},n,{label}",
    }[order]


@pytest.mark.parametrize("order", ["text,label", "label,text", "id,text,note,label"])
@pytest.mark.parametrize("swallowed", [0, 1, 3])
@pytest.mark.parametrize("closing", ['"so" it goes', 'a 5" disk', '"quoted whole"'])
def test_rows_that_an_open_quote_swallowed_are_refused(
    tmp_path: Path, order: str, swallowed: int, closing: str
) -> None:
    rows = [*SOUND, ('"they said', "person"), *SOUND[:swallowed], (closing, "place"), *SOUND]
    lines = [in_order(order, text, label) for text, label in rows]
    with refused(where=tmp_path / "t.csv", row=6, says=f"goes on over {swallowed + 2} lines"):
        load(tmp_path / "t.csv", lines, order)


def test_a_file_with_windows_line_ends_an_encoding_and_empty_lines(tmp_path: Path) -> None:
    lines = ["sep=;", "text;label", "größer;a", "", "kleiner;b", '"über;a', "unter;b", 'ein "Wort";a', "x;b", "y;b"]
    (tmp_path / "t.csv").write_bytes("\r\n".join(lines).encode("cp1252"))
    with refused(where=tmp_path / "t.csv", row=5, says="unter;b"):
        Files(train=str(tmp_path / "t.csv"), encoding="cp1252").load(0)


def test_a_header_of_several_lines_is_no_row(tmp_path: Path) -> None:
    rows = [*SOUND, ('"they said', "person"), ('a "so" be it', "place"), *SOUND]
    with refused(where=tmp_path / "t.csv", row=6, says="they said,person"):
        load(tmp_path / "t.csv", [f"{','.join(row)},1" for row in rows], 'text,label,"a\nb"')


def test_where_the_quote_that_closes_it_may_stand_there_it_is_told(tmp_path: Path) -> None:
    """At the end of a cell: what a text of several lines looks like, too."""
    rows = [*SOUND, ('"they said', "person"), *SOUND[:2], ('a disk of 5"', "place"), *SOUND]
    task = load(tmp_path / "t.csv", [",".join(row) for row in rows])
    assert len(task.train) == 9
    told = describe(task)["facts"]["rows_swallowed"]
    assert told.startswith("t.csv, row 6: a cell goes on over 4 lines") and "where is it,place" in told
    said: list[str] = []
    encode(loads(f"data: {{name: files, train: {tmp_path / 't.csv'}}}\n{TFIDF}"), Heard(said))
    assert f"warning: {told}" in said


HONEST = [
    "first line\nsecond line\nthird",
    "Dear all, greeting\nit is here, place\nBye, person",  # a blank before what would be a label
    "How do I read this?\ntext,label\nhow are you,greeting\nwhere is it,place\nThanks",
    "one, two\nthree, four, five\n\nsix,greeting",
    "greeting\nplace\nperson",
    'she said "no"\nand left,greeting\n"so"',
    "\nhow are you,greeting\nwhere is it,place\n",
    "here it is,place\nthanks",  # one line end may be chance
]


@pytest.mark.parametrize("order", ["text,label", "label,text", "id,text,note,label"])
def test_honest_texts_of_several_lines_are_left_alone(tmp_path: Path, order: str) -> None:
    path, names = tmp_path / "t.csv", order.split(",")
    rows = [*SOUND, *((text, ("place", "person")[number % 2]) for number, text in enumerate(HONEST)), *SOUND]
    with open(path, "w", encoding="utf-8", newline="") as handle:
        writer = csv.DictWriter(handle, names)
        writer.writeheader()
        writer.writerows(
            {name: {"text": text, "label": label, "id": number, "note": "n"}[name] for name in names}
            for number, (text, label) in enumerate(rows)
        )
    task = Files(train=str(path)).load(0)
    assert len(task.train) == len(rows) and "rows_swallowed" not in task.facts


def test_lines_of_numbers_are_no_rows_of_numbered_classes(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    tables = ["\n".join(["the table:", *(f"{a},{b}" for a, b in random.integers(0, 3, (4, 2)))]) for _ in range(20)]
    lines = [f'{number % 3},"{table}"' for number, table in enumerate(tables)]
    task = load(tmp_path / "t.csv", [*lines, "0,a", "1,b", "2,c"], "label,text")
    assert len(task.train) == 23 and "rows_swallowed" not in task.facts


def test_quotes_that_are_ordinary_characters_swallow_nothing(tmp_path: Path) -> None:
    rows = [*SOUND, ('"they said', "person"), *SOUND[:2], ('a "so" be it', "place"), *SOUND]
    task = load(tmp_path / "t.csv", [",".join(row) for row in rows], quote="")
    assert len(task.train) == len(rows) and "rows_swallowed" not in task.facts

"""Labels that hardly anybody gives, and labels that are none of the classes that were declared."""

from __future__ import annotations

import csv
from pathlib import Path

import pandas as pd
import pytest
from refusals import refused

from clc_text import find_issues
from clc_text.data.checks.rare_labels import in_words, rare_labels
from clc_text.data.describe import describe
from clc_text.text.datasets.files import Files

PEOPLE = ["ann", "bob", "llm"]
CLASSES = ["negative", "positive"]
SLIP = 7  # a row, from 0; of the file it is row 9


def table(folder: Path, slips: dict[tuple[int, str], str], rows: int = 60) -> str:
    """Rows on which all three say the same, but for some cells."""
    path = folder / "several.csv"
    with open(path, "w", newline="", encoding="utf-8") as handle:
        out = csv.writer(handle)
        out.writerow(["id", "text", *PEOPLE])
        for row in range(rows):
            said = [slips.get((row, name), CLASSES[row % 2]) for name in PEOPLE]
            out.writerow([f"r{row}", f"the text number {row}", *said])
    return str(path)


def as_lines(folder: Path, path: str) -> str:
    frame = pd.read_csv(path)
    long = frame.melt(id_vars="id", value_vars=PEOPLE, var_name="annotator", value_name="label")
    long.to_csv(folder / "votes.csv", index=False)
    return str(folder / "votes.csv")


def test_a_label_that_is_none_of_the_declared_classes(tmp_path: Path) -> None:
    """It is refused with its file, its row and who says it, in every form in which labels are given."""
    path = table(tmp_path, {(SLIP, "ann"): "postive"})
    with refused(where=path, key="data.label_names", row=9) as wide:
        Files(train=path, label=PEOPLE, label_names=CLASSES).load(0)
    lines = as_lines(tmp_path, path)
    with refused(where=lines, key="data.label_names", row=9) as long:
        Files(train=path, votes=lines, label_names=CLASSES).load(0)
    for caught in (wide, long):
        assert "ann" in str(caught.value) and "'positive'?" in str(caught.value)
    with refused(where=path, key="data.label_names", row=9):
        Files(train=path, label="ann", label_names=CLASSES).load(0)
    frame = pd.read_csv(path)
    with refused(row=SLIP) as python:
        find_issues(frame[PEOPLE], label_names=CLASSES)
    assert "by ann" in str(python.value)
    mended = Files(train=path, label=PEOPLE, label_names=CLASSES, label_map={"postive": "positive"}).load(0)
    assert mended.label_names == CLASSES


def test_a_label_of_one_source_alone_is_named(tmp_path: Path) -> None:
    task = Files(train=table(tmp_path, {(SLIP, "ann"): "postive", (9, "ann"): "postive"}), label=PEOPLE).load(0)
    (found,) = rare_labels(task)
    assert found == {"label": "postive", "rows": [9, 11], "noun": "row", "source": "ann", "like": "positive"}
    assert describe(task)["rare_labels"] == [found]
    (sentence,) = in_words([found])
    assert all(part in sentence for part in ("'postive'", "ann", "9, 11", "'positive'", "data.label_names"))
    issues = find_issues(pd.read_csv(tmp_path / "several.csv")[PEOPLE])
    assert "'postive' is given by ann alone" in repr(issues) and f"{SLIP}, 9" in repr(issues)


@pytest.mark.parametrize("slips", [{}, {(SLIP, "ann"): "mixed", (SLIP, "bob"): "mixed"}])
def test_a_class_that_two_sources_say_is_a_class(slips: dict[tuple[int, str], str], tmp_path: Path) -> None:
    assert rare_labels(Files(train=table(tmp_path, slips), label=PEOPLE).load(0)) == []


def test_one_label_a_row(tmp_path: Path) -> None:
    task = Files(train=table(tmp_path, {(SLIP, "ann"): "postive", (8, "ann"): "other"}), label="ann").load(0)
    found = {one["label"]: one for one in rare_labels(task)}
    assert found["postive"]["rows"] == [9] and found["postive"]["like"] == "positive"
    assert found["other"]["rows"] == [10] and found["other"]["like"] is None
    cased = table(tmp_path, {(SLIP, "ann"): "Positive"})
    (found_cased,) = rare_labels(Files(train=cased, label="ann").load(0))
    assert found_cased["like"] is None, "told by `label_variants`, with the same remedy"
    assert len(in_words(list(found.values()))) == 1, "a class of few rows is no slip, unless it is spelt like another"

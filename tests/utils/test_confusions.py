"""What is shown of many classes: what fits, else the largest entries, and the whole in a file."""

from __future__ import annotations

import csv
import io
from typing import Any

import numpy as np
import pytest

from clc_text.inference.evaluation import matrix_csv, show
from clc_text.noise.estimation.estimate import NoiseEstimate
from clc_text.runs.noise_estimate import Estimated, as_text
from clc_text.utils.confusions import worst


def evaluated(classes: int, length: int = 4) -> dict[str, Any]:
    """Ten rows a class; of class 3 seven are taken for 1, of class 2 four for 0."""
    counts = 10 * np.eye(classes, dtype=int)
    for row, column, moved in ((3, 1, 7), (2, 0, 4)):
        counts[row, row] -= moved
        counts[row, column] += moved
    names = [f"c{index:0{length - 1}d}" for index in range(classes)]
    entries = [
        {"name": name, "rows": 10, "precision": 90.0, "recall": 10.0 * int(counts[index, index]),
         "f1": 10.0 * int(counts[index, index])}
        for index, name in enumerate(names)
    ]  # fmt: skip
    return {
        "rows": 10 * classes, "accuracy": {"peers": [90.0], "ensemble": 90.0}, "ece": 0.1, "macro_f1": 90.0,
        "classes": entries, "confusion": counts.tolist(),
    }  # fmt: skip


def test_the_largest_entries_beside_the_diagonal() -> None:
    matrix = np.array([[9, 1, 0], [4, 9, 1], [0, 0, 9]])
    assert worst(matrix) == [(1, 0), (0, 1), (1, 2)]
    assert worst(matrix, 1) == [(1, 0)]
    assert worst(np.eye(3)) == []


@pytest.mark.parametrize(
    ("classes", "width", "whole"), [(4, 80, True), (6, 80, True), (20, 80, False), (20, 200, True), (150, 300, False)]
)
def test_a_matrix_is_shown_where_it_fits(
    classes: int, width: int, whole: bool, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    show(evaluated(classes))
    shown = capsys.readouterr().out
    assert "…" not in shown and max(map(len, shown.splitlines())) <= width
    assert ("label \\ predicted" in shown) is whole
    assert ("most frequent confusions" in shown) is not whole
    if not whole:
        lines = [line.split("│")[1:-1] for line in shown.split("confusions")[1].splitlines() if "│" in line]
        assert [[cell.strip() for cell in line] for line in lines] == [
            ["c003", "c001", "7", "70%"], ["c002", "c000", "4", "40%"],
        ]  # fmt: skip
    assert len(shown.splitlines()) < 60
    assert ("the 20 worst of 150 classes" in shown) is (classes == 150)


def test_long_names_leave_room_for_numbers(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    show(evaluated(8, length=20))
    shown = capsys.readouterr().out
    assert "label \\ predicted" in shown and "7 c0000000000000000007" in shown and "…" not in shown


def test_the_whole_matrix_in_a_file() -> None:
    found = evaluated(4)
    found["classes"][0]["name"] = '=1+1,"x"'
    rows = list(csv.reader(io.StringIO(matrix_csv(found))))
    assert rows[0] == ["label \\ predicted", '\'=1+1,"x"', "c001", "c002", "c003"]
    assert rows[4] == ["c003", "0", "7", "0", "3"] and len(rows) == 5


@pytest.mark.parametrize("classes", [20, 150])
def test_a_noise_matrix_of_many_classes(classes: int) -> None:
    matrix = 0.9 * np.eye(classes)
    matrix[3, 1], matrix[2, 0] = 0.1, 0.05
    names = [f"c{index:03d}" for index in range(classes)]
    found = Estimated(names, 10 * classes, [NoiseEstimate(0.1, matrix, None, "em")], -1.0, None, None, [])
    text = as_text(found)
    assert ("rows: true, columns: given" in text) is (classes == 20)
    assert ("   10.0  c003 given as c001\n    5.0  c002 given as c000\n" in text) is (classes == 150)
    assert classes == 20 or len(text.splitlines()) < 12

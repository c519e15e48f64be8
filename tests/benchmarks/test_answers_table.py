"""What answers teach: the table and the picture are of the cells that are there, each beside the same draw without."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.answers import gathered, measured, picture, table_of
from clc_text.utils.files import write_json


@pytest.fixture
def cells(tmp_path: Path) -> Path:
    folder = tmp_path / "cells"
    folder.mkdir()
    for seed, none, with_answers in ((2, 0.6, 0.7), (3, 0.5, 0.52), (4, 0.1, None)):
        write_json(folder / f"weak-{seed}-none-0.json", {"accuracy": none, "right": 0.5})
        if with_answers is not None:
            write_json(folder / f"weak-{seed}-both-100.json", {"accuracy": with_answers, "right": 0.8, "alone": 0.4})
    write_json(folder / "weak-2-both_plain-100.json", {"accuracy": 0.61, "right": 0.5})
    write_json(folder / "coverage-weak.json", {"both before": 1.0})
    return folder


def test_each_draw_is_beside_the_same_without_answers(cells: Path) -> None:
    lines = table_of(measured(cells)).splitlines()
    assert lines[2:] == [
        "| weak | both | 100 | 2 | 55.0 | 61.0 | +6.0 (+10.0, +2.0) | 50.0 | 80.0 | 40.0 |",
        "| weak | both_plain | 100 | 1 | 60.0 | 61.0 | +1.0 | 50.0 | 50.0 |  |",
    ]


def test_one_file_of_all_cells_says_the_same(cells: Path, tmp_path: Path) -> None:
    path = tmp_path / "answers.json"
    write_json(path, gathered(cells))
    assert measured(path) == measured(cells)
    assert "coverage-weak" not in json.loads(path.read_text())
    picture(measured(path), tmp_path / "p.png")
    assert (tmp_path / "p.png").stat().st_size > 10_000

"""What a sweep has cost: of runs that tell it, and in words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from clc_text.config.recipe import loads
from clc_text.sweep.cost import SweepCost, cost_of, duration
from clc_text.sweep.grid import Cell


def cell(folder: Path, path: str, **result: Any) -> Cell:
    (folder / path).mkdir()
    (folder / path / "result.json").write_text(json.dumps({"run_id": "0"} | result))
    return Cell(path, "r", "v", 0, loads("data: quickstart"))


def test_runs_are_added_up_where_they_tell_all(tmp_path: Path) -> None:
    cells = [
        cell(tmp_path, "one", cost={"processor_seconds": 30.0, "flops": 10**12, "products_seconds": 9.0}),
        cell(tmp_path, "two", cost={"processor_seconds": 70.0, "flops": 2 * 10**12, "products_seconds": 21.0}),
        cell(tmp_path, "compiled", cost={"processor_seconds": 5.0, "flops": None, "products_seconds": None}),
        cell(tmp_path, "before"),
    ]
    cells.append(Cell("not yet", "r", "v", 0, cells[0].resolved))
    found = cost_of(cells, tmp_path)
    assert found == SweepCost(2, 100.0, 3 * 10**12, 30.0)
    assert found.sentence == (
        "2 cells in all: 1.7 min of processor time; 3e+12 floating point operations of their networks' products take "
        "30.0 s by themselves, 30% of it"
    )
    assert json.loads((tmp_path / "cost.json").read_text()) == {
        "cells": 2, "processor_seconds": 100.0, "flops": 3 * 10**12, "products_seconds": 30.0
    }  # fmt: skip


def test_where_no_run_tells_nothing_is_written(tmp_path: Path) -> None:
    assert cost_of([cell(tmp_path, "before")], tmp_path) is None
    assert not (tmp_path / "cost.json").exists()


def test_durations() -> None:
    assert [duration(each) for each in (0.04, 89, 90, 5399, 5400)] == [
        "0.0 s",
        "89.0 s",
        "1.5 min",
        "90.0 min",
        "1.5 h",
    ]

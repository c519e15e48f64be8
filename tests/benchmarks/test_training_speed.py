"""The benchmark of speed: who takes part, what a slice holds, and what is said of made-up times."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from benchmarks.interleaved import Slice, interleave
from benchmarks.speed_rows import (
    BARE,
    BOUND,
    OURS,
    PLAIN,
    STACKED,
    STOCK,
    Row,
    contestants,
    encoders,
    images,
    perceptrons,
)
from benchmarks.training_speed import compared, in_words
from clc_text.artifacts.dynamics import epochs_in


@pytest.mark.parametrize(
    "make",
    [
        lambda: perceptrons(8, rows=300, epochs=2),
        lambda: encoders(layers=1, rows=32, tokens=4),
        lambda: images(width=2, rows=33),
    ],
    ids=["perceptrons", "encoders", "images"],
)
def test_every_contestant_makes_its_slices(tmp_path: Path, make: Callable[[], Row]) -> None:
    torch.manual_seed(0)
    row = make()
    trained = contestants(row, tmp_path, compiled=False)
    assert list(trained) == [OURS, BARE, STOCK, PLAIN, *([STACKED] if row.stacked else []), BOUND]
    try:
        start, slices = interleave(trained, rounds=2, warm_up=1)
        assert all(one.cpu >= 0 and one.wall > 0 for one in start.values())
        assert {name: len(made) for name, made in slices.items()} == dict.fromkeys(trained, 2)
        # Three slices are made, and what was recorded of them is on the disk, the last epoch's end too.
        assert epochs_in(tmp_path / "ours" / "dynamics") == list(range(1, 3 * row.epochs + 1))
        saved = {int(path.name.split("-")[1]) for path in (tmp_path / "ours" / "checkpoints").glob("checkpoint-*")}
        assert saved == {2 * row.steps, 3 * row.steps}, "the last two, one a slice"
        assert not (tmp_path / "bare" / "checkpoints").exists() or not list((tmp_path / "bare").rglob("checkpoint-*"))
    finally:
        for one in trained.values():
            one.close()  # type: ignore[attr-defined]


def test_bars_are_judged_by_each_clock() -> None:
    def times(cpu: float, wall: float) -> list[Slice]:
        return [Slice(cpu * (1 + number / 100), wall * (1 + number / 100)) for number in range(9)]

    slices = {OURS: times(1.0, 1.0), PLAIN: times(2.0, 0.5), STACKED: times(0.95, 0.95), BOUND: times(0.5, 0.5)}
    found = compared({name: Slice(0.1, 0.2) for name in slices}, slices, steps=10)
    assert found["bars"] == [
        {"than": PLAIN, "bar": 1.0, "cpu": "holds", "wall": "fails"},
        {"than": STACKED, "bar": 0.9, "cpu": "holds", "wall": "holds"},
    ]
    of_bound = found["contestants"][BOUND]["cpu"]
    assert math.isclose(of_bound["ours_is_times_as_fast"]["median"], 0.5)
    assert math.isclose(of_bound["steps_per_second"], 10 / 0.52)
    text = in_words({"title": "two networks", "steps": 10} | found, "cpu")
    assert f"at least 1.0 x {PLAIN}: holds" in text and "CLCTrainer 0.50 x" in text
    without = {name: made for name, made in slices.items() if name != STACKED}
    found = compared({name: Slice(0.1, 0.2) for name in without}, without, steps=10)
    assert "no stacked form" in in_words({"title": "two networks", "steps": 10} | found, "wall")

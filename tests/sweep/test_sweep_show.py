"""What a sweep shows while it runs."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from clc_text.config.recipe import loads
from clc_text.sweep.grid import Cell
from clc_text.sweep.outcome import Outcome
from clc_text.sweep.show import follow, time_left


def cell(path: str) -> Cell:
    return Cell(path, "r", "v", 0, loads("data: quickstart"))


@pytest.mark.parametrize("terminal", [False, True])
def test_every_cell_is_counted_and_a_repeated_mistake_is_read_once(terminal: bool) -> None:
    shown = io.StringIO()
    console = Console(file=shown, force_terminal=terminal, color_system=None, width=200)
    sentence = "the file [data].csv is missing"
    ended = follow(
        iter(
            [
                (cell("a"), Outcome("done")),
                (cell("b"), Outcome("failed", sentence)),
                (cell("c"), Outcome("failed", sentence)),
                (cell("d"), Outcome("elsewhere", "another process runs it")),
                (cell("e"), Outcome("done")),
            ]
        ),
        5,
        console,
    )
    assert ended == {"done": 2, "failed": 2, "elsewhere": 1}
    text = shown.getvalue()
    assert text.count(sentence) == 1
    assert f"failed  b: {sentence}" in text
    assert "failed  c: as b" in text
    assert "elsewhere  d: another process runs it" in text
    assert ("5/5" in text) and ("a" in text)
    assert ("\x1b" in text) == terminal


def test_time_left() -> None:
    assert time_left(10, 2, 4) == "about 20 s left"
    assert time_left(600, 10, 30) == "about 30 min left"
    assert time_left(3600, 1, 20) == "about 20.0 h left"
    assert time_left(5, 0, 3) == ""  # nothing but failures so far: unknown
    assert time_left(5, 3, 0) == ""

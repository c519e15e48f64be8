"""Synthetic runs, and `clc-text` in this process as its command line runs it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from synthetic_run import Made, corrected_of, make_run

from clc_text.cli import main
from clc_text.corrections.store import Corrected

Command = Callable[..., str]


@pytest.fixture
def clc_text(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Calls a command that must succeed; gives what it printed."""

    def call(*arguments: object) -> str:
        code, out, err = _run(monkeypatch, capsys, arguments)
        assert code == 0, err
        return out

    return call


@pytest.fixture
def refused(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Calls a command that must end with exit code 2 and one sentence; gives that sentence."""

    def call(*arguments: object) -> str:
        code, out, err = _run(monkeypatch, capsys, arguments)
        assert code == 2, (code, out, err)
        lines = err.strip().splitlines()
        assert len(lines) == 1, err
        assert lines[0].startswith("clc-text: ")
        return lines[0].removeprefix("clc-text: ")

    return call


def _run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: tuple[object, ...]
) -> tuple[int, str, str]:
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr(sys, "argv", ["clc-text", *map(str, arguments)])
    capsys.readouterr()
    try:
        main()
        code = 0
    except SystemExit as end:
        code = int(end.code or 0)
    found = capsys.readouterr()
    return code, found.out, found.err


@pytest.fixture
def made(tmp_path: Path) -> Made:
    """A run of 400 rows with canaries."""
    return make_run(tmp_path / "run", canaries=40)


@pytest.fixture
def corrected(made: Made) -> Corrected:
    """Its corrected dataset; about a quarter of the labels are changed."""
    return corrected_of(made)

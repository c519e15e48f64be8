"""`clc-text sweep`: what it refuses before it says or writes anything, and what a part of it must look at."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from clc_text.cli import app
from clc_text.errors import InputError
from clc_text.sweep.grid import read_sweep
from clc_text.sweep.outcome import Outcome


def sweep(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["sweep", *map(str, arguments)])


def test_without_ray_nothing_is_said_or_written(
    tiny_sweep: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    found = sweep(tiny_sweep, "--out", tmp_path / "out", "--engine", "ray")
    assert isinstance(found.exception, InputError)
    assert "pip install 'clc-text[ray]'" in str(found.exception)
    assert found.output == ""
    assert not (tmp_path / "out").exists()


def test_an_empty_part_is_refused(tiny_sweep: Path, tmp_path: Path) -> None:
    found = sweep(tiny_sweep, "--out", tmp_path / "out", "--part", "9/9")
    assert isinstance(found.exception, InputError)
    assert "make at most 8 parts" in str(found.exception)
    assert not (tmp_path / "out").exists()


def test_a_part_is_not_run_beside_cells_of_another_recipe(tiny_sweep: Path, tmp_path: Path) -> None:
    _, cells = read_sweep(tiny_sweep)
    ended = tmp_path / "out" / cells[0].path
    ended.mkdir(parents=True)
    (tmp_path / "out" / "sweep.yaml").write_text(tiny_sweep.read_text())
    (ended / "result.json").write_text("{}")
    (ended / "recipe.yaml").write_text(cells[1].resolved.dump())
    found = sweep(tiny_sweep, "--out", tmp_path / "out", "--part", "8/8")  # the first cell is not of it
    assert isinstance(found.exception, InputError)
    assert f"{ended} was run from another recipe than the sweep now gives" in str(found.exception)


@pytest.mark.parametrize("stopped", [False, True])
def test_how_a_process_hears_sigterm_is_as_before(
    stopped: bool, tiny_sweep: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever calls the command from Python has processes of its own, which would inherit it."""
    meanwhile = []

    def run(cells: object, *_: object) -> Iterator[tuple[object, Outcome]]:
        meanwhile.append(signal.getsignal(signal.SIGTERM))
        if stopped:
            raise KeyboardInterrupt
        yield from ()

    monkeypatch.setattr("clc_text.sweep.run_sweep.run", run)
    before = signal.getsignal(signal.SIGTERM)
    assert sweep(tiny_sweep, "--out", tmp_path / "out").exit_code == (130 if stopped else 0)
    assert meanwhile == [signal.default_int_handler]
    assert signal.getsignal(signal.SIGTERM) == before

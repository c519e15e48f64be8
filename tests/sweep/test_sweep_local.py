"""Cells in parallel processes: one that is killed is replaced and its cell finished; Ctrl-C ends everything."""

from __future__ import annotations

import functools
import json
import multiprocessing
import operator
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
import stops_once
from typer.testing import CliRunner

from clc_text.cli import app
from clc_text.sweep import local
from clc_text.sweep.cell import run_cell
from clc_text.sweep.grid import Cell, read_sweep
from clc_text.sweep.local import run_local
from clc_text.sweep.outcome import Outcome, is_done
from clc_text.sweep.run_sweep import plan
from clc_text.utils import workers


def cells_of(sweep: Path, *lines: str) -> list[Cell]:
    sweep.write_text("recipes: [tiny.yaml]\n" + "\n".join(lines))
    return read_sweep(sweep)[1]


@pytest.mark.usefixtures("warm_workers")
def test_a_killed_process_is_replaced_and_its_cell_finished(
    tiny_sweep: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cells = cells_of(tiny_sweep, "seeds: [0, 1]", "set: {training.epochs: 6}")
    first, mark = tmp_path / "out" / cells[0].path / "metrics.jsonl", tmp_path / "stands-still"
    monkeypatch.setattr(local, "_work", functools.partial(stops_once.work, mark))
    killed: list[int] = []

    def kill_in_the_middle() -> None:
        while not mark.exists():
            time.sleep(0.01)
        [worker] = multiprocessing.active_children()
        assert worker.pid is not None
        os.kill(worker.pid, signal.SIGKILL)
        killed.append(worker.pid)

    killer = threading.Thread(target=kill_in_the_middle, daemon=True)
    killer.start()
    outcomes = {cell.path: outcome for cell, outcome in run_local(cells, tmp_path / "out", jobs=1)}
    assert len(killed) == 1
    assert outcomes == {cell.path: Outcome("done") for cell in cells}
    assert [json.loads(line)["epoch"] for line in first.read_text().splitlines()] == [1, 2, 3, 4, 5, 6]
    assert multiprocessing.active_children() == []


def test_a_cell_whose_process_always_dies_fails_and_the_others_go_on(
    tiny_sweep: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cells = cells_of(tiny_sweep, "seeds: [0, 1, 2]")
    monkeypatch.setattr(local, "_work", operator.truth)  # a process that ends without an answer, and starts at once
    outcomes = list(run_local(cells, tmp_path / "out", jobs=2))
    assert sorted(cell.path for cell, _ in outcomes) == sorted(cell.path for cell in cells)
    assert {outcome for _, outcome in outcomes} == {Outcome("failed", "its process died 2 times (out of memory?)")}
    assert multiprocessing.active_children() == []


def test_no_cells_no_processes(tmp_path: Path) -> None:
    assert list(run_local([], tmp_path, jobs=4)) == []


def test_what_the_user_set_for_threads_and_signals_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    monkeypatch.delenv("MKL_NUM_THREADS", raising=False)
    before = signal.getsignal(signal.SIGINT)
    with workers.environment_of_workers():
        assert os.environ["OMP_NUM_THREADS"] == os.environ["MKL_NUM_THREADS"] == "1"
        assert signal.getsignal(signal.SIGINT) == signal.SIG_IGN
    assert os.environ["OMP_NUM_THREADS"] == "7"
    assert "MKL_NUM_THREADS" not in os.environ
    assert signal.getsignal(signal.SIGINT) == before


def clc_text_sweep(*arguments: str | Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "clc_text", "sweep", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,  # a process group of its own, as a shell gives every command
        preexec_fn=hear_ctrl_c,
    )


def hear_ctrl_c() -> None:
    """Tests that are run in the background of a script inherit that Ctrl-C is ignored."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def await_end_of_group(group: int, seconds: float = 120) -> None:
    """Fails if a process of the group still runs after some seconds.

    The interpreter's own resource tracker ends a moment after the process that it serves, and where nobody collects
    orphans (a container without an init) what has ended stays listed.
    """
    running: list[psutil.Process] = []
    for _ in range(int(seconds / 0.1)):
        running = [process for process in psutil.process_iter() if in_group(process, group)]
        if not running:
            return
        time.sleep(0.1)
    raise AssertionError(f"still there: {running}")


def in_group(process: psutil.Process, group: int) -> bool:
    try:
        return os.getpgid(process.pid) == group and process.status() != psutil.STATUS_ZOMBIE
    except (ProcessLookupError, psutil.NoSuchProcess):
        return False


def ctrl_c(command: subprocess.Popen[str]) -> None:
    os.killpg(command.pid, signal.SIGINT)  # as a terminal does: to all of them


def terminate(command: subprocess.Popen[str]) -> None:
    command.terminate()  # as a scheduler does: to the command alone


@pytest.mark.parametrize("stop", [pytest.param(ctrl_c, marks=pytest.mark.slow), terminate])
def test_stopping_ends_every_process_and_the_same_command_goes_on(
    stop: Callable[[subprocess.Popen[str]], None], tiny_sweep: Path, tmp_path: Path
) -> None:
    [cell] = cells_of(tiny_sweep, "set: {training.epochs: 5000, training.checkpoint_epochs: 0}")
    out = tmp_path / "out"
    command = clc_text_sweep(tiny_sweep, "--out", out, "--jobs", "1")
    try:
        while not (out / cell.path / "metrics.jsonl").is_file():
            assert command.poll() is None, command.communicate()
            time.sleep(0.05)
        stop(command)
        _, shown = command.communicate(timeout=250)
    finally:
        command.kill()
    assert command.returncode == 130
    assert shown.strip().splitlines() == [
        "1 cell, 0 done already, 1 to run, 1 at once", "clc-text: stopped; the same command goes on",
    ]  # fmt: skip
    await_end_of_group(command.pid)

    [cell] = cells_of(tiny_sweep, "set: {training.epochs: 2, training.checkpoint_epochs: 0}")
    assert plan(tiny_sweep, [cell], out) == [cell]
    assert run_cell(cell.resolved, out / cell.path) == Outcome("done")


@pytest.mark.usefixtures("warm_workers")
def test_the_command_reports_failures_and_tries_them_again(tiny_sweep: Path, tmp_path: Path) -> None:
    folder, out = tiny_sweep.parent, tmp_path / "out"
    rows = folder / "rows.csv"
    tiny_sweep.write_text(
        f"recipes: [tiny.yaml]\nset: {{training.epochs: 2}}\nvariants:\n  good: {{}}\n"
        f"  bad: {{data.name: files, data.train: {rows}, training.batch_size: 2}}\n"
    )
    result = CliRunner().invoke(app, ["sweep", str(tiny_sweep), "--out", str(out), "--jobs", "1"])
    shown = result.stderr
    assert result.exit_code == 1, shown
    assert result.stdout == f"clc-text table {out}\n"
    assert "2 cells, 0 done already, 2 to run, 1 at once" in shown
    assert f"failed  tiny/bad/seed-0: data.train: '{rows}' does not exist" in shown
    assert "clc-text: 1 cells failed; the same command tries them again" in shown
    assert "Traceback" not in shown
    assert is_done(out / "tiny/good/seed-0")
    assert (out / "tiny/bad/seed-0.error.txt").is_file()

    rows.write_text("text,label\n" + "".join(f"row {i} {'left' if i % 2 else 'right'},{i % 2}\n" for i in range(40)))
    _, cells = read_sweep(tiny_sweep)
    [again] = plan(tiny_sweep, cells, out)
    assert run_cell(again.resolved, out / again.path) == Outcome("done")
    assert plan(tiny_sweep, cells, out) == []


@pytest.mark.slow
def test_two_commands_at_once_run_each_cell_once(tiny_sweep: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    commands = [clc_text_sweep(tiny_sweep, "--out", out, "--jobs", "2") for _ in range(2)]
    shown = [command.communicate(timeout=280)[1] for command in commands]
    assert [command.returncode for command in commands] == [0, 0], shown
    _, cells = read_sweep(tiny_sweep)
    for cell in cells:
        assert is_done(out / cell.path)
        assert len((out / cell.path / "metrics.jsonl").read_text().splitlines()) == 3


def test_an_end_that_a_destructor_swallowed_is_told_again() -> None:
    """Python ignores exceptions there, and would print this one."""
    script = """
import os, signal, time
from clc_text.utils.workers import end_when_told

class Kept:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGTERM)
        sum(range(1000))

end_when_told()
print("begun", flush=True)
Kept()
time.sleep(100)
"""
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert (ended.returncode, ended.stdout, ended.stderr) == (1, "begun\n", "")

"""One cell: skipped when done, run by one process at a time, gone on with, its failure written down."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from refusals import refused
from typer.testing import CliRunner

import clc_text.runs.run
import clc_text.sweep.cell
from clc_text.analysis.sweep_table import read_table
from clc_text.cli import app
from clc_text.config.recipe import Recipe, load
from clc_text.errors import InputError
from clc_text.runs.observer import Silent
from clc_text.runs.prepare import Memo
from clc_text.sweep.cell import run_cell
from clc_text.sweep.changed_data import changed_data
from clc_text.sweep.grid import read_sweep
from clc_text.sweep.outcome import Outcome, is_done
from clc_text.sweep.run_sweep import plan
from clc_text.utils.leftovers import aside_of


class Cut(BaseException):
    """What ends a cell as a killed process would."""


class CutAfter(Silent):
    def __init__(self, epoch: int) -> None:
        self.last = epoch

    def epoch(self, entry: dict[str, Any], notices: list[Any]) -> None:
        if entry["epoch"] == self.last:
            raise Cut


class Stages(Silent):
    def __init__(self) -> None:
        self.sentences: list[str] = []

    def stage(self, sentence: str) -> None:
        self.sentences.append(sentence)


def epochs(directory: Path) -> list[float]:
    return [json.loads(line)["seconds"] for line in (directory / "metrics.jsonl").read_text().splitlines()]


def test_a_cell_runs_once_and_goes_on_where_it_was_cut(tiny_recipe: Path, tmp_path: Path) -> None:
    recipe, directory = load(tiny_recipe), tmp_path / "sweep" / "tiny" / "seed-0"
    with pytest.raises(Cut):
        run_cell(recipe, directory, CutAfter(3))
    assert not is_done(directory)
    before = epochs(directory)
    assert run_cell(recipe, directory) == Outcome("done")
    assert (
        epochs(directory)[:2] == before[:2]
    )  # seconds are those of the first attempt: these epochs were not repeated
    assert len(epochs(directory)) == 5
    written = (directory / "result.json").read_bytes()
    assert run_cell(recipe, directory) == Outcome("done")
    assert (directory / "result.json").read_bytes() == written
    assert [path.name for path in directory.parent.iterdir() if not path.name.startswith(".")] == ["seed-0"]


@pytest.mark.parametrize("damage", [b"", b'{"method": "cl', b"[]", b"\xff"])
def test_a_damaged_result_is_none_and_is_made_again(damage: bytes, tiny_recipe: Path, tmp_path: Path) -> None:
    recipe, directory = load(tiny_recipe, ["training.epochs=1"]), tmp_path / "seed-0"
    assert run_cell(recipe, directory) == Outcome("done")
    before = json.loads((directory / "result.json").read_text())
    (directory / "result.json").write_bytes(damage)
    assert not is_done(directory)
    assert run_cell(recipe, directory) == Outcome("done")
    assert is_done(directory)
    assert json.loads((directory / "result.json").read_text())["accuracy"] == before["accuracy"]


def test_an_unfinished_run_of_another_recipe_makes_room(tiny_recipe: Path, tmp_path: Path) -> None:
    directory = tmp_path / "seed-0"
    with pytest.raises(Cut):
        run_cell(load(tiny_recipe, ["seeds.noise=1"]), directory, CutAfter(2))
    assert run_cell(load(tiny_recipe), directory) == Outcome("done")
    assert load(directory / "recipe.yaml").seeds.noise == 0


def write_table(path: Path, classes: int) -> None:
    rows = [f"row {i} {('left', 'right', 'up')[i % classes]},{i % classes}\n" for i in range(120)]
    path.write_text("text,label\n" + "".join(rows))


def own_recipe(tiny_recipe: Path, train: Path, *more: str) -> Recipe:
    data = f"data={{name: files, train: {train}, test_share: 0.2}}"
    return load(tiny_recipe, [data, "noise=none", "training.batch_size=16", *more])


def test_an_unfinished_run_on_data_that_has_changed_makes_room(
    tiny_recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train, directory = tmp_path / "own.csv", tmp_path / "seed-0"
    write_table(train, 2)
    recipe = own_recipe(tiny_recipe, train)
    with pytest.raises(Cut):
        run_cell(recipe, directory, CutAfter(3))
    before = epochs(directory)
    monkeypatch.setattr(clc_text.sweep.cell, "_MEMO", Memo())  # of another process
    with pytest.raises(Cut):
        run_cell(recipe, directory, CutAfter(4))
    assert epochs(directory)[:2] == before[:2]  # the same data: it went on
    write_table(train, 3)
    monkeypatch.setattr(clc_text.sweep.cell, "_MEMO", Memo())
    stages = Stages()
    assert run_cell(recipe, directory, stages) == Outcome("done")
    assert stages.sentences.count("reading files") == 1  # not once more to find out
    assert len(json.loads((directory / "environment.json").read_text())["label_names"]) == 3
    assert len(epochs(directory)) == 5 and epochs(directory)[:2] != before[:2]


def test_a_cell_that_another_process_runs_from_another_recipe_has_failed(
    tiny_recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So does the worker of a sweep that was killed, until its cell has ended."""
    old, new = load(tiny_recipe, ["seeds.noise=1"]), load(tiny_recipe)
    directory = tmp_path / "seed-0"
    with pytest.raises(Cut):
        run_cell(load(tiny_recipe, ["seeds.noise=2"]), directory, CutAfter(1))  # which will make room for the others
    meanwhile: list[Outcome] = []

    def train(recipe: Recipe, directory: Path, **more: Any) -> None:
        meanwhile.extend(run_cell(other, directory) for other in (old, new))
        (directory / "recipe.yaml").write_text(recipe.dump())
        (directory / "result.json").write_text("{}")

    monkeypatch.setattr(clc_text.runs.run, "train", train)
    assert run_cell(old, directory) == Outcome("done")
    assert meanwhile[0] == Outcome("elsewhere", "another process runs it")
    assert meanwhile[1].kind == "failed"
    assert "is running it from another recipe than the sweep now gives; end that process" in meanwhile[1].sentence
    # It has ended between the plan and this cell's turn.
    outcome = run_cell(new, directory)
    assert outcome.kind == "failed" and "was run from another recipe than the sweep now gives" in outcome.sentence


def test_files_that_have_changed_since_a_cell_ran_are_told(
    tiny_sweep: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train, out = tmp_path / "own.csv", tmp_path / "out"
    write_table(train, 2)
    own = f"data: {{name: files, train: {train}, test_share: 0.2}}, noise: none, training.batch_size: 16"
    tiny_sweep.write_text(
        f"recipes: [tiny.yaml]\nset: {{{own}, training.epochs: 1}}\n"
        "variants: {a: {}, b: {method.name: standard}, c: {data: {name: quickstart}}}\n"
    )
    _, cells = read_sweep(tiny_sweep)
    plan(tiny_sweep, cells, out)
    for one in (cells[0], cells[2]):
        assert run_cell(one.resolved, out / one.path) == Outcome("done")
    assert changed_data(cells, out) == {}
    write_table(train, 3)
    assert changed_data(cells, out) == {str(train): ["tiny/a/seed-0"]}
    found = CliRunner().invoke(
        app, ["sweep", str(tiny_sweep), "--out", str(out), "--part", "1/3"]
    )  # the cell that is done
    assert f"clc-text: {train} has changed since tiny/a/seed-0 ran; remove its folder to run it anew" in found.output
    monkeypatch.setattr(clc_text.sweep.cell, "_MEMO", Memo())
    assert run_cell(cells[1].resolved, out / cells[1].path) == Outcome("done")
    with pytest.raises(InputError, match=r"on the same data \(a/seed-0: own\.csv .*; b/seed-0: own\.csv"):
        read_table(out)
    train.unlink()
    assert changed_data(cells, out) == {}  # nobody can say


def test_variants_of_one_dataset_encode_it_once(tiny_recipe: Path, tmp_path: Path) -> None:
    overrides = ["data.rows=333", "training.epochs=1"]
    stages = Stages()
    for name, more in (("a", ["noise.rate=0.1"]), ("b", ["method.name=standard"]), ("c", ["seeds.noise=4"])):
        run_cell(load(tiny_recipe, [*overrides, *more]), tmp_path / name, stages)
    assert stages.sentences.count("reading quickstart") == 1
    run_cell(load(tiny_recipe, [*overrides, "encoder.length=7"]), tmp_path / "d", stages)
    run_cell(load(tiny_recipe, [*overrides, "seeds.data=1"]), tmp_path / "e", stages)
    run_cell(load(tiny_recipe, [*overrides, "seeds.network=1"]), tmp_path / "f", stages)
    assert stages.sentences.count("reading quickstart") == 4


@pytest.mark.slow
def test_variants_of_one_method_cross_fit_once_and_find_what_each_alone_would(
    tiny_recipe: Path, tmp_path: Path
) -> None:
    overrides = ["data.rows=333", "method={name: clc_auto, fold_epochs: 2, fold_rounds: 3, folds: 3}"]
    stages = Stages()

    def rounds() -> int:
        return sum("round 1 of 3" in sentence for sentence in stages.sentences)

    run_cell(load(tiny_recipe, [*overrides, "training.epochs=1"]), tmp_path / "a", stages)
    longer = load(tiny_recipe, [*overrides, "training.epochs=3", "method.warmup_epochs=2"])
    run_cell(longer, tmp_path / "b", stages)
    run_cell(load(tiny_recipe, ["data.rows=333", "method.name=standard"]), tmp_path / "c", stages)
    assert rounds() == 1
    assert not (tmp_path / "c/crossfit.json").exists()
    run_cell(load(tiny_recipe, [*overrides, "seeds.noise=5"]), tmp_path / "d", stages)
    run_cell(load(tiny_recipe, [*overrides, "training.learning_rate=0.01"]), tmp_path / "e", stages)
    assert rounds() == 3

    clc_text.runs.run.train(longer, tmp_path / "alone")
    for file in ("crossfit.safetensors", "predictions.safetensors"):
        assert (tmp_path / "b" / file).read_bytes() == (tmp_path / "alone" / file).read_bytes()


def test_a_users_mistake_and_a_defect_are_written_down_and_tried_again(
    tiny_recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe, directory = load(tiny_recipe), tmp_path / "seed-0"
    error = tmp_path / "seed-0.error.txt"

    def raising(wrong: Exception) -> None:
        def train(*arguments: Any, **more: Any) -> None:
            raise wrong

        monkeypatch.setattr(clc_text.runs.run, "train", train)

    raising(InputError("the data is nowhere"))
    assert run_cell(recipe, directory) == Outcome("failed", "the data is nowhere")
    assert error.read_text() == "the data is nowhere\n"
    raising(ZeroDivisionError("0/0"))
    outcome = run_cell(recipe, directory)
    assert outcome == Outcome("failed", f"ZeroDivisionError: 0/0 (the traceback is in {error})")
    assert "Traceback" in error.read_text()
    monkeypatch.undo()
    assert run_cell(recipe, directory) == Outcome("done")
    assert not error.exists()


HOLD = """
import sys, time, filelock
lock = filelock.FileLock(sys.argv[1])  # named, or it would be released at once
lock.acquire()
print("held", flush=True)
time.sleep(600)
"""


def test_a_cell_of_another_process_is_left_alone_until_that_dies(
    tiny_recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run: list[Path] = []
    monkeypatch.setattr(clc_text.runs.run, "train", lambda recipe, directory, **more: run.append(directory))
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path / ".seed-0.lock")], stdout=subprocess.PIPE, text=True
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        assert run_cell(load(tiny_recipe), tmp_path / "seed-0").kind == "elsewhere"
        assert run == []
    finally:
        holder.kill()
        holder.wait()
    assert run_cell(load(tiny_recipe), tmp_path / "seed-0").kind == "done"
    assert run == [tmp_path / "seed-0"]


def test_two_sweeps_at_once_run_each_cell_once(
    tiny_sweep: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a stand-in for training, so that hundreds of meetings take a second."""
    run: list[Path] = []

    def train(recipe: Recipe, directory: Path, **more: Any) -> None:
        run.append(directory)
        time.sleep(0.01)
        directory.mkdir(parents=True)
        (directory / "recipe.yaml").write_text(recipe.dump())
        (directory / "result.json").write_text("{}")

    monkeypatch.setattr(clc_text.runs.run, "train", train)
    _, cells = read_sweep(tiny_sweep)
    outcomes: list[Outcome] = []

    def sweep() -> None:
        for cell in cells:
            outcomes.append(run_cell(cell.resolved, tmp_path / "out" / cell.path))

    threads = [threading.Thread(target=sweep) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(run) == sorted(tmp_path / "out" / cell.path for cell in cells)
    assert {outcome.kind for outcome in outcomes} <= {"done", "elsewhere"}
    assert len(outcomes) == 4 * len(cells)


def test_a_plan_leaves_out_what_is_done_and_refuses_what_is_not_its_own(tiny_sweep: Path, tmp_path: Path) -> None:
    _, cells = read_sweep(tiny_sweep)
    out = tmp_path / "out"
    assert plan(tiny_sweep, cells, out) == cells
    done = out / cells[2].path
    done.mkdir(parents=True)
    (done / "result.json").write_text("{}")
    (done / "recipe.yaml").write_text(cells[2].resolved.dump())
    assert plan(tiny_sweep, cells, out) == [*cells[:2], *cells[3:]]

    (done / "recipe.yaml").write_text("name: renamed\n" + cells[2].resolved.dump().partition("\n")[2])
    assert len(plan(tiny_sweep, cells, out)) == 7  # only the name differs
    (done / "recipe.yaml").write_text(cells[3].resolved.dump())
    with refused(where=done, key="recipe"):
        plan(tiny_sweep, cells, out)

    (done / "recipe.yaml").write_text("name: {")
    with refused(where=done, key="recipe.yaml"):
        plan(tiny_sweep, cells, out)
    (done / "recipe.yaml").unlink()
    with refused(where=done, key="recipe.yaml"):
        plan(tiny_sweep, cells, out)
    (done / "result.json").write_text("")  # damaged: not done, so nobody asks what it was
    assert plan(tiny_sweep, cells, out) == cells

    foreign = tmp_path / "foreign"
    foreign.mkdir()
    (foreign / "thesis.tex").write_text("years of work")
    for path in (foreign, foreign / "thesis.tex"):
        with refused(where=path, key="--out"):
            plan(tiny_sweep, cells, path)


def test_a_sweep_that_was_killed_in_its_first_write_is_begun_again(tiny_sweep: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    left = aside_of(out / "sweep.yaml")
    left.write_text("recip")
    _, cells = read_sweep(tiny_sweep)
    assert plan(tiny_sweep, cells, out) == cells
    assert (out / "sweep.yaml").is_file() and not left.exists()

"""Rows that a run does not keep are taken for its own only where they are the very same."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from refusals import refused

from clc_text.artifacts.run_directory import RunDirectory
from clc_text.config.recipe import loads
from clc_text.runs.reload import source_rows
from clc_text.runs.run import train

ROWS = 24


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunDirectory:
    """A run of two files that have one name, of which it keeps no row."""
    monkeypatch.chdir(tmp_path)
    for number, folder in enumerate(("one", "two")):
        rows = [{"text": f"row {row} of {folder}", "label": "xxy"[(row + number) % 3]} for row in range(ROWS)]
        Path(folder).mkdir()
        Path(folder, "data.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    recipe = loads(
        "data: {name: files, train: one/data.jsonl, test: two/data.jsonl}\nencoder: {vectors: train}\n"
        "network: {hidden: [4]}\nmethod: {name: standard}\ntraining: {epochs: 1, batch_size: 8, device: cpu}\n"
        "keep_data: false\n"
    )
    train(recipe, tmp_path / "run")
    return RunDirectory(tmp_path / "run")


def turn_train() -> None:
    lines = Path("one/data.jsonl").read_text().splitlines(keepends=True)
    Path("one/data.jsonl").write_text("".join(reversed(lines)))


def turn_test() -> None:
    lines = Path("two/data.jsonl").read_text().splitlines(keepends=True)
    Path("two/data.jsonl").write_text("".join(reversed(lines)))


def swap() -> None:
    Path("one").rename("three")
    Path("two").rename("one")
    Path("three").rename("two")


@pytest.mark.parametrize(
    "change",
    [
        turn_train,
        turn_test,
        swap,
    ],
)
def test_files_of_one_name_are_told_apart(run: RunDirectory, change: Callable[[], None]) -> None:
    assert source_rows(run).rows == ROWS
    change()
    with refused(where=run.path, key="data.jsonl"):
        source_rows(run)


def test_one_file_less_is_another_source(run: RunDirectory) -> None:
    path = run.file("environment.json")
    environment = json.loads(path.read_text())
    path.write_text(json.dumps(environment | {"sources": environment["sources"][:1]}))
    with refused(where=run.path, key="data.jsonl"):
        source_rows(run)


def test_other_labels_are_refused_whatever_is_recorded_of_the_files(
    run: RunDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = loads(run.file("recipe.yaml").read_text())
    task = recipe.data.load(0)
    monkeypatch.setattr(type(task), "given_labels", np.roll(task.given_labels, 1))
    with refused(where=run.path, key="labels"):
        source_rows(run)

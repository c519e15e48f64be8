"""Corrections are a log: a step adds a line, and the dataset is made from the log when it is read."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from datasets import load_dataset
from datasets.exceptions import DataFilesNotFoundError
from refusals import refused
from synthetic_run import NAMES, Made, corrected_of, make_run

from clc_text.config.recipe import loads
from clc_text.corrections import store
from clc_text.corrections.log import IN_LINE, LOG, Step
from clc_text.corrections.revert import Selection, restore, revert
from clc_text.corrections.state import PERSON, SOURCES
from clc_text.corrections.store import Corrected
from clc_text.runs.load import load_task
from clc_text.utils.files import write_json, write_text

Command = Callable[..., str]


@pytest.fixture(autouse=True)
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every dataset counts as too large to be written at once."""
    monkeypatch.setattr(store, "AT_ONCE_BYTES", 0)


def files(folder: Path) -> dict[str, tuple[int, int]]:
    """Inode and size of every file."""
    found = {path: path.stat() for path in folder.rglob("*") if path.is_file()}
    return {path.relative_to(folder).as_posix(): (one.st_ino, one.st_size) for path, one in found.items()}


def answer(run: Path, clc_text: Command, row: int, label: str) -> None:
    write_text(run.parent / "answer.csv", f"row,answer\n{row},{label}\n")
    assert "--format dataset" in clc_text("apply", run, run.parent / "answer.csv")


def test_a_small_dataset_follows_at_once(
    corrected: Corrected, clc_text: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And `datasets`, which keeps what it has loaded, gives the labels as they are, not those of the step before."""
    monkeypatch.undo()
    for command in (["revert", "--rows", "0-199"], ["revert", "--last"], ["revert", "--all"]):
        assert "--format dataset" not in clc_text(command[0], corrected.run.path, *command[1:])
        rows = load_dataset(str(corrected.path), split="train", cache_dir=str(tmp_path / "cache"))
        assert rows["label"][:] == Corrected(corrected.run).state().label.tolist()


def test_an_answer_adds_a_line_and_rewrites_no_rows(corrected: Corrected, clc_text: Command) -> None:
    run, before, log = corrected.run.path, files(corrected.path), (corrected.path / LOG).read_bytes()
    answer(run, clc_text, 7, "NUM")
    after, now = files(corrected.path), Corrected(corrected.run)
    assert (corrected.path / LOG).read_bytes().startswith(log)
    moved = {name.replace("data/", "superseded/"): one for name, one in before.items()}
    assert {name for name, one in after.items() if moved.get(name) != one} == {LOG, "current.json"}
    (change,) = now.log()
    assert (change.row, change.label, change.source, change.step) == (7, NAMES.index("NUM"), "person", 2)
    assert change.time == now.history()[-1]["time"]
    state = corrected.state()
    expected = state.with_labels(np.array([7]), np.array([5]), PERSON)
    assert (now.state().label == expected.label).all()
    assert (now.state().source == expected.source).all()
    assert now.facts["labels"] == expected.counts
    assert now.facts["changed"] == int(expected.changed.sum())


def test_the_dataset_is_never_of_another_step_than_the_log(
    corrected: Corrected, clc_text: Command, tmp_path: Path
) -> None:
    run, cache = corrected.run.path, str(tmp_path / "cache")
    answer(run, clc_text, 7, "NUM")
    with pytest.raises((DataFilesNotFoundError, FileNotFoundError)):
        load_dataset(str(corrected.path), cache_dir=cache)
    assert "superseded" not in clc_text("diff", run)  # reads the rows all the same
    assert "400 rows in" in clc_text("export", run, "--format", "dataset")
    rows = load_dataset(str(corrected.path), split="train", cache_dir=cache)
    now = Corrected(corrected.run)
    assert rows["label"][:] == now.state().label.tolist()
    assert rows["label_source"][7] == "person"
    assert json.loads((now.path / "corrected.json").read_text())["labels"] == now.facts["labels"]
    assert not (now.path / "superseded").exists()
    before = files(now.path)
    clc_text("export", run, "--format", "dataset")  # nothing is to be done
    assert files(now.path) == before


@pytest.mark.parametrize("place", ["corrected", "corrected/data"])
def test_training_on_it_reads_the_labels_as_they_are(corrected: Corrected, clc_text: Command, place: str) -> None:
    run = corrected.run.path
    answer(run, clc_text, 7, "NUM")
    recipe = loads(f"data: {{name: files, train: {run / place}, text: text, label: label}}")
    task = load_task(recipe)
    assert task.given_labels[7] == NAMES.index("NUM")


def test_a_copy_without_rows_is_no_dataset(corrected: Corrected, clc_text: Command, tmp_path: Path) -> None:
    answer(corrected.run.path, clc_text, 7, "NUM")
    corrected.path.rename(tmp_path / "elsewhere")
    with refused(where=tmp_path / "elsewhere"):
        load_task(loads(f"data: {{name: files, train: {tmp_path / 'elsewhere'}, text: text, label: label}}"))


def test_an_export_of_the_dataset_has_one_place(corrected: Corrected, refused: Command, tmp_path: Path) -> None:
    said = refused("export", corrected.run.path, "--format", "dataset", "--out", tmp_path / "x")
    assert str(corrected.path) in said


@pytest.mark.parametrize("count", [3, IN_LINE + 1])
def test_what_is_known_of_an_answer_is_kept_with_it(tmp_path: Path, count: int) -> None:
    """In the line or in a file of its own, and also where the answer changes nothing."""
    made = make_run(tmp_path / "run", rows=IN_LINE + 100)
    corrected = corrected_of(made)
    rows = np.arange(count)
    once = corrected.state().with_labels(rows, np.zeros(count, np.int32), PERSON)
    corrected.write(once, Step("apply", {}))
    facts = {int(row): {"why": "drawn — at random", "probability": 1 / (row + 2)} for row in rows[::2]}
    Corrected(made.run).write(once, Step("apply", {}, facts=facts))
    now = Corrected(made.run)
    assert ("file" in now.history()[1]) == (count > IN_LINE)
    second = [change for change in now.log() if change.step == 3]
    assert {change.row: change.facts for change in second} == facts
    assert {change.label for change in second} == {0}
    assert now.history()[2]["changed"] == 0
    assert [change.row for change in now.log() if change.step == 2] == rows.tolist()


def test_going_back_costs_what_differs(made: Made) -> None:
    """A whole state is kept only where more than labels differ from the current one."""
    corrected_of(made)
    revert(Corrected(made.run), Selection(rows=[range(100)]))
    restore(Corrected(made.run), 1)
    corrected_of(made, "posterior")
    restore(Corrected(made.run), 2)
    assert [entry["whole"] for entry in Corrected(made.run).history()] == [True, False, False, True, True]


@pytest.mark.parametrize(("key", "value"), [("row", 400), ("row", -1), ("label", 6), ("source", "nobody")])
def test_a_line_that_was_changed_is_damage(corrected: Corrected, key: str, value: object) -> None:
    revert(corrected, Selection(everything=True))
    log = corrected.path / LOG
    first, second = log.read_text().splitlines()
    entry = json.loads(second)
    entry["changes"][0][key] = value
    log.write_text(f"{first}\n{json.dumps(entry)}\n")
    with refused(where=log):
        Corrected(corrected.run).state()


def as_written_before(corrected: Corrected) -> None:
    """A second step as the version before the log has written it: a Parquet file of all changes, a line that does not
    count them, and all rows anew."""
    state, path = corrected.state(), corrected.path
    rows = np.flatnonzero(state.changed)[:20]
    after = state.with_labels(rows, state.given[rows], 0)
    columns = {"row": rows, "label": after.label[rows], "source": after.source[rows]}
    pq.write_table(pa.table(columns), path / "history/step-0002.parquet")
    first = json.loads((path / LOG).read_text())
    del first["differs"]
    second = {
        "step": 2, "action": "revert", "arguments": {"rows": 20}, "time": "2026-01-01T00:00:00+00:00", "changed": 20,
        "labels": after.counts, "file": "history/step-0002.parquet", "whole": False,
    }  # fmt: skip
    (path / LOG).write_text(json.dumps(first) + "\n" + json.dumps(second) + "\n")
    facts = {"step": 2, "labels": after.counts, "changed": int(after.changed.sum())}
    write_json(path / "corrected.json", corrected.facts | facts)
    (shard,) = (path / "data").glob("*.parquet")
    table = pq.read_table(shard)
    for name, values in (("label", after.label), ("label_source", [SOURCES[one] for one in after.source])):
        index = table.column_names.index(name)
        table = table.set_column(index, table.schema.field(name), pa.array(values, table.schema.field(name).type))
    pq.write_table(table, shard)
    (path / "README.md").unlink()


def test_a_folder_of_an_earlier_version(corrected: Corrected, clc_text: Command, tmp_path: Path) -> None:
    before, run = corrected.state(), corrected.run
    as_written_before(corrected)
    old = Corrected(run)
    assert old.facts["step"] == 2
    assert (old.state(1).label == before.label).all()
    assert int((old.state().label != before.label).sum()) == 20
    assert [change.step for change in old.log()] == [2] * 20
    shards = files(old.path)
    assert old.shards
    assert files(old.path) == shards  # nothing is written by reading
    answer(run.path, clc_text, 7, "NUM")
    with pytest.raises((DataFilesNotFoundError, FileNotFoundError)):  # and not the files of its history instead
        load_dataset(str(old.path), cache_dir=str(tmp_path / "cache"))
    now = Corrected(run)
    assert now.facts["step"] == 3
    assert now.state().label[7] == NAMES.index("NUM")
    assert pq.read_table(now.shards[0])["label"].to_pylist() == now.state().label.tolist()
    clc_text("revert", run.path, "--to", "1")
    assert (Corrected(run).state().label == before.label)[np.arange(400) != 7].all()
    clc_text("diff", run.path, "--step", "2")
    clc_text("audit", run.path)

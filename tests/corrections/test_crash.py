"""Whatever breaks off, the last state of the corrected dataset is there, whole."""

from __future__ import annotations

import errno
import io
import itertools
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from filelock import FileLock
from refusals import refused
from synthetic_run import Made, corrected_of

from clc_text.artifacts.run_directory import RunDirectory
from clc_text.corrections.diff import write_changed_rows
from clc_text.corrections.existing import corrected_in
from clc_text.corrections.log import LOG
from clc_text.corrections.revert import Selection, restore, revert
from clc_text.corrections.store import LOCK, Corrected, has_corrected, materialise
from clc_text.utils.files import replace_folder

Change = Callable[[], object]


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def litter(folder: Path) -> list[str]:
    """What should have gone; the lock stays."""
    return [path.name for path in folder.iterdir() if path.name.startswith(".") and path.name != LOCK]


@pytest.mark.parametrize("broken", ["write_table", "write_json", "copytree", "replace"])
@pytest.mark.parametrize("kind", [OSError, KeyboardInterrupt])
def test_a_dataset_that_breaks_off_is_none(
    made: Made, monkeypatch: pytest.MonkeyPatch, broken: str, kind: type[BaseException]
) -> None:
    corrected = corrected_of(made)

    def breaks(*arguments: object, **more: object) -> None:
        raise kind("no space left on device")

    place = {
        "write_table": "pyarrow.parquet.ParquetWriter.write_table",
        "write_json": "clc_text.corrections.store.write_json",
        "copytree": "shutil.copytree",
        "replace": "os.replace",
    }[broken]
    revert(corrected, Selection(everything=True))
    before = content(corrected.path)
    with monkeypatch.context() as patch:
        patch.setattr(place, breaks)
        with pytest.raises(kind):
            Corrected(made.run).of_shards(list)
        with pytest.raises(kind):
            corrected_of(made, "posterior")
    assert content(corrected.path) == before
    assert not litter(made.run.path)
    assert not (labels_of(made) != made.labels.given).any()
    assert corrected_of(made).facts["step"] == 3


def labels_of(made: Made) -> np.ndarray:
    """Those of the dataset, made where it is not there."""
    return np.concatenate([pq.read_table(path)["label"].to_numpy() for path in Corrected(made.run).shards])


@pytest.mark.parametrize("broken", ["replace", "fsync"])
@pytest.mark.parametrize("kind", [OSError, KeyboardInterrupt])
def test_a_step_that_breaks_off_is_no_step(
    made: Made, monkeypatch: pytest.MonkeyPatch, broken: str, kind: type[BaseException]
) -> None:
    corrected = corrected_of(made)
    log = (corrected.path / LOG).read_bytes()

    def breaks(*arguments: object, **more: object) -> None:
        raise kind("no space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(f"os.{broken}", breaks)
        with pytest.raises(kind):
            revert(Corrected(made.run), Selection(everything=True))
    assert (corrected.path / LOG).read_bytes() == log
    assert not litter(made.run.path)
    now = Corrected(made.run)
    assert now.facts == corrected.facts
    assert (labels_of(made) == corrected.state().label).all()
    assert revert(now, Selection(everything=True)) > 0


@pytest.mark.parametrize("cut", [1, 40, -1])
def test_a_torn_last_step_is_left_out_with_a_word(
    made: Made, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], cut: int
) -> None:
    """Whatever the machine had written of a line when it stopped: it is no step, and the next one takes its place."""
    corrected = corrected_of(made)
    revert(corrected, Selection(rows=[range(200)]))
    whole = (corrected.path / LOG).read_bytes()
    last = whole.splitlines(keepends=True)[-1]
    (corrected.path / LOG).write_bytes(whole + last.replace(b'"step": 2', b'"step": 3')[:cut])
    now = corrected_in(made.run.path)
    said = capsys.readouterr().err
    assert said.startswith(f"{corrected.path}: the last step was not written to its end")
    assert now.facts["step"] == 2
    assert revert(now, Selection(everything=True)) > 0
    assert (corrected.path / LOG).read_bytes().startswith(whole)
    after = corrected_in(made.run.path)
    assert not capsys.readouterr().err
    assert [entry["step"] for entry in after.history()] == [1, 2, 3]
    assert (after.state(2).label == now.state().label).all()


@pytest.mark.parametrize("lost", [1, 2])
def test_no_step_is_lost_unnoticed(made: Made, lost: int) -> None:
    for rows in (range(200), range(200, 400)):
        revert(Corrected(made.run) if has_corrected(made.run) else corrected_of(made), Selection(rows=[rows]))
    log = made.run.file("corrected") / LOG
    log.write_bytes(b"".join(log.read_bytes().splitlines(keepends=True)[:-lost]))
    with refused(where=log):
        Corrected(made.run)


def test_the_first_one_that_breaks_off_leaves_none(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("clc_text.corrections.store.write_json", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            corrected_of(made)
    assert not made.run.file("corrected").exists()
    assert not litter(made.run.path)


def test_a_stop_between_the_two_renames(made: Made) -> None:
    """The old state was moved away, the new one was not yet in its place, and nothing could clean up."""
    corrected = corrected_of(made)
    before = content(corrected.path)
    corrected.path.rename(made.run.path / ".corrected.0123abcd.old")
    assert content(Corrected(made.run).path) == before
    corrected.path.rename(made.run.path / ".corrected.0123abcd.old")
    assert corrected_of(made).facts["step"] == 2


def test_one_that_finds_nothing_to_do_clears_up_all_the_same(made: Made) -> None:
    """As after a kill when the new state was in its place and the old one not yet removed."""
    corrected = corrected_of(made)
    assert revert(corrected, Selection(everything=True))
    shutil.copytree(corrected.path, made.run.path / ".corrected.0123abcd.old")
    (made.run.path / ".corrected.4567abcd.part").mkdir()
    assert not revert(Corrected(made.run), Selection(everything=True))
    assert not litter(made.run.path)
    assert Corrected(made.run).facts["step"] == 2


def test_a_reader_between_the_two_renames_waits(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    """It must neither find nothing, nor call it damaged, nor put the old state back in the writer's way."""
    corrected_of(made)
    between, done = threading.Event(), threading.Event()
    real = os.replace

    def slowly(source: Path, target: Path) -> None:
        real(source, target)
        if str(target).endswith(".old"):
            between.set()
            time.sleep(0.3)

    monkeypatch.setattr(os, "replace", slowly)
    early, found, failed = Corrected(made.run), [], []
    texts = early.inputs(np.array([3]))

    def read() -> None:
        between.wait()
        while not done.is_set():
            try:
                found.append(has_corrected(made.run))
                assert len(early.state()) == len(Corrected(made.run).state()) == 400
                assert early.shards
                assert early.inputs(np.array([3])) == texts
                write_changed_rows(early, io.StringIO())
            except BaseException as error:
                failed.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for step in (0, 1):
            restore(Corrected(made.run), step)
            materialise(made.run)
    finally:
        done.set()
        between.set()
        reader.join()
    assert not failed
    assert found
    assert all(found)
    assert Corrected(made.run).facts["step"] == 3
    assert not litter(made.run.path)


class Renames:
    """A writer of another process, as far as the file system tells; `move` is its next step."""

    def __init__(self, path: Path) -> None:
        part, old = path.with_name(".corrected.0.part"), path.with_name(".corrected.1.old")
        self.steps = (part.mkdir, lambda: path.rename(old), lambda: part.rename(path), old.rmdir)
        self.next = 0
        self.locked_out = False

    def move(self, steps: int) -> None:
        for _ in range(0 if self.locked_out else steps):
            self.steps[self.next]()
            self.next = (self.next + 1) % 4

    def lock_out(self) -> None:
        """The reader gets the lock: only between two replacements."""
        self.move(-self.next % 4)
        self.locked_out = True


@pytest.mark.parametrize("ahead", [0, 1, 2, 3])
def test_a_reader_finds_it_at_whatever_pace_others_write(
    made: Made, monkeypatch: pytest.MonkeyPatch, ahead: int
) -> None:
    """Every pace: so many steps of the writer before the reader begins, and so many after each of its looks."""
    run, lock, glob, exists = RunDirectory(made.run.path), FileLock.acquire, Path.glob, Path.exists
    folder = run.file("corrected")
    folder.mkdir()
    folder.with_name(LOCK).touch()
    looked_once = 0
    for paces in itertools.product(range(5), repeat=3):
        writer, left = Renames(folder), list(paces)
        writer.move(ahead)

        def looks(found: Any, writer: Renames = writer, left: list[int] = left) -> Any:
            writer.move(left.pop(0) if left else 0)
            return found

        def locks(self: FileLock, writer: Renames = writer) -> Any:
            writer.lock_out()
            return lock(self)

        with monkeypatch.context() as patch:
            patch.setattr(Path, "exists", lambda path, looks=looks: looks(exists(path)))
            patch.setattr(Path, "glob", lambda path, pattern, looks=looks: looks(list(glob(path, pattern))))
            patch.setattr(FileLock, "acquire", locks)
            assert has_corrected(run), paces
        writer.lock_out()
        looked_once += len(left) == 2
    assert looked_once == (0 if ahead == 2 else 5**3), "between the two renames the first look finds nothing"


def test_readers_beside_a_writer_in_a_hurry(made: Made) -> None:
    """Thousands of replacements, and as many questions."""
    path, answers, done = corrected_of(made).path, [], threading.Event()

    def ask() -> None:
        while not done.is_set():
            answers.append(has_corrected(made.run))

    readers = [threading.Thread(target=ask) for _ in range(2)]
    for reader in readers:
        reader.start()
    try:
        end = time.monotonic() + 1
        while time.monotonic() < end:
            with FileLock(path.with_name(LOCK)):
                replace_folder(path, lambda folder: None)
    finally:
        done.set()
        for reader in readers:
            reader.join()
    assert answers
    assert all(answers)


def test_what_a_killed_command_left_does_not_rise_again(made: Made) -> None:
    """It was killed after the second rename; the next step removes what it left beside the corrected dataset."""
    corrected = corrected_of(made)
    shutil.copytree(corrected.path, made.run.path / ".corrected.0123abcd.old")
    (made.run.path / ".corrected.4567abcd.part").mkdir()
    revert(corrected, Selection(everything=True))
    assert not litter(made.run.path)
    shutil.rmtree(corrected.path)
    assert not has_corrected(made.run)
    assert corrected_of(made).facts["step"] == 1


def test_of_several_states_moved_away_the_newest_comes_back(made: Made) -> None:
    corrected = corrected_of(made)
    for name in "bac":
        shutil.copytree(corrected.path, made.run.path / f"moved-{name}")  # of steps 1, 2 and 3
        restore(Corrected(made.run), 1)
    shutil.rmtree(corrected.path)
    for name in "bac":
        (made.run.path / f"moved-{name}").rename(made.run.path / f".corrected.{name}.old")
    (made.run.path / ".corrected.c.old" / "corrected.json").unlink()  # its removal had begun
    assert Corrected(made.run).facts["step"] == 2


def test_where_no_lock_can_be_taken_it_is_read_all_the_same(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    def read_only(*_: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), LOCK)

    corrected = corrected_of(made)
    monkeypatch.setattr("filelock.FileLock._acquire", read_only)
    (made.run.path / ".corrected.0123abcd.old").mkdir()
    assert has_corrected(made.run)
    assert len(Corrected(made.run).state()) == 400
    (corrected.path / "history.jsonl").unlink()
    with refused(where=corrected.path / "history.jsonl"):
        Corrected(made.run).state()
    corrected.path.rename(made.run.path / ".corrected.4567abcd.old")
    assert not has_corrected(made.run)


def test_a_process_that_is_killed(made: Made) -> None:
    """At any moment of one step after the other: what is there afterwards is a whole state."""
    corrected_of(made)
    program = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parent.parent)!r})
from clc_text.corrections.diff import write_changed_rows
from clc_text.corrections.revert import restore
from clc_text.corrections.store import LOCK, Corrected
from clc_text.artifacts.run_directory import RunDirectory
run = RunDirectory({str(made.run.path)!r})
print("begun", flush=True)
while True:
    restore(Corrected(run), 0)
    Corrected(run).shards
    restore(Corrected(run), 1)
    Corrected(run).shards
"""
    for wait in (0.05, 0.31):
        process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(wait)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()
        found = Corrected(made.run)
        state = found.state()
        assert found.facts["changed"] == int(state.changed.sum())
        assert [entry["step"] for entry in found.history()] == list(range(1, found.facts["step"] + 1))
        for step in range(1, found.facts["step"] + 1):
            assert len(found.state(step)) == 400
        assert (labels_of(made) == state.label).all()
        revert(found, Selection(everything=True))
        assert not Corrected(made.run).state().changed.any()
        corrected_of(made)

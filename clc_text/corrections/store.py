"""The folder `RUN/corrected`: a log of corrections, and the dataset that it makes.

    history.jsonl           the log, one line a step, only ever appended to (see `clc_text.corrections.log`)
    history/step-0001.parquet ...   what is too large for a line: a step's whole state, or the many labels it changed
    corrected.json          what the dataset in data/ is: see `Corrected.facts`
    current.json            `step`, the last one in the log, where that is a later one than corrected.json's
    data/train-00000-of-00001.parquet ...   the corrected dataset, as `datasets.load_dataset("RUN/corrected")` loads it
    table/NAME              the rows in the form of the file that they came from, NAME its name, where they came from
                            one table of texts (`clc_text.corrections.source_table`)
    superseded/             data/ of an earlier step: the same rows, of which some have another label by now
    README.md               has `datasets` load data/ and nothing else

A step moves data/ away and then appends a line: so data/, where it is there, is never of an earlier step than the log.
It is made again when it is read, a small one at once, from the rows in superseded/. That, and the dataset of
`clc-text correct`, are written aside and then renamed, so a crash leaves one state or the other.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar, cast

import numpy as np
from filelock import FileLock

from clc_text.artifacts.run_directory import RunDirectory
from clc_text.artifacts.run_files import CorrectedFacts, HistoryStep, Made
from clc_text.corrections.columns import Layout, layout
from clc_text.corrections.dataset_files import TABLE, Progress, silent, write_dataset, write_readme
from clc_text.corrections.log import (
    LOG,
    Change,
    Changes,
    Log,
    Step,
    append,
    changes_in,
    changes_of,
    entry_of,
    last_step_of,
    step_in,
    write_changes,
)
from clc_text.corrections.source import SourceRows, asked_of, from_parquet, values_of
from clc_text.corrections.state import State
from clc_text.corrections.stored import (
    DAMAGE,
    facts_in,
    is_damage,
    read_whole,
    reason,
    shards_in,
    write_whole,
)
from clc_text.errors import InputError
from clc_text.utils.files import bring_back, moved_away, remove_leftovers, replace_folder, write_json, write_with

FOLDER = "corrected"
LOCK = f".{FOLDER}.lock"  # empty, and left there: removing it could let two in at once
SUPERSEDED = "superseded"
CURRENT = "current.json"
AT_ONCE_BYTES = 16 << 20  # unpacked: such a dataset is written in the blink of an eye
MADE = ("policy", "predictions", "noise_matrix", "canaries", "sha256")
Found = TypeVar("Found")


class Corrected:
    """Reads `RUN/corrected` as it is now; later steps of others are not seen, but by whoever reads its dataset.

    Attributes:
        torn: bytes at the end of the log that are no step, since whoever wrote them was stopped: they are left out.

    Raises:
        InputError: there is none, it is damaged, or it belongs to another run; from every method: a file is damaged.
    """

    def __init__(self, run: RunDirectory) -> None:
        self.run = run
        self.path = run.file(FOLDER)
        if not has_corrected(run):
            raise InputError(
                f"{run.path} has no corrected dataset yet; `clc-text correct {run.path}` makes it", where=run.path
            )
        self._steps: list[HistoryStep] = []
        self._now: State | None = None
        written = self._read("corrected.json", facts_in)
        if written["run_id"] != run.run_id:
            raise InputError(
                f"{self.path} belongs to run {written['run_id']}, not to {run.run_id}; {self._anew}", where=self.path
            )
        least = max(written["step"], self._read(CURRENT, last_step_of))  # before the log, which only grows
        read = partial(Log.read, least=least)
        log = self._read(LOG, partial(read, settled=False), read)
        self.torn, self._steps = log.torn, log.steps
        self.facts = log.facts_since(written)
        """Keys: ``version``, ``run_id``, ``recipe``, ``dataset``, ``rows``, ``label_names``, ``input_column``,
        ``label_column`` (the source's), ``renamed`` {source column: name here}, ``policy``, ``predictions``, ``step``,
        ``labels`` {given, method, person}, ``changed``, ``canaries_restored``, ``sha256`` {predictions, labels}."""

    @property
    def _anew(self) -> str:
        return f"move {self.path} aside and run `clc-text correct {self.run.path}` again, which makes it anew"

    @property
    def table(self) -> Path | None:
        """The rows in the form of the file that they came from; None where they came from no single one, and where
        a later step has not been written there."""
        return next((path for path in sorted((self.path / TABLE).glob("*")) if path.is_file()), None)

    @property
    def shards(self) -> list[Path]:
        return self.of_shards(list)

    def of_shards(self, read: Callable[[list[Path]], Found], progress: Progress = silent) -> Found:
        """What `read` makes of the files in data/, which is made where it is not there, also where another command is
        putting new ones in their place."""

        def there(data: Path) -> Found:
            return read(shards_in(data, self.rows))

        self.sweep()  # what a command left that was killed when the dataset was in its place
        with suppress(*DAMAGE):
            return there(self.path / "data")
        with _settled(self.path):
            if not (self.path / "data").is_dir() and self._superseded.is_dir():
                materialise(self.run, progress)
            return self._read("data", there)

    def of_rows(self, read: Callable[[list[Path]], Found]) -> Found:
        """What `read` makes of files that hold the rows, in which labels may be those of an earlier step."""

        def there(data: Path) -> Found:
            return read(
                shards_in(data if data.is_dir() or not self._superseded.is_dir() else self._superseded, self.rows)
            )

        return self._read("data", there)

    @property
    def _superseded(self) -> Path:
        return self.path / SUPERSEDED

    @property
    def rows(self) -> int:
        return int(self.facts["rows"])

    def history(self) -> list[HistoryStep]:
        """The steps, as the log has them (see `clc_text.corrections.log`)."""
        return list(self._steps)

    def log(self) -> Iterator[Change]:
        """Every label that a step has set by itself, in order: people's answers and what was taken back; a whole state
        (of `correct`, say) counts as none."""
        for entry in self._steps:
            if not entry["whole"]:
                yield from self._changes(entry).each(entry)

    def state(self, step: int | None = None) -> State:
        """The state after a step; the current one when `step` is None."""
        now = step is None or step == self.facts["step"]
        if now and self._now is not None:
            return self._now
        base, *later = self._since_whole(self.facts["step"] if step is None else step)
        state = self._read(base["file"], partial(read_whole, rows=self.rows))
        label, source = state.label.copy(), state.source.copy()
        for entry in later:
            changes = self._changes(entry)
            label[changes.rows], source[changes.rows] = changes.labels, changes.sources
        state = replace(state, label=label, source=source)
        if now:
            self._now = state
        return state

    def _changes(self, entry: HistoryStep) -> Changes:
        """The labels that a step which kept no whole state has set."""
        size = self.rows, len(self.facts["label_names"])
        if "file" in entry:
            return self._read(entry["file"], lambda path: changes_in(path).check(*size))
        return self._read(LOG, lambda _: changes_of(entry).check(*size))

    def made_by(self, step: int) -> Made:
        """The facts `MADE` of the state after a step; those of the current one for step 0, the given labels."""
        return self._since_whole(step or self.facts["step"])[0]["made"]

    def of_one_making(self, step: int) -> bool:
        """Whether only labels, and who said them, differ between the state after a step and the current one."""
        return step == 0 or self._since_whole(step)[0]["step"] == self._since_whole(self.facts["step"])[0]["step"]

    def _since_whole(self, step: int) -> list[HistoryStep]:
        """The step that kept the whole state last, and those after it up to `step`."""
        steps = [entry for entry in self._steps if entry["step"] <= step]
        if not steps or steps[-1]["step"] != step:
            raise InputError(
                f"{self.path} has no step {step}; it has 1 to {self.facts['step']} (`clc-text diff {self.run.path} "
                "--history` lists them)",
                where=self.path,
                key="step",
            )
        return steps[max(index for index, entry in enumerate(steps) if entry["whole"]) :]

    def _read(self, name: str, read: Callable[[Path], Found], alone: Callable[[Path], Found] | None = None) -> Found:
        """What `read` makes of a file.

        Args:
            alone: reads it where `read` could not, while no other command writes; None: `read` again.
        """
        with suppress(*DAMAGE):
            return read(self.path / name)
        with _settled(self.path):  # the old state may just have been moved away, and the new one not yet be there
            try:
                return (alone or read)(self.path / name)
            except DAMAGE as error:
                if not is_damage(error):
                    raise
                damaged = f"{self.path / name} is damaged ({reason(error)})"
        if name.startswith("history/"):
            needed = [entry.get("file") for entry in self._since_whole(self.facts["step"])]
            if name not in needed:  # of an earlier step, and nobody must lose the later ones for it
                raise InputError(
                    f"{damaged}; go back to another step, or on from the labels as they are, which are whole",
                    where=self.path / name,
                )
        raise InputError(
            f"{damaged}; {self._anew}, but for people's answers, which must be applied again", where=self.path / name
        )

    def inputs(self, rows: np.ndarray) -> list[Any]:
        """What the networks read of these rows (texts), in the order asked for; only their column is read.

        Of a multi-label run, whose rows are pairs of a text and a class, the class that is asked stands before the
        text.
        """
        name = self.facts["renamed"].get(self.facts["input_column"], self.facts["input_column"])
        texts = self.of_rows(partial(values_of, column=name, rows=rows))
        return asked_of(texts, rows, self.run.asked)

    def sweep(self) -> None:
        """Removes what a command left here when it was killed; for one that finds nothing to write."""
        with _settled(self.path) as alone:
            if alone:
                remove_leftovers(self.path)

    def write(self, state: State, step: Step) -> None:
        """Appends a step to the log, after which the labels are those of `state`."""
        before = self.state()
        differs = (state.label != before.label) | (state.source != before.source)
        logged = differs.copy()
        logged[list(step.facts)] = True
        rows = np.flatnonzero(logged)
        entry = entry_of(self.facts["step"] + 1, step, state, int(differs.sum()), rows)
        with _lock(self.path):  # of two commands at once the second must not undo the first
            _check_step(self.path, self.facts["step"])
            if step.whole:
                write_with(self.path / entry["file"], partial(write_whole, state=state))
            elif "file" in entry:
                write_with(self.path / entry["file"], partial(write_changes, state=state, rows=rows, facts=step.facts))
            _supersede(self.path)
            append(self.path / LOG, entry)
            with suppress(OSError):  # the step is done, whatever becomes of this
                write_json(self.path / CURRENT, {"step": entry["step"]})


def has_corrected(run: RunDirectory) -> bool:
    """Whether the run has a corrected dataset, whole or damaged; waits for a command that is writing one."""
    path = run.file(FOLDER)
    if path.exists():  # asked once: a second answer could fall between a writer's two renames
        return True
    if not (path.with_name(LOCK).exists() or moved_away(path)):
        return False  # nobody has written here yet; a writer takes the lock first
    with _settled(path):
        return path.exists()


@contextmanager
def undisturbed(run: RunDirectory) -> Iterator[None]:
    """No command puts other corrections in the place of a run's during the body; waits for one that is writing."""
    with _settled(run.file(FOLDER)):
        yield


@contextmanager
def _settled(path: Path) -> Iterator[bool]:
    """No command writes here at the moment, and what one had moved away when it was killed is back.

    Gives whether the lock is held: where the folder cannot be written to, none can be taken, and none is needed.
    """
    lock = _lock(path)
    with suppress(OSError, NotImplementedError):  # the second: a file system without locks
        lock.acquire()
        bring_back(path, step_in)
    try:
        yield lock.is_locked
    finally:
        lock.release()


def _lock(path: Path) -> FileLock:
    """The lock of `RUN/corrected`; who holds it may take it once more."""
    return FileLock(path.with_name(LOCK), is_singleton=True)


def _check_step(path: Path, expected: int) -> None:
    """That the corrected dataset is still at the step that was read; clears up what a killed command left. Under the
    lock."""
    bring_back(path, step_in)
    remove_leftovers(path)  # what is there has been read: none of them is needed any more
    step_there = step_in(path) or 0
    if step_there != expected:
        raise InputError(
            f"{path} was changed by another command in the meantime (it is at step {step_there}); nothing was "
            "done, run this one again",
            where=path,
        )


def _supersede(path: Path) -> None:
    """Moves the dataset away, so that nobody takes it for the labels after the step which comes now."""
    write_readme(path)  # an earlier version has written none
    if (path / "data").is_dir():
        shutil.rmtree(path / SUPERSEDED, ignore_errors=True)
        os.replace(path / "data", path / SUPERSEDED)
    shutil.rmtree(path / TABLE, ignore_errors=True)


def write_first(
    run: RunDirectory,
    state: State,
    source: SourceRows,
    facts: dict[str, Any],
    step: Step,
    progress: Progress = silent,
) -> None:
    """Writes the state that `correct` has made; one that is there already becomes history."""
    environment = run.environment()
    plan = layout(source.features, environment["label_column"], environment["label_names"], state.true is not None)
    differs, number = state.changed, 1
    if has_corrected(run):
        earlier = Corrected(run)
        before, number = earlier.state(), earlier.facts["step"] + 1
        differs = (state.label != before.label) | (state.source != before.source)
    step = replace(step, made=cast(Made, {name: facts[name] for name in MADE}))
    entry = entry_of(number, step, state, int(differs.sum()), np.flatnonzero(differs))
    facts = facts | {"step": number, "renamed": plan.renamed}
    facts |= {"rows": len(state), "labels": state.counts, "changed": int(state.changed.sum())}

    def more(folder: Path) -> None:
        write_whole(folder / entry["file"], state)
        append(folder / LOG, entry)

    with _lock(run.file(FOLDER)):
        _check_step(run.file(FOLDER), number - 1)
        _replace(run, state, source, plan, cast(CorrectedFacts, facts), progress, more)


def materialise(run: RunDirectory, progress: Progress = silent) -> None:
    """Writes the dataset of the last step, where that is not there."""
    path = run.file(FOLDER)
    with _settled(path):
        if (path / "data").is_dir():
            return
        corrected = Corrected(run)
        source = corrected.of_rows(from_parquet)
        with _lock(path):
            remove_leftovers(path)
            plan = Layout(source.features, {}, None)
            _replace(run, corrected.state(), source, plan, corrected.facts, progress, lambda _: None)


def materialise_if_small(run: RunDirectory) -> bool:
    """Likewise where that takes no time, so that other programs find it there; whether it is there now.

    What cannot be written, or read, is told of when somebody asks for it: the step before this is done.
    """
    data = run.file(FOLDER) / "data"
    with suppress(InputError, OSError):
        if not data.is_dir() and Corrected(run).of_rows(from_parquet).bytes <= AT_ONCE_BYTES:
            materialise(run)
    return data.is_dir()


def materialise_at(path: Path) -> None:
    """Likewise where `path` is a corrected dataset of a run, or in one; any other path is left alone."""
    for folder in (path, *path.parents):
        if folder.name == FOLDER and (folder / SUPERSEDED).is_dir() and not (folder / "data").is_dir():
            materialise(RunDirectory(folder.resolve().parent))


def _replace(
    run: RunDirectory,
    state: State,
    source: SourceRows,
    plan: Layout,
    facts: CorrectedFacts,
    progress: Progress,
    more: Callable[[Path], object],
) -> None:
    """Puts a dataset of this state in the place of the one that is there, with its log; under the lock.

    Args:
        more: what else is written into the folder, after its log is there.
    """
    old = run.file(FOLDER)

    def write(folder: Path) -> None:
        if (old / "history").is_dir():
            shutil.copytree(old / "history", folder / "history", copy_function=_link)
            shutil.copy2(old / LOG, folder / LOG)
        (folder / "history").mkdir(exist_ok=True)
        more(folder)
        write_dataset(folder, run, state, source, plan, facts, progress)
        write_json(folder / "corrected.json", facts)

    replace_folder(old, write)


def _link(source: str, target: str) -> None:
    """A history file is never changed, so a link does; a copy where the file system has none."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)

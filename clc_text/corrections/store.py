"""The folder `RUN/corrected`: what is in it, and how one state of it replaces another.

    data/train-00000-of-00001.parquet ...   the corrected dataset, as `datasets.load_dataset("RUN/corrected")` loads it
    corrected.json                          what it is: see `Corrected.facts`
    table/NAME                              the rows in the form of the file that they came from, NAME its name, where
                                            they came from one table of texts (`clc_text.corrections.source_table`)
    history.jsonl                           one line a step: `step`, `action`, `arguments`, `time`, `changed` (rows
                                            that got another label or source), `labels` (rows by source), `file`,
                                            `whole`, and of a whole state `made`: the facts of `corrected.json` that
                                            say how it was made
    history/step-0001.parquet ...           what each step left: the whole state, or only the labels that it changed

The whole folder is written aside and then renamed, so a crash leaves one state or the other.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, fields
from datetime import datetime, timezone
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from filelock import FileLock

from clc_text.artifacts.run_directory import RunDirectory
from clc_text.corrections.columns import Layout, layout
from clc_text.corrections.source import SourceRows, from_parquet, values_of
from clc_text.corrections.state import State, to_arrow
from clc_text.corrections.stored import (
    DAMAGE,
    apply_changes,
    facts_in,
    is_damage,
    read_whole,
    reason,
    shards_in,
    step_in,
    steps_in,
)
from clc_text.errors import InputError
from clc_text.utils.files import bring_back, moved_away, remove_leftovers, replace_folder, write_json

if TYPE_CHECKING:
    import pyarrow as pa

FOLDER = "corrected"
TABLE = "table"
LOCK = f".{FOLDER}.lock"  # empty, and left there: removing it could let two in at once
MADE = ("policy", "predictions", "noise_matrix", "canaries", "sha256")
SHARD_BYTES = 500 << 20
Found = TypeVar("Found")
Progress = Callable[[str, int, int], None]
"""Called as progress(what, done, total) while rows are written."""


def silent(what: str, done: int, total: int) -> None:
    """No progress is shown."""


@dataclass(frozen=True)
class Step:
    """One step of the history.

    Attributes:
        action: the command that made it.
        arguments: what it was told.
        whole: whether more than labels may have changed, so that the whole state must be kept.
        made: the facts of how that state was made (`MADE`), where they are not the current ones.
    """

    action: str
    arguments: dict[str, Any]
    whole: bool = False
    made: dict[str, Any] | None = None


class Corrected:
    """Reads `RUN/corrected`.

    Raises:
        InputError: there is none, it is damaged, or it belongs to another run; from every method: a file is damaged.
    """

    def __init__(self, run: RunDirectory) -> None:
        self.run = run
        self.path = run.file(FOLDER)
        if not has_corrected(run):
            raise InputError(f"{run.path} has no corrected dataset yet; `clc-text correct {run.path}` makes it")
        self.facts: dict[str, Any] = {}
        self.facts = self._read("corrected.json", facts_in)
        """Keys: ``version``, ``run_id``, ``recipe``, ``dataset``, ``rows``, ``label_names``, ``input_column``,
        ``label_column`` (the source's), ``renamed`` {source column: name here}, ``policy``, ``predictions``, ``step``,
        ``labels`` {given, method, person}, ``changed``, ``canaries_restored``, ``sha256`` {predictions, labels}."""
        if self.facts["run_id"] != run.run_id:
            raise InputError(f"{self.path} belongs to run {self.facts['run_id']}, not to {run.run_id}; {self._anew}")

    @property
    def _anew(self) -> str:
        return f"move {self.path} aside and run `clc-text correct {self.run.path}` again, which makes it anew"

    @property
    def table(self) -> Path | None:
        """The rows in the form of the file that they came from; None where they came from no single one."""
        return next((path for path in sorted((self.path / TABLE).glob("*")) if path.is_file()), None)

    @property
    def shards(self) -> list[Path]:
        return self.of_shards(list)

    def of_shards(self, read: Callable[[list[Path]], Found]) -> Found:
        """What `read` makes of the files in data/, also where another command is putting new ones in their place."""
        return self._read("data", lambda data: read(shards_in(data, self.facts["rows"])))

    def history(self) -> list[dict[str, Any]]:
        return self._read("history.jsonl", partial(steps_in, last=self.facts["step"]))

    def state(self, step: int | None = None) -> State:
        """The state after a step; the current one when `step` is None."""
        base, *changes = self._since_whole(self.facts["step"] if step is None else step)
        state = self._read(base["file"], partial(read_whole, rows=self.facts["rows"]))
        for entry in changes:
            state = self._read(entry["file"], partial(apply_changes, state=state))
        return state

    def made_by(self, step: int) -> dict[str, Any]:
        """The facts `MADE` of the state after a step; those of the current one for step 0, the given labels."""
        made: dict[str, Any] = self._since_whole(step or self.facts["step"])[0]["made"]
        return made

    def _since_whole(self, step: int) -> list[dict[str, Any]]:
        """The step that kept the whole state last, and those after it up to `step`."""
        steps = [entry for entry in self.history() if entry["step"] <= step]
        if not steps or steps[-1]["step"] != step:
            raise InputError(
                f"{self.path} has no step {step}; it has 1 to {self.facts['step']} (`clc-text diff {self.run.path} "
                "--history` lists them)"
            )
        return steps[max(index for index, entry in enumerate(steps) if entry["whole"]) :]

    def _read(self, name: str, read: Callable[[Path], Found]) -> Found:
        """What `read` makes of a file."""
        with suppress(*DAMAGE):
            return read(self.path / name)
        with _settled(self.path):  # the old state may just have been moved away, and the new one not yet be there
            try:
                return read(self.path / name)
            except DAMAGE as error:
                if not is_damage(error):
                    raise
                damaged = f"{self.path / name} is damaged ({reason(error)})"
        if name.startswith("history/"):
            needed = [entry["file"] for entry in self._since_whole(self.facts["step"])]
            if name not in needed:  # of an earlier step, and nobody must lose the later ones for it
                raise InputError(
                    f"{damaged}; go back to another step, or on from the labels as they are, which are whole"
                )
        raise InputError(f"{damaged}; {self._anew}, but for people's answers, which must be applied again")

    def inputs(self, rows: np.ndarray) -> list[Any]:
        """What the networks read of these rows (texts), in the order asked for; only their column is read."""
        name = self.facts["renamed"].get(self.facts["input_column"], self.facts["input_column"])
        return self.of_shards(partial(values_of, column=name, rows=rows))

    def sweep(self) -> None:
        """Removes what a command left here when it was killed; for one that finds nothing to write."""
        with _settled(self.path) as alone:
            if alone:
                remove_leftovers(self.path)

    def write(self, state: State, step: Step, progress: Progress = silent) -> None:
        """Puts a new state in the place of the current one, as one step more."""
        source = self.of_shards(from_parquet)
        plan = Layout(source.features, {}, None)
        facts = self.facts | {"step": self.facts["step"] + 1} | (step.made or {})
        _write(self.run, state, self.state(), source, plan, facts, step, progress)


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
    before = None
    number = 1
    if has_corrected(run):
        earlier = Corrected(run)
        before, number = earlier.state(), earlier.facts["step"] + 1
    _write(run, state, before, source, plan, facts | {"step": number, "renamed": plan.renamed}, step, progress)


def _write(
    run: RunDirectory,
    state: State,
    before: State | None,
    source: SourceRows,
    plan: Layout,
    facts: dict[str, Any],
    step: Step,
    progress: Progress,
) -> None:
    old = run.file(FOLDER)
    differs = state.changed if before is None else (state.label != before.label) | (state.source != before.source)
    file = f"history/step-{facts['step']:04d}.parquet"
    entry = {
        "step": facts["step"],
        "action": step.action,
        "arguments": step.arguments,
        "time": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "changed": int(differs.sum()),
        "labels": state.counts,
        "file": file,
        "whole": step.whole,
    }
    if step.whole:
        entry["made"] = {name: facts[name] for name in MADE}
    facts = facts | {"rows": len(state), "labels": state.counts, "changed": int(state.changed.sum())}

    def write(folder: Path) -> None:
        if (old / "history").is_dir():
            shutil.copytree(old / "history", folder / "history", copy_function=_link)
            shutil.copy2(old / "history.jsonl", folder / "history.jsonl")
        (folder / "history").mkdir(exist_ok=True)
        _write_rows(folder / file, state, None if step.whole else differs)
        with open(folder / "history.jsonl", "a", encoding="utf-8") as handle:
            handle.write(json.dumps(entry, ensure_ascii=False) + "\n")
        _write_shards(folder / "data", state, run.run_id, source, plan, progress)
        _write_table(folder, run, facts)
        write_json(folder / "corrected.json", facts)

    with _lock(old):  # of two commands at once the second must not undo the first
        bring_back(old, step_in)
        remove_leftovers(old)  # what is there has been read: none of them is needed any more
        step_there = step_in(old) or 0
        if step_there != facts["step"] - 1:
            raise InputError(
                f"{old} was changed by another command in the meantime (it is at step {step_there}); nothing was "
                "done, run this one again"
            )
        replace_folder(old, write)


def _write_shards(
    folder: Path, state: State, run_id: str, source: SourceRows, plan: Layout, progress: Progress
) -> None:
    import pyarrow.parquet as pq

    folder.mkdir()
    count = max(1, -(-source.bytes // SHARD_BYTES))
    limit = -(-len(state) // count)
    added = to_arrow(state, run_id)
    written = 0
    pieces = _cut(source.batches(), limit)
    for shard in range(count):
        path = folder / f"train-{shard:05d}-of-{count:05d}.parquet"
        with pq.ParquetWriter(path, plan.features.arrow_schema, compression="zstd") as writer:
            while written < min(len(state), limit * (shard + 1)):
                batch = next(pieces)
                part = {name: column.slice(written, len(batch)) for name, column in added.items()}
                writer.write_table(plan.table(batch, part))
                written += len(batch)
                progress("writing rows", written, len(state))


def _write_table(folder: Path, run: RunDirectory, facts: dict[str, Any]) -> None:
    """Writes table/ where the rows came from one file."""
    from clc_text.corrections.source_table import form_of, source_name, write_source_table

    recipe = run.recipe()
    name = source_name(recipe)
    if name is None or recipe.get("modality") == "vision":
        return
    (folder / TABLE).mkdir()
    path = folder / TABLE / name
    write_source_table(
        run, shards_in(folder / "data", facts["rows"]), facts, path, form_of(path, recipe, facts["label_names"])
    )


def _cut(batches: Iterator[pa.Table], limit: int) -> Iterator[pa.Table]:
    """The same rows in tables that never cross a multiple of `limit`."""
    start = 0
    for batch in batches:
        offset = 0
        while offset < len(batch):
            size = min(len(batch) - offset, limit - start % limit)
            yield batch.slice(offset, size)
            offset, start = offset + size, start + size


def _write_rows(path: Path, state: State, rows: np.ndarray | None) -> None:
    """A step's file: of all rows everything, or of some rows their label and its source."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    if rows is None:
        columns = {field.name: getattr(state, field.name) for field in fields(state)}
        table = pa.table({name: values for name, values in columns.items() if values is not None})
    else:
        numbers = np.flatnonzero(rows)
        table = pa.table({"row": numbers, "label": state.label[numbers], "source": state.source[numbers]})
    pq.write_table(table, path, compression="zstd")


def _link(source: str, target: str) -> None:
    """A history file is never changed, so a link does; a copy where the file system has none."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)

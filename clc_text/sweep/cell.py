"""One cell of a sweep: locked, run, its failure written down."""

from __future__ import annotations

import traceback
from pathlib import Path

from filelock import FileLock, Timeout

from clc_text.artifacts.run_directory import RunDirectory
from clc_text.config.recipe import Recipe, is_run_of, load, settled_as
from clc_text.errors import InputError
from clc_text.runs.observer import Observer
from clc_text.runs.prepare import Memo, describe, prepare
from clc_text.sweep.outcome import Outcome, check_done, is_done
from clc_text.utils.files import write_text

# Of this process: the variants of one dataset stand together in a sweep, and each would encode it again.
_MEMO = Memo()


def run_cell(recipe: Recipe, directory: Path, observer: Observer | None = None) -> Outcome:
    """Runs one cell, or goes on with it.

    Safe to call for the same cell by several processes, and by several machines that share the directory: one of them
    runs it, for the others it is "elsewhere". The lock is the operating system's, so it ends with its process, however
    that dies. An unfinished run of another recipe, or on other data, holds no result and makes room.
    """
    from clc_text.runs.run import train

    directory.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(directory.with_name(f".{directory.name}.lock"))
    # Whose recipe the lock's holder runs: until its data is read, recipe.yaml may be that of a run that makes room.
    running = directory.with_name(f".{directory.name}.running")
    error = directory.with_name(directory.name + ".error.txt")
    try:
        lock.acquire(blocking=False)
    except Timeout:
        return _held(recipe, directory, running)
    try:
        write_text(running, recipe.fingerprint())
        if is_done(directory):
            check_done(recipe, directory)
        else:
            (directory / "result.json").unlink(missing_ok=True)  # damaged; by its presence the run would be complete
            resume = _can_go_on(recipe, directory, observer)
            train(recipe, directory, resume=resume, overwrite=not resume, observer=observer, memo=_MEMO)
        error.unlink(missing_ok=True)
        return Outcome("done")
    except InputError as wrong:
        write_text(error, f"{wrong}\n")
        return Outcome("failed", str(wrong))
    except Exception as wrong:
        write_text(error, traceback.format_exc())
        return Outcome("failed", f"{type(wrong).__name__}: {wrong} (the traceback is in {error})")
    finally:
        running.unlink(missing_ok=True)
        lock.release()


def _held(recipe: Recipe, directory: Path, running: Path) -> Outcome:
    """Of a cell that another process runs; the worker of a sweep that was killed ends only with its cell."""
    try:
        same = running.read_text(encoding="utf-8") == recipe.fingerprint()
    except FileNotFoundError:
        same = True  # it has just begun, or just ended
    if same:
        return Outcome("elsewhere", "another process runs it")
    return Outcome(
        "failed",
        "another process is running it from another recipe than the sweep now gives; end that process, or wait for "
        f"it and remove {directory}",
    )


def _can_go_on(recipe: Recipe, directory: Path, observer: Observer | None) -> bool:
    """Whether an unfinished run is one of this recipe on the data that is there now."""
    try:
        stored = load(directory / "recipe.yaml")
        if not is_run_of(stored, recipe):
            return False
        begun = RunDirectory(directory).run_id
    except InputError:
        return False
    # What is read and encoded here is kept for the training.
    recipe = settled_as(recipe, stored)
    return begun == describe(recipe, prepare(recipe, observer, _MEMO))["run_id"]

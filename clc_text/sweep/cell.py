"""One cell of a sweep: locked, run, its failure written down."""

from __future__ import annotations

import json
import traceback
from pathlib import Path
from typing import Literal, NamedTuple

from filelock import FileLock, Timeout

from clc_text.errors import InputError
from clc_text.files import write_text
from clc_text.observer import Observer
from clc_text.prepare import Memo
from clc_text.recipe import Recipe, load


class Outcome(NamedTuple):
    """How a cell ended; `sentence` says why where it is not done."""

    kind: Literal["done", "failed", "elsewhere"]
    sentence: str = ""


# Of this process: the variants of one dataset stand together in a sweep, and each would encode it again.
_MEMO = Memo()


def is_done(directory: Path) -> bool:
    """Whether the run has a result that can be read: one that a full disk or a person damaged is none."""
    try:
        return isinstance(json.loads((directory / "result.json").read_text(encoding="utf-8")), dict)
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return False


def run_cell(recipe: Recipe, directory: Path, observer: Observer | None = None) -> Outcome:
    """Runs one cell, or goes on with it.

    Safe to call for the same cell by several processes, and by several machines that share the directory: one of them
    runs it, for the others it is "elsewhere". The lock is the operating system's, so it ends with its process, however
    that dies. An unfinished run of another recipe holds no result and makes room.
    """
    from clc_text.run import train

    directory.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(directory.with_name(f".{directory.name}.lock"))
    error = directory.with_name(directory.name + ".error.txt")
    try:
        lock.acquire(blocking=False)
    except Timeout:
        return Outcome("elsewhere", "another process runs it")
    try:
        if not is_done(directory):
            (directory / "result.json").unlink(missing_ok=True)  # damaged; by its presence the run would be complete
            resume = _is_of(recipe, directory)
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
        lock.release()


def _is_of(recipe: Recipe, directory: Path) -> bool:
    """Whether an unfinished run can be gone on with."""
    try:
        return load(directory / "recipe.yaml").fingerprint() == recipe.fingerprint()
    except InputError:
        return False

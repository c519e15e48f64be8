"""One cell of a sweep: claimed, run, its failure written down."""

from __future__ import annotations

import json
import os
import socket
import time
import traceback
from pathlib import Path
from typing import Any, Literal

from clc_text.errors import InputError
from clc_text.files import write_text
from clc_text.observer import Silent
from clc_text.recipe import from_dict

STALE_SECONDS = 900  # a claim that was not renewed for so long is of a dead process on another machine

Outcome = Literal["done", "failed", "claimed elsewhere"]


def is_done(directory: Path) -> bool:
    return (directory / "result.json").is_file()


def run_cell(recipe: dict[str, Any], directory: str) -> tuple[Outcome, str]:
    """Runs one cell, or goes on with it; gives how it ended and, where it failed, a sentence.

    Safe to call for the same cell by several processes and machines that share the directory: one of them runs it.
    """
    from clc_text.run import train

    path = Path(directory)
    if is_done(path):
        return "done", ""
    claim = Claim(path)
    if not claim.take():
        return "claimed elsewhere", claim.holder()
    error = path.with_name(path.name + ".error.txt")
    try:
        train(from_dict(recipe, str(path)), path, resume=True, observer=claim)
        error.unlink(missing_ok=True)
        return "done", ""
    except InputError as wrong:
        write_text(error, f"{wrong}\n")
        return "failed", str(wrong)
    except Exception as wrong:
        write_text(error, traceback.format_exc())
        return "failed", f"{type(wrong).__name__}: {wrong} (see {error})"
    finally:
        claim.release()


class Claim(Silent):
    """A file beside the cell's directory that says who runs it; renewed after every epoch."""

    def __init__(self, directory: Path) -> None:
        self.path = directory.with_name(directory.name + ".claim")

    def take(self) -> bool:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        for _ in range(2):
            try:
                with open(self.path, "x", encoding="utf-8") as handle:
                    json.dump({"host": socket.gethostname(), "pid": os.getpid()}, handle)
                return True
            except FileExistsError:
                if not self._abandoned():
                    return False
                self.path.unlink(missing_ok=True)
        return False

    def _abandoned(self) -> bool:
        try:
            holder = json.loads(self.path.read_text(encoding="utf-8"))
            age = time.time() - self.path.stat().st_mtime
        except (OSError, ValueError):
            return False  # just being written, or just gone
        if holder["host"] == socket.gethostname():
            return not _alive(holder["pid"])
        return age > STALE_SECONDS

    def holder(self) -> str:
        try:
            holder = json.loads(self.path.read_text(encoding="utf-8"))
            return f"{holder['host']}, process {holder['pid']}"
        except (OSError, ValueError):
            return "another process"

    def release(self) -> None:
        self.path.unlink(missing_ok=True)

    def epoch(self, entry: dict[str, Any], notices: list[Any]) -> None:
        self.path.touch()


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True

"""One training at a time in a run directory: two would write the same files, each as if it were alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from clc_text.errors import InputError

LOCK = ".train.lock"  # empty, and left there: removing it could let two in at once


@contextmanager
def alone_in(directory: Path) -> Iterator[None]:
    """Nobody else trains in a directory during the body. The lock is the system's and ends with its process.

    Raises:
        InputError: somebody does.
    """
    lock = FileLock(directory / LOCK)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        raise InputError(
            f"another process trains in {directory}; wait for it to end, or choose another directory with --out"
        ) from None
    except NotImplementedError:  # a file system without locks
        yield
        return
    try:
        yield
    finally:
        lock.release()

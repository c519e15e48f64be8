"""One training at a time in a run directory: two would write the same files, each as if it were alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from clc_text.errors import InputError

LOCK = ".train.lock"  # empty, and left there: removing it could let two in at once


def alone_in(directory: Path) -> AbstractContextManager[None]:
    """Nobody else trains in a directory, or pushes it, during the body. The lock ends with its process.

    Raises:
        InputError: somebody does.
    """
    said = f"another process trains in {directory} or pushes it; wait for it to end, or choose another with --out"
    return _locked(directory, said, NotImplementedError)


def untouched(directory: Path) -> AbstractContextManager[None]:
    """Nobody trains in a directory during the body; where it may only be read, as far as one can tell.

    Raises:
        InputError: somebody does.
    """
    said = f"another process trains in {directory}, and files of two runs would be sent; wait for it to end"
    return _locked(directory, said, NotImplementedError, PermissionError)


@contextmanager
def _locked(directory: Path, said: str, *no_lock: type[Exception]) -> Iterator[None]:
    lock = FileLock(directory / LOCK)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        raise InputError(said, where=directory) from None
    except no_lock:  # such as a file system without locks
        yield
        return
    try:
        yield
    finally:
        lock.release()

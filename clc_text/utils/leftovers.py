"""What writers that were killed leave behind: hidden files and folders, `.NAME.0123abcd4567.part` and `.old`."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

_ASIDE = re.compile(r"\.(.+)\.([0-9a-f]{8})([0-9a-f]{4})?\.(?:part|old)")


def aside_of(path: Path) -> Path:
    """A new hidden name beside `path`, by which it is known as a leftover of ours when its writer has died."""
    drawn = secrets.token_hex(4)
    return path.with_name(f".{path.name}.{drawn}{_check(path.name, drawn)}.part")


def _check(name: str, drawn: str) -> str:
    return hashlib.sha256(f"{name}.{drawn}".encode()).hexdigest()[:4]


def _is_ours(path: Path) -> bool:
    """Of names without the four digits, as earlier versions gave them, nobody can tell."""
    found = _ASIDE.fullmatch(path.name)
    return found is not None and found[3] == _check(found[1], found[2])


def name_of_whole(path: Path) -> str:
    """The name of what `path` is a leftover of, where a writer of this package was killed; else its own."""
    leftover = _ASIDE.fullmatch(path.name)
    return leftover[1] if leftover else path.name


@contextmanager
def writing_in(folder: Path) -> Iterator[None]:
    """What writers that were killed have left in a folder goes, and what is written there in the body stays.

    While a process writes it holds a shared lock on the folder, which ends with the process however that dies. Whoever
    is given the lock alone knows that nothing half-written there will ever be finished. Where the system has no such
    locks nothing is removed.
    """
    handle = _opened(folder)
    try:
        if handle is not None:
            _sweep(folder, handle)
        yield
    finally:
        if handle is not None:
            os.close(handle)


def _opened(folder: Path) -> int | None:
    """None where folders cannot be locked."""
    with suppress(OSError):
        return None if fcntl is None else os.open(folder, os.O_RDONLY)
    return None


_swept: set[tuple[int, int]] = set()  # once a process: a folder may hold very many files


def _sweep(folder: Path, handle: int) -> None:
    about = os.fstat(handle)
    known = (about.st_dev, about.st_ino) in _swept
    if not known and _lock(handle, fcntl.LOCK_EX):
        for left in [path for path in folder.iterdir() if _is_ours(path)]:
            # What was moved away is all that there is where nothing has come in its place.
            if left.suffix == ".part" or left.with_name(name_of_whole(left)).exists():
                _remove(left)
        _swept.add((about.st_dev, about.st_ino))
    for _ in range(20):  # others hold it alone for a moment only, or else are none of ours
        if _lock(handle, fcntl.LOCK_SH):
            break
        time.sleep(0.05)


def _lock(handle: int, kind: int) -> bool:
    try:
        fcntl.flock(handle, kind | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _remove(path: Path) -> None:
    with suppress(OSError):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink()

"""Files that survive a crash: everything is written aside, then renamed over its place."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


@contextmanager
def written_aside(path: Path) -> Iterator[Path]:
    """Yields a temporary path beside `path`; on success it is renamed over `path`, on failure removed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        yield aside
        with open(aside, "rb") as handle:
            os.fsync(handle.fileno())
        os.replace(aside, path)
    finally:
        aside.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    with written_aside(path) as aside:
        aside.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any) -> None:
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False, default=_plain) + "\n")


def write_with(path: Path, write: Callable[[Path], object]) -> None:
    """Calls `write(temporary_path)`, then renames: for libraries that want to write the file themselves."""
    with written_aside(path) as aside:
        write(aside)


def replace_folder(path: Path, write: Callable[[Path], object]) -> None:
    """Calls `write(temporary_folder)`, then puts that folder in the place of `path`."""
    aside = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    before = aside.with_suffix(".old")
    aside.mkdir(parents=True)
    try:
        write(aside)
        if path.exists():
            os.replace(path, before)  # removing a large folder first would leave a long time without any
        os.replace(aside, path)
    except BaseException:
        if before.exists() and not path.exists():
            os.replace(before, path)
        raise
    finally:
        shutil.rmtree(aside, ignore_errors=True)
        shutil.rmtree(before, ignore_errors=True)


def bring_back(path: Path) -> None:
    """Puts back the folder that `replace_folder` had moved away when the machine stopped between its two renames."""
    if not path.exists():
        for before in path.parent.glob(f".{path.name}.*.old"):
            os.replace(before, path)
            break


def sha256_of_file(path: Path) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as handle:
        while block := handle.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _plain(value: Any) -> Any:
    """NumPy scalars, torch scalars and paths as JSON values."""
    if isinstance(value, Path):
        return str(value)
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} is not JSON serialisable")

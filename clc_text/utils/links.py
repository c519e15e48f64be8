"""Links in a folder that came from somebody else: what is read or written by them lies where they say."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path


def leading_out(folder: Path, names: Iterable[str]) -> Path | None:
    """The first of these files of a folder, or of what lies below them, that is a link to somewhere outside; None
    where there is none."""
    inside = folder.resolve()

    def outside(path: Path) -> bool:
        return path.is_symlink() and not path.resolve().is_relative_to(inside)

    for name in sorted(names):
        path = folder / name
        if outside(path):
            return path
        if path.is_dir():
            for below in sorted(path.rglob("*")):
                if outside(below):
                    return below
    return None

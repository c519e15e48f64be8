"""Which cells that are done were run on files that have changed since, told before any other cell runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from pathlib import Path

from clc_text.artifacts.run_directory import RunDirectory
from clc_text.errors import InputError, some_of
from clc_text.sweep.grid import Cell
from clc_text.utils.files import sha256_of_file

LARGEST = 1 << 28  # bytes; of a larger file only the size is looked at, since reading it would keep the sweep waiting


def changed_data(cells: Iterable[Cell], directory: Path) -> dict[str, list[str]]:
    """Files that are not those that a run has read, each with the cells' paths.

    Only of files that are where the recipe says; not of folders of them, nor of what lies in the Hub's cache.

    Args:
        cells: those that are done.
    """
    sha256 = cache(sha256_of_file)  # cells share their data
    changed: dict[str, list[str]] = {}
    for cell in cells:
        try:
            sources = RunDirectory(directory / cell.path).environment().get("sources") or []
        except InputError:
            continue  # nobody knows what it has read
        places = [Path(place.path).expanduser() for place in cell.resolved.data.places() if place.found]
        for source in sources:
            name = str(source.get("path"))
            files = [place if place.name == name else place / name for place in places]
            files = [file for file in files if file.is_file()]
            if files and not any(_is(file, source, sha256) for file in files):
                changed.setdefault(str(files[0]), []).append(cell.path)
    return changed


def _is(file: Path, source: Mapping[str, object], sha256: Callable[[Path], str]) -> bool:
    size = file.stat().st_size
    if size != source.get("bytes", size):
        return False
    return size > LARGEST or sha256(file) == source.get("sha256")


def told(found: dict[str, list[str]]) -> str:
    """A sentence on what `changed_data` has found; "" where it is nothing."""
    if not found:
        return ""
    cells = list(dict.fromkeys(path for paths in found.values() for path in paths))
    return (
        f"{', '.join(found)} {'has' if len(found) == 1 else 'have'} changed since {some_of(cells)} ran; remove "
        f"{'its folder' if len(cells) == 1 else 'their folders'} to run {'it' if len(cells) == 1 else 'them'} anew: "
        "`clc-text table` refuses to compare runs on different data"
    )

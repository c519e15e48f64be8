"""A sweep from its file to its directory: which cells are done, which run now, which failed."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from clc_text.errors import InputError
from clc_text.files import write_text
from clc_text.recipe import load
from clc_text.sweep.cell import is_done
from clc_text.sweep.grid import Cell, Sweep


def plan(sweep_file: Path, sweep: Sweep, cells: list[Cell], directory: Path) -> list[Cell]:
    """Makes the sweep's directory; gives the cells that are still to run.

    Raises:
        InputError: the directory holds something else, or a cell that was run from another recipe.
    """
    stored = directory / "sweep.yaml"
    if directory.exists() and not stored.is_file() and any(directory.iterdir()):
        raise InputError(f"{directory} is there already and is no sweep's; choose another with --out")
    to_run = []
    for cell in cells:
        path = directory / cell.path
        if is_done(path):
            if load(path / "recipe.yaml").fingerprint() != cell.resolved.fingerprint():
                raise InputError(
                    f"{path} was run from another recipe than the sweep now gives; remove it, or choose another "
                    "directory with --out"
                )
        else:
            to_run.append(cell)
    write_text(stored, sweep_file.read_text(encoding="utf-8"))
    return to_run


def run(cells: list[Cell], directory: Path, engine: str, jobs: int | None) -> Iterator[tuple[Cell, str, str]]:
    """Runs the cells by an engine, "local" or "ray"; gives (cell, outcome, sentence) as they end."""
    for cell in cells:
        _forget_unfinished(directory / cell.path, cell)
    if engine == "ray":
        from clc_text.sweep.ray_cluster import run_ray

        return run_ray(cells, directory, jobs)
    from clc_text.sweep.local import run_local

    return run_local(cells, directory, jobs or default_jobs())


def _forget_unfinished(path: Path, cell: Cell) -> None:
    """An unfinished cell of another recipe cannot be resumed and holds no result: it makes room."""
    stored = path / "recipe.yaml"
    if stored.is_file() and load(stored).fingerprint() != cell.resolved.fingerprint():
        shutil.rmtree(path)


def default_jobs() -> int:
    """As many processes as this process may use processors."""
    import os

    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

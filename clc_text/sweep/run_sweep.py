"""A sweep from its file to its directory: which cells are done, which are to run, and by what."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

from clc_text.artifacts.sweep_plan import write_plan
from clc_text.errors import InputError
from clc_text.sweep.grid import Cell
from clc_text.sweep.outcome import Outcome, check_done, is_done
from clc_text.utils.files import write_text
from clc_text.utils.leftovers import name_of_whole
from clc_text.utils.workers import processors


def plan(sweep_file: Path, cells: list[Cell], directory: Path) -> list[Cell]:
    """Makes the sweep's directory; gives the cells that are still to run.

    Args:
        cells: all of the sweep, also where only a part of them is to run here: one table is made of them.

    Raises:
        InputError: the directory holds something else, or a cell that was run from another recipe, or nobody knows
            from which.
    """
    stored = directory / "sweep.yaml"
    if directory.exists() and not (directory.is_dir() and (stored.is_file() or _is_unused(directory))):
        raise InputError(
            f"{directory} is there already and is no sweep's; choose another with --out", where=directory, key="--out"
        )
    to_run = []
    for cell in cells:
        path = directory / cell.path
        if is_done(path):
            check_done(cell.resolved, path)
        else:
            to_run.append(cell)
    write_text(stored, sweep_file.read_text(encoding="utf-8"))
    write_plan(directory, {cell.path: cell.resolved for cell in cells})
    return to_run


def _is_unused(directory: Path) -> bool:
    """Whether a folder holds nothing but what is left of a sweep.yaml whose writer was killed."""
    return all(path.name != name_of_whole(path) == "sweep.yaml" for path in directory.iterdir())


def run(
    cells: list[Cell], directory: Path, engine: str, jobs: int | None
) -> Generator[tuple[Cell, Outcome], None, None]:
    """Runs the cells by an engine, "local" or "ray"; gives each with its outcome as it ends."""
    if engine == "ray":
        from clc_text.sweep.ray_cluster import run_ray

        return run_ray(cells, directory, jobs)
    from clc_text.sweep.local import run_local

    return run_local(cells, directory, jobs or processors())

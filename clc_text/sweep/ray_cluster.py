"""The same cells on a Ray cluster; all its machines must see the sweep's directory."""

from __future__ import annotations

import os
from collections.abc import Generator
from pathlib import Path

from clc_text.config.recipe import Recipe
from clc_text.sweep.grid import Cell
from clc_text.sweep.outcome import Outcome
from clc_text.utils.ray_cluster import on_cluster


def run_ray(cells: list[Cell], directory: Path, jobs: int | None) -> Generator[tuple[Cell, Outcome], None, None]:
    """Runs the cells and gives each with its outcome as it ends; one whose worker dies goes on from its last
    checkpoint.

    Args:
        jobs: cells at once, one processor each; None: as many as the cluster has processors.
    """
    tasks = [(cell, (cell.resolved, (directory / cell.path).resolve(), Path.cwd())) for cell in cells]
    for cell, outcome in on_cluster(tasks, _run_cell_in, jobs, lambda _: jobs or len(cells)):
        if isinstance(outcome, Exception):
            outcome = Outcome("failed", str(outcome).strip().splitlines()[0])
        yield cell, outcome


def _run_cell_in(recipe: Recipe, directory: Path, folder: Path) -> Outcome:
    """Runs in a worker of the cluster, in the folder that the recipe's relative paths start from."""
    import torch

    from clc_text.sweep.cell import run_cell

    if folder.is_dir():
        os.chdir(folder)
    torch.set_num_threads(1)
    return run_cell(recipe, directory)

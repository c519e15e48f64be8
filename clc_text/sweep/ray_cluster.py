"""The same cells on a Ray cluster; all its machines must see the sweep's directory."""

from __future__ import annotations

import os
from collections.abc import Generator
from pathlib import Path
from typing import Any

from clc_text.config.recipe import Recipe
from clc_text.sweep.grid import Cell
from clc_text.sweep.outcome import Outcome
from clc_text.utils.ray_cluster import cluster, remote


def run_ray(cells: list[Cell], directory: Path, jobs: int | None) -> Generator[tuple[Cell, Outcome], None, None]:
    """Runs the cells and gives each with its outcome as it ends; one whose worker dies goes on from its last
    checkpoint.

    Args:
        jobs: cells at once, one processor each; None: as many as the cluster has processors.
    """
    with cluster(jobs) as ray:
        run = remote(ray, _run_cell_in)
        waiting = list(reversed(cells))
        under_way: dict[Any, Cell] = {}
        at_once = jobs or len(cells)
        try:
            while waiting or under_way:
                while waiting and len(under_way) < at_once:
                    cell = waiting.pop()
                    under_way[run.remote(cell.resolved, (directory / cell.path).resolve(), Path.cwd())] = cell
                ended, _ = ray.wait(list(under_way), num_returns=1)
                cell = under_way.pop(ended[0])
                try:
                    outcome = ray.get(ended[0])
                except ray.exceptions.RayError as error:
                    outcome = Outcome("failed", str(error).strip().splitlines()[0])
                yield cell, outcome
        finally:
            for reference in under_way:
                ray.cancel(reference, force=True)


def _run_cell_in(recipe: Recipe, directory: Path, folder: Path) -> Outcome:
    """Runs in a worker of the cluster, in the folder that the recipe's relative paths start from."""
    import torch

    from clc_text.sweep.cell import run_cell

    if folder.is_dir():
        os.chdir(folder)
    torch.set_num_threads(1)
    return run_cell(recipe, directory)

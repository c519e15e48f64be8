"""The same cells on a Ray cluster (extra `ray`); all its machines must see the sweep's directory."""

from __future__ import annotations

import os
from collections.abc import Generator
from pathlib import Path
from typing import Any

from clc_text.config.recipe import Recipe
from clc_text.errors import InputError
from clc_text.sweep.grid import Cell
from clc_text.sweep.outcome import Outcome

_HANDED_ON = ("CLC_TEXT_DATA", "HF_HUB_OFFLINE", "HF_HOME")


def ray_itself() -> Any:
    """The package `ray`.

    Raises:
        InputError: it is not installed.
    """
    try:
        import ray
    except ImportError:
        raise InputError("--engine ray needs Ray: pip install 'clc-text[ray]'", key="--engine") from None
    return ray


def run_ray(cells: list[Cell], directory: Path, jobs: int | None) -> Generator[tuple[Cell, Outcome], None, None]:
    """Runs the cells and gives each with its outcome as it ends.

    Joins the cluster that ``RAY_ADDRESS`` names; without it, one is started on this machine and ends with the sweep.

    Args:
        jobs: cells at once, one processor each; None: as many as the cluster has processors.
    """
    ray = ray_itself()
    if not ray.is_initialized():
        try:
            joins = "RAY_ADDRESS" in os.environ
            ray.init(num_cpus=None if joins else jobs, log_to_driver=False, include_dashboard=None if joins else False)
        except ConnectionError as error:
            raise InputError(
                f"no Ray cluster answers at RAY_ADDRESS={os.environ.get('RAY_ADDRESS')} ({error})", key="RAY_ADDRESS"
            ) from None
    environment = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    environment |= {name: os.environ[name] for name in _HANDED_ON if name in os.environ}
    # A cell whose worker dies runs once more; it then goes on from its last checkpoint.
    remote: Any = ray.remote(num_cpus=1, max_retries=1, runtime_env={"env_vars": environment})(_run_cell_in)
    waiting = list(reversed(cells))
    under_way: dict[Any, Cell] = {}
    at_once = jobs or len(cells)
    try:
        while waiting or under_way:
            while waiting and len(under_way) < at_once:
                cell = waiting.pop()
                under_way[remote.remote(cell.resolved, (directory / cell.path).resolve(), Path.cwd())] = cell
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
        ray.shutdown()


def _run_cell_in(recipe: Recipe, directory: Path, folder: Path) -> Outcome:
    """Runs in a worker of the cluster, in the folder that the recipe's relative paths start from."""
    import torch

    from clc_text.sweep.cell import run_cell

    if folder.is_dir():
        os.chdir(folder)
    torch.set_num_threads(1)
    return run_cell(recipe, directory)

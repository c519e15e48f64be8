"""Cells in parallel processes of this machine."""

from __future__ import annotations

import gc
from collections.abc import Generator
from multiprocessing.connection import Connection
from pathlib import Path

from clc_text.config.recipe import Recipe
from clc_text.sweep.grid import Cell
from clc_text.sweep.outcome import Outcome
from clc_text.utils.workers import ATTEMPTS, end_when_told, in_processes, serve


def run_local(cells: list[Cell], directory: Path, jobs: int) -> Generator[tuple[Cell, Outcome], None, None]:
    """Runs the cells and gives each with its outcome as it ends.

    Args:
        jobs: processes; each keeps its imports and its encoded data from cell to cell.
    """
    tasks = [(cell, (cell.resolved, directory / cell.path)) for cell in cells]
    for cell, outcome in in_processes(tasks, _work, jobs):
        yield cell, outcome or Outcome("failed", f"its process died {ATTEMPTS} times (out of memory?)")


def _work(connection: Connection) -> None:
    end_when_told()
    gc.set_threshold(50_000)  # as the command does: there is much to import
    import torch

    from clc_text.sweep.cell import run_cell

    def run(task: tuple[Recipe, Path]) -> Outcome:
        torch.set_num_threads(1)  # each time: a recipe may have asked for more
        return run_cell(*task)

    serve(connection, run)

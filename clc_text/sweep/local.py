"""Cells in parallel processes of this machine, each single-threaded; a process that dies is replaced."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
from collections import deque
from collections.abc import Iterator
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from clc_text.sweep.grid import Cell

ATTEMPTS = 2


def run_local(cells: list[Cell], directory: Path, jobs: int) -> Iterator[tuple[Cell, str, str]]:
    """Runs the cells and gives (cell, outcome, sentence) as they end.

    Args:
        jobs: processes; each keeps its imports and its encoded data from cell to cell.
    """
    # Read by the children's numerical libraries when they are loaded: two threads beside a busy neighbour are far
    # slower than one.
    os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = "1"
    waiting = deque(cells)
    attempts = {cell.path: 0 for cell in cells}
    workers = [_Worker() for _ in range(min(jobs, len(cells)))]
    try:
        while waiting or any(worker.cell for worker in workers):
            for worker in workers:
                if worker.cell is None and waiting:
                    cell = waiting.popleft()
                    attempts[cell.path] += 1
                    worker.give(cell, directory)
            busy = {worker.connection: worker for worker in workers if worker.cell}
            for connection in wait(list(busy)):
                worker = busy[connection]  # type: ignore[index]
                cell = worker.running()
                try:
                    outcome, sentence = worker.take()
                except EOFError:
                    worker.restart()
                    if attempts[cell.path] < ATTEMPTS:
                        waiting.append(cell)
                        continue
                    outcome, sentence = "failed", f"its process died {ATTEMPTS} times (out of memory?)"
                yield cell, outcome, sentence
    finally:
        for worker in workers:
            worker.end()


class _Worker:
    def __init__(self) -> None:
        self.cell: Cell | None = None
        self._start()

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self.process = context.Process(target=_work, args=(theirs,), daemon=True)
        self.process.start()
        theirs.close()

    def give(self, cell: Cell, directory: Path) -> None:
        self.cell = cell
        with contextlib.suppress(BrokenPipeError):  # the process has died: `take` will meet the end of the pipe
            self.connection.send((cell.resolved.to_dict(), str(directory / cell.path)))

    def running(self) -> Cell:
        assert self.cell is not None
        return self.cell

    def take(self) -> tuple[str, str]:
        outcome: tuple[str, str] = self.connection.recv()
        self.cell = None
        return outcome

    def restart(self) -> None:
        self.end()
        self.cell = None
        self._start()

    def end(self) -> None:
        self.connection.close()
        self.process.terminate()
        self.process.join()


def _work(connection: Connection) -> None:
    import torch

    from clc_text.sweep.cell import run_cell

    torch.set_num_threads(1)
    while True:
        try:
            task: tuple[dict[str, Any], str] = connection.recv()
        except EOFError:
            return
        connection.send(run_cell(*task))

"""Cells in parallel processes of this machine, each single-threaded; a process that dies is replaced."""

from __future__ import annotations

import contextlib
import gc
import multiprocessing
import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Generator, Iterator
from multiprocessing.connection import Connection, wait
from pathlib import Path

from clc_text.config.recipe import Recipe
from clc_text.sweep.grid import Cell
from clc_text.sweep.outcome import Outcome

ATTEMPTS = 2
_SECONDS_TO_END = 20  # Python's own end takes that long on a machine that is busy with other things
_SECONDS_TO_TELL_AGAIN = 0.1


def run_local(cells: list[Cell], directory: Path, jobs: int) -> Generator[tuple[Cell, Outcome], None, None]:
    """Runs the cells and gives each with its outcome as it ends.

    Args:
        jobs: processes; each keeps its imports and its encoded data from cell to cell.
    """
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
                cell, outcome = worker.take()
                if outcome is None:
                    worker.replace()
                    if attempts[cell.path] < ATTEMPTS:
                        waiting.append(cell)
                        continue
                    outcome = Outcome("failed", f"its process died {ATTEMPTS} times (out of memory?)")
                yield cell, outcome
    finally:
        for worker in workers:
            worker.connection.close()  # an idle worker ends by itself when its pipe ends
        for worker in workers:
            worker.end()


class _Worker:
    """One process and the pipe to it."""

    def __init__(self) -> None:
        self.cell: Cell | None = None
        self._start()

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self.process = context.Process(target=_work, args=(theirs,), daemon=True)
        with _environment_of_workers():
            self.process.start()
        theirs.close()

    def give(self, cell: Cell, directory: Path) -> None:
        self.cell = cell
        with contextlib.suppress(OSError):  # the process has died: `take` will meet the end of the pipe
            self.connection.send((cell.resolved, directory / cell.path))

    def take(self) -> tuple[Cell, Outcome | None]:
        """The cell that was under way and how it ended; None: the process died."""
        cell, self.cell = self.cell, None
        assert cell is not None
        try:
            return cell, self.connection.recv()
        except (EOFError, OSError):
            return cell, None

    def replace(self) -> None:
        self.connection.close()
        self.end()
        self._start()

    def end(self) -> None:
        if self.cell is None:
            self.process.join(_SECONDS_TO_END)
        self.process.terminate()  # a run directory survives being cut short
        self.process.join(_SECONDS_TO_END)
        self.process.kill()
        self.process.join()


@contextlib.contextmanager
def _environment_of_workers() -> Iterator[None]:
    """What a process that is started inside inherits: one thread, and a deaf ear to Ctrl-C.

    The numerical libraries read their number of threads when they are loaded; two threads beside a busy neighbour are
    far slower than one. Ctrl-C on a terminal reaches every process; ending the workers is this one's business.
    """
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    before = {name: os.environ.get(name) for name in names}
    main = threading.current_thread() is threading.main_thread()  # only there may signals be set
    handler = signal.signal(signal.SIGINT, signal.SIG_IGN) if main else None
    os.environ.update(dict.fromkeys(names, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
        if main:
            signal.signal(signal.SIGINT, handler)


def _end_when_told() -> None:
    """SIGTERM ends this process as Python ends, so that what its libraries opened is closed; the default would leave
    semaphores behind."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))

    def ignored(what: sys.UnraisableHookArgs) -> None:
        if isinstance(what.exc_value, SystemExit):  # met in a destructor, where Python ignores it: once more
            threading.Timer(_SECONDS_TO_TELL_AGAIN, os.kill, (os.getpid(), signal.SIGTERM)).start()
        else:
            sys.__unraisablehook__(what)

    sys.unraisablehook = ignored


def _work(connection: Connection) -> None:
    _end_when_told()
    gc.set_threshold(50_000)  # as the command does: there is much to import
    import torch

    from clc_text.sweep.cell import run_cell

    while True:
        try:
            task: tuple[Recipe, Path] = connection.recv()
        except (EOFError, OSError):
            return
        torch.set_num_threads(1)  # each time: a recipe may have asked for more
        outcome = run_cell(*task)
        with contextlib.suppress(OSError):  # whoever asked is gone; the result is in its directory
            connection.send(outcome)

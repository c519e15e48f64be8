"""Tasks in parallel processes of this machine, each single-threaded; a process that dies is replaced."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from multiprocessing.connection import Connection, wait
from typing import Any, TypeVar

ATTEMPTS = 2
_SECONDS_TO_END = 20  # Python's own end takes that long on a machine that is busy with other things
_SECONDS_TO_TELL_AGAIN = 0.1

ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
"""What the numerical libraries read when they are loaded."""

K = TypeVar("K")


def processors() -> int:
    """As many as this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def in_processes(
    tasks: Iterable[tuple[K, Any]], work: Callable[[Connection], None], jobs: int
) -> Generator[tuple[K, Any | None], None, None]:
    """Gives the name of each task with what was made of it, as it ends; None: its process died `ATTEMPTS` times.

    Args:
        tasks: names, and what is sent to a process.
        work: what a process does (`serve`), found by its module and name.
        jobs: processes, at most; each keeps its imports from task to task.
    """
    waiting = deque((name, task, 1) for name, task in tasks)
    workers = [_Worker(work) for _ in range(min(jobs, len(waiting)))]
    try:
        while waiting or any(worker.task for worker in workers):
            for worker in workers:
                if worker.task is None and waiting:
                    worker.give(waiting.popleft())
            busy = {worker.connection: worker for worker in workers if worker.task}
            for connection in wait(list(busy)):
                worker = busy[connection]  # type: ignore[index]
                (name, task, attempt), made = worker.take()
                if made is None:
                    worker.replace()
                    if attempt < ATTEMPTS:
                        waiting.append((name, task, attempt + 1))
                        continue
                yield name, made
    finally:
        for worker in workers:
            worker.connection.close()  # an idle worker ends by itself when its pipe ends
        for worker in workers:
            worker.end()


class _Worker:
    """One process and the pipe to it."""

    def __init__(self, work: Callable[[Connection], None]) -> None:
        self.work = work
        self.task: tuple[Any, Any, int] | None = None
        self._start()

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self.process = context.Process(target=self.work, args=(theirs,), daemon=True)
        with environment_of_workers():
            self.process.start()
        theirs.close()

    def give(self, task: tuple[Any, Any, int]) -> None:
        self.task = task
        with contextlib.suppress(OSError):  # the process has died: `take` will meet the end of the pipe
            self.connection.send(task[1])

    def take(self) -> tuple[tuple[Any, Any, int], Any | None]:
        """The task that was under way and what was made of it; None: the process died."""
        task, self.task = self.task, None
        assert task is not None
        try:
            return task, self.connection.recv()
        except (EOFError, OSError):
            return task, None

    def replace(self) -> None:
        self.connection.close()
        self.end()
        self._start()

    def end(self) -> None:
        if self.task is None:
            self.process.join(_SECONDS_TO_END)
        self.process.terminate()  # what it writes survives being cut short
        self.process.join(_SECONDS_TO_END)
        self.process.kill()
        self.process.join()


@contextlib.contextmanager
def environment_of_workers() -> Iterator[None]:
    """What a process that is started inside inherits: one thread, and a deaf ear to Ctrl-C.

    The numerical libraries read their number of threads when they are loaded; two threads beside a busy neighbour are
    far slower than one. Ctrl-C on a terminal reaches every process; ending the workers is this one's business.
    """
    before = {name: os.environ.get(name) for name in ONE_THREAD}
    main = threading.current_thread() is threading.main_thread()  # only there may signals be set
    handler = signal.signal(signal.SIGINT, signal.SIG_IGN) if main else None
    os.environ.update(ONE_THREAD)
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


def end_when_told() -> None:
    """SIGTERM ends this process as Python ends, so that what its libraries opened is closed; the default would leave
    semaphores behind."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))

    def ignored(what: sys.UnraisableHookArgs) -> None:
        if isinstance(what.exc_value, SystemExit):  # met in a destructor, where Python ignores it: once more
            threading.Timer(_SECONDS_TO_TELL_AGAIN, os.kill, (os.getpid(), signal.SIGTERM)).start()
        else:
            sys.__unraisablehook__(what)

    sys.unraisablehook = ignored


def serve(connection: Connection, answer: Callable[[Any], Any]) -> None:
    """What a process does until its pipe ends: answers each task, never with None."""
    while True:
        try:
            task = connection.recv()
        except (EOFError, OSError):
            return
        made = answer(task)
        with contextlib.suppress(OSError):  # whoever asked is gone
            connection.send(made)

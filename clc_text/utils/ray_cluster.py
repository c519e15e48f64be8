"""A Ray cluster (extra `ray`): that of ``RAY_ADDRESS``, or one of this machine's processes."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from clc_text.errors import InputError
from clc_text.utils.workers import ONE_THREAD

_HANDED_ON = ("CLC_TEXT_DATA", "HF_HUB_OFFLINE", "HF_HOME")

K = TypeVar("K")


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


def on_cluster(
    tasks: Iterable[tuple[K, tuple[Any, ...]]],
    function: Callable[..., Any],
    jobs: int | None,
    at_once: Callable[[int], int],
) -> Generator[tuple[K, Any | Exception], None, None]:
    """Gives the name of each task with what the function made of it in a worker, as it ends, or with what went wrong
    there. A task whose worker dies runs once more.

    Args:
        tasks: names, and the function's arguments.
        jobs: processors of a cluster that is started here; None: all.
        at_once: from the processors of the cluster to how many tasks are handed out at the same time.

    Raises:
        InputError: no cluster answers, or Ray is not installed.
    """
    with _cluster(jobs) as ray:
        run = _remote(ray, function)
        most = at_once(max(1, int(ray.cluster_resources().get("CPU", 1))))
        waiting, under_way = iter(tasks), dict[Any, K]()
        try:
            while True:
                while len(under_way) < most and (task := next(waiting, None)) is not None:
                    under_way[run.remote(*task[1])] = task[0]
                if not under_way:
                    return
                (ended,), _ = ray.wait(list(under_way), num_returns=1)
                name = under_way.pop(ended)
                try:
                    made = ray.get(ended)
                except ray.exceptions.RayError as error:
                    made = error
                yield name, made
        finally:
            for reference in under_way:
                ray.cancel(reference, force=True)


@contextmanager
def _cluster(jobs: int | None) -> Iterator[Any]:
    """`ray`, joined to the cluster that ``RAY_ADDRESS`` names; without it, one is started on this machine, and ends
    with this.

    Args:
        jobs: processors of the one that is started; None: all.

    Raises:
        InputError: no cluster answers there, or Ray is not installed.
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
    try:
        yield ray
    finally:
        ray.shutdown()


def _remote(ray: Any, function: Callable[..., Any]) -> Any:
    """A function as the cluster's workers run it, single-threaded, and once more where its worker dies."""
    environment = ONE_THREAD | {name: os.environ[name] for name in _HANDED_ON if name in os.environ}
    return ray.remote(num_cpus=1, max_retries=1, runtime_env={"env_vars": environment})(function)

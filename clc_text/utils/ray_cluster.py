"""A Ray cluster (extra `ray`): that of ``RAY_ADDRESS``, or one of this machine's processes."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from clc_text.errors import InputError

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


@contextmanager
def cluster(jobs: int | None) -> Iterator[Any]:
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


def remote(ray: Any, function: Callable[..., Any]) -> Any:
    """A function as the cluster's workers run it, single-threaded, and once more where its worker dies."""
    environment = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    environment |= {name: os.environ[name] for name in _HANDED_ON if name in os.environ}
    return ray.remote(num_cpus=1, max_retries=1, runtime_env={"env_vars": environment})(function)

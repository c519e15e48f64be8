"""The same cells on a Ray cluster (extra `ray`); all its machines must see the sweep's directory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from clc_text.errors import InputError
from clc_text.sweep.grid import Cell


def run_ray(cells: list[Cell], directory: Path, jobs: int | None) -> Iterator[tuple[Cell, str, str]]:
    """Runs the cells and gives (cell, outcome, sentence) as they end.

    Args:
        jobs: processors of a cluster that is started here; None joins the cluster that ``RAY_ADDRESS`` names.
    """
    try:
        import ray
    except ImportError:
        raise InputError("--engine ray needs Ray: pip install 'clc-text[ray]'") from None

    from clc_text.sweep.cell import run_cell

    if not ray.is_initialized():
        ray.init(num_cpus=jobs, log_to_driver=False, include_dashboard=False, configure_logging=False)
    threads = {"env_vars": {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}}
    remote: Any = ray.remote(num_cpus=1, max_retries=1, runtime_env=threads)(run_cell)
    under_way = {
        remote.remote(cell.resolved.to_dict(), str((directory / cell.path).resolve())): cell for cell in cells
    }
    while under_way:
        ended, _ = ray.wait(list(under_way), num_returns=1)
        cell = under_way.pop(ended[0])
        try:
            outcome, sentence = ray.get(ended[0])
        except ray.exceptions.RayError as error:
            outcome, sentence = "failed", str(error).splitlines()[0]
        yield cell, outcome, sentence

"""Several processes, each with its share of the rows: what each has seen of them is put together.

A row is seen by one process an epoch, but for the few that are repeated so that all processes have as many batches;
of those the first process's view counts.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence

import torch
from accelerate import Accelerator
from torch import Tensor


@functools.cache
def load_to_numbered_cpus() -> None:
    """From now on `torch.load` takes "cpu:0" for the CPU.

    accelerate calls it so where several processes train on CPUs, and before 5.18 `transformers` asked for that when it
    went on from a checkpoint.
    """
    torch.serialization.register_package(
        50, lambda _: None, lambda storage, location: storage if location.startswith("cpu:") else None
    )


def several(accelerator: Accelerator) -> bool:
    return accelerator.num_processes > 1


def of_every_process(accelerator: Accelerator, values: Tensor) -> Tensor:
    """The same tensor of every process, stacked: [...] -> [processes, ...]."""
    sent = values.to(accelerator.device)
    if sent.dtype == torch.bool:
        return accelerator.gather(sent.to(torch.uint8)[None].contiguous()).bool().to(values.device)
    return accelerator.gather(sent[None].contiguous()).to(values.device)


def rows_together(accelerator: Accelerator, seen: Tensor) -> Callable[[Tensor, int], Tensor]:
    """How per-row values of all processes are put together.

    Args:
        seen: bool [N], the rows that this process has seen.

    Returns:
        A function of values and of the place of their rows' dimension; a row that no process has seen keeps this
        process's value.
    """
    seen_by = of_every_process(accelerator, seen)

    def together(values: Tensor, dim: int) -> Tensor:
        whole = values
        shape = [1] * values.dim()
        shape[dim] = -1
        for theirs, rows in zip(
            reversed(of_every_process(accelerator, values)), reversed(seen_by.to(values.device)), strict=True
        ):
            whole = torch.where(rows.view(shape), theirs, whole)
        return whole

    return together


def in_order(accelerator: Accelerator, index: Tensor, values: Sequence[Tensor]) -> list[Tensor]:
    """Rows scored by all processes, each [..., n, C] with the row numbers `index` [n], in the order of the rows."""
    if not several(accelerator):
        order = index.argsort()
        return [value.index_select(-2, order) for value in values]
    length = of_every_process(accelerator, torch.tensor(len(index), device=index.device)).max()
    padded = torch.nn.functional.pad(index, (0, int(length) - len(index)), value=-1)
    everywhere = of_every_process(accelerator, padded).flatten()
    # The stable sort puts equal numbers side by side: a row that two processes scored is taken once.
    order = everywhere.argsort(stable=True)
    first = torch.ones_like(everywhere, dtype=torch.bool)
    first[1:] = everywhere[order][1:] != everywhere[order][:-1]
    order = order[first & (everywhere[order] >= 0)]
    ordered = []
    for value in values:
        filled = torch.nn.functional.pad(value, (0, 0, 0, int(length) - value.shape[-2]))
        stacked = of_every_process(accelerator, filled)
        joined = torch.cat(list(stacked), -2)
        ordered.append(joined.index_select(-2, order))
    return ordered

"""The training set as a network reads it: tensors, fetched a whole batch at a time."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor
from torch.utils.data import Dataset


class Rows(Dataset):
    """Encoded rows with their labels; one index operation gives a whole batch.

    `Trainer` collates row by row by default, which costs more than a small network's forward pass; `__getitems__`
    hands it ready batches (use `as_batch` as the data collator).

    Args:
        inputs: tensors by the name of the network's forward argument, each with N rows; or what gives tensors when it
            is indexed with row numbers or a slice, such as images that are decoded when they are asked for.
        labels: int64 [N], or float [N, C] where a label is a distribution.
    """

    def __init__(self, inputs: Mapping[str, Tensor], labels: Tensor) -> None:
        sizes = {name: len(values) for name, values in inputs.items()} | {"labels": len(labels)}
        if len(set(sizes.values())) > 1:
            raise ValueError(f"inputs and labels differ in their number of rows: {sizes}")
        self.inputs = dict(inputs)
        self.labels = labels

    @property
    def nbytes(self) -> float:
        """Of the inputs; infinite where some are no tensors but made when they are asked for."""
        inputs = self.inputs.values()
        return sum(values.nbytes for values in inputs) if all(isinstance(v, Tensor) for v in inputs) else math.inf

    def to(self, device: torch.device) -> Rows:
        """The same rows on a device, where a batch is then put together."""
        return Rows({name: values.to(device) for name, values in self.inputs.items()}, self.labels.to(device))

    def __len__(self) -> int:
        return len(self.labels)

    def __getitems__(self, ids: Sequence[int]) -> dict[str, Tensor]:
        index = torch.as_tensor(ids, dtype=torch.int64, device=self.labels.device)
        batch = {name: _of_rows(values, index) for name, values in self.inputs.items()}
        return {**batch, "labels": _of_rows(self.labels, index), "index": index}

    def __getitem__(self, row: int) -> dict[str, Tensor]:
        return {name: values[0] for name, values in self.__getitems__([row]).items()}


def _of_rows(values: Tensor, index: Tensor) -> Tensor:
    """`values[index]`; of tensors whole rows are copied, which is faster."""
    return values.index_select(0, index) if isinstance(values, Tensor) else values[index]


def as_batch(batch: dict[str, Tensor] | list[dict[str, Tensor]]) -> dict[str, Tensor]:
    """The collator of `Rows`: a ready batch passes through; a list of rows is stacked."""
    if isinstance(batch, dict):
        return batch
    return {name: torch.stack([row[name] for row in batch]) for name in batch[0]}

"""Rows of unequal length in one flat tensor, padded when they are asked for."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from clc_text.errors import InputError


class Ragged:
    """N rows of numbers: indexed like a tensor, it gives [n, longest of the n], filled up with `fill`.

    So a batch is as wide as its own longest text, and a long text costs the others nothing.

    Args:
        values: [sum of lengths], all rows one after the other.
        lengths: int64 [N].
        fill: what stands behind a shorter row.
    """

    def __init__(self, values: Tensor, lengths: Tensor, fill: int) -> None:
        self.values, self.lengths, self.fill = values, lengths, fill
        self._starts = lengths.cumsum(0) - lengths

    @classmethod
    def of(cls, rows: Sequence[Sequence[int]], fill: int) -> Ragged:
        flat = [number for row in rows for number in row]
        return cls(torch.tensor(flat, dtype=torch.int32), torch.tensor([len(row) for row in rows]).long(), fill)

    def mask(self) -> Ragged:
        """1 for every number, 0 behind the end of a row."""
        return Ragged(torch.ones_like(self.values), self.lengths, 0)

    def __len__(self) -> int:
        return len(self.lengths)

    def __getitem__(self, index: slice | Tensor | Sequence[int]) -> Tensor:
        """int64 [n, width]; a row without numbers still has one place, so that no batch is empty."""
        rows = torch.arange(len(self))[index] if isinstance(index, slice) else torch.as_tensor(index)
        lengths, starts = self.lengths[rows], self._starts[rows]
        places = torch.arange(max(int(lengths.max()), 1) if len(rows) else 1)
        inside = places < lengths[:, None]
        if not len(self.values):
            return torch.full(inside.shape, self.fill, dtype=torch.int64)
        padded = self.values[(starts[:, None] + places).clamp_(max=len(self.values) - 1)].long()
        return torch.where(inside, padded, self.fill)

    def max(self) -> Tensor:
        """The largest number of any row; `fill` where no row has any."""
        return self.values.max() if len(self.values) else torch.tensor(self.fill)

    def flatten(self, start_dim: int = 0) -> Tensor:
        raise InputError(
            "noise that looks at features needs an encoder that makes some; token numbers have no distances: use "
            "encoder sentence or word_vectors, or another noise",
            key="encoder",
        )

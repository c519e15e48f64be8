"""Which rows are copies of an earlier one: who has learnt a copy of a row has learnt its label."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from hashlib import blake2b
from typing import Any

import numpy as np
import torch
from torch import Tensor

BLOCK = 1024  # rows that are in memory at once, where they are made when they are asked for


def first_copies(inputs: Mapping[str, Any], count: int) -> np.ndarray:
    """int64 [N], the number of the first row with the same inputs, to the bit: a row's own where it is the first.

    Args:
        inputs: those of `Rows`.
        count: N.
    """
    return firsts(_contents_of(inputs, count), count)


def firsts(contents: Iterator[bytes], count: int) -> np.ndarray:
    """int64 [N], the number of the first row with the same content."""
    seen: dict[bytes, int] = {}
    return np.fromiter((seen.setdefault(content, row) for row, content in enumerate(contents)), np.int64, count)


def first_rows(table: np.ndarray) -> np.ndarray:
    """int64 [N], the number of the first row of a table [N, D] of numbers that is the same to the bit."""
    kind = np.dtype(f"u{table.dtype.itemsize}")
    random = np.random.Generator(np.random.PCG64(0))
    factors = random.integers(0, 1 << 63, table.shape[1], dtype=np.uint64) * np.uint64(2) + np.uint64(1)

    def bits(rows: Any) -> np.ndarray:
        return np.ascontiguousarray(table[rows]).view(kind)

    starts = range(0, len(table), BLOCK)
    sums = [(bits(slice(start, start + BLOCK)).astype(np.uint64) * factors).sum(1) for start in starts]
    _, first, group = np.unique(
        np.concatenate([*sums, np.zeros(0, np.uint64)]), return_index=True, return_inverse=True
    )
    found = first[group]
    copies = np.flatnonzero(found != np.arange(len(table)))
    for start in range(0, len(copies), BLOCK):
        rows = copies[start : start + BLOCK]
        if not np.array_equal(bits(rows), bits(found[rows])):  # rows that differ have the same sum
            return firsts((digest_of(row.tobytes()) for row in table), len(table))
    return np.asarray(found)


def _contents_of(inputs: Mapping[str, Any], count: int) -> Iterator[bytes]:
    for start in range(0, count, BLOCK):
        block = {name: values[start : start + BLOCK] for name, values in inputs.items()}
        yield from _contents(block, min(BLOCK, count - start))


def digest_of(content: bytes) -> bytes:
    """16 bytes in place of a row's whole content, which a million rows would need as much memory for again."""
    return blake2b(content, digest_size=16).digest()


def content_of(inputs: Mapping[str, Any]) -> bytes:
    """A digest of what a network reads of a row.

    Raises:
        ValueError: that is nothing.
    """
    (found,) = _contents({name: one[None] for name, one in inputs.items() if isinstance(one, Tensor)}, 1)
    return found


def _contents(block: Mapping[str, Any], rows: int) -> Iterator[bytes]:
    """`content_of` each of some rows, of inputs by name that have them in their first dimension."""
    alike, tables = blake2b(digest_size=16), []
    for name, values in block.items():
        if name not in ("labels", "index") and isinstance(values, Tensor):
            alike.update(f"{name} {values.dtype} {list(values.shape[1:])} ".encode())
            values = values.detach().cpu().contiguous()
            tables.append(values.reshape(-1).view(torch.uint8).numpy().reshape(rows, -1 if values.numel() else 0))
    if not tables:
        raise ValueError("a row without inputs is equal to every other")
    for row in range(rows):
        found = alike.copy()
        for table in tables:
            found.update(table[row])
        yield found.digest()

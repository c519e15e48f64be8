"""Which rows are copies by what a network reads of them, its input tensors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from hashlib import blake2b
from typing import Any

import numpy as np
import torch
from torch import Tensor

from clc_text.data.copies import BLOCK, firsts


def first_copies(inputs: Mapping[str, Any], count: int) -> np.ndarray:
    """int64 [N], the number of the first row with the same inputs, to the bit: a row's own where it is the first.

    Args:
        inputs: those of `Rows`.
        count: N.
    """
    return firsts(_contents_of(inputs, count), count)


def _contents_of(inputs: Mapping[str, Any], count: int) -> Iterator[bytes]:
    for start in range(0, count, BLOCK):
        block = {name: values[start : start + BLOCK] for name, values in inputs.items()}
        yield from _contents(block, min(BLOCK, count - start))


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
        digest = alike.copy()
        for table in tables:
            digest.update(table[row])
        yield digest.digest()

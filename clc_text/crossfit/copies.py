"""Which rows are copies of an earlier one: who has learnt a copy of a row has learnt its label."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from clc_text.rows import Rows
from clc_text.training.data import NumberedRows
from clc_text.training.order import apart, untouched_generators

if TYPE_CHECKING:
    from clc_text.trainer import NoisyLabelTrainer

BLOCK = 1024  # rows that are in memory at once, where they are made when they are asked for


def first_copies(inputs: Mapping[str, Any], count: int) -> np.ndarray:
    """int64 [N], the number of the first row with the same inputs, to the bit: a row's own where it is the first.

    Args:
        inputs: those of `Rows`.
        count: N.
    """
    return _firsts(_contents_of(inputs, count), count)


def first_copies_of(trainer: NoisyLabelTrainer) -> np.ndarray:
    """`first_copies` of the training set, by what the collator makes of each row alone.

    Every row counts as the first where that cannot be had: a collator that takes no single row, or that draws what it
    makes of it.
    """
    rows = trainer.train_dataset
    if isinstance(rows, Rows):
        return first_copies(rows.inputs, len(rows))
    try:
        return _firsts(_contents_by(trainer), len(rows))
    except Exception:  # whatever is wrong with a row is told in the training's words, by its number
        return np.arange(len(rows))


def _firsts(contents: Iterator[bytes], count: int) -> np.ndarray:
    seen: dict[bytes, int] = {}
    return np.fromiter((seen.setdefault(content, row) for row, content in enumerate(contents)), np.int64, count)


def _contents_of(inputs: Mapping[str, Any], count: int) -> Iterator[bytes]:
    for start in range(0, count, BLOCK):
        block = {name: values[start : start + BLOCK] for name, values in inputs.items()}
        for row in range(min(BLOCK, count - start)):
            yield _content({name: values[row] for name, values in block.items()})


def _contents_by(trainer: NoisyLabelTrainer) -> Iterator[bytes]:
    kept, collate = trainer._kept(trainer.train_dataset, "Comparing")
    collate, rows = apart(collate), NumberedRows(kept)
    for start in range(0, len(rows), BLOCK):
        with untouched_generators(seed=start):  # not the same at each block: what is drawn must tell rows apart
            items = rows.__getitems__(list(range(start, min(start + BLOCK, len(rows)))))
            block = [collate([copy.deepcopy(row)]) for _, row in items]  # a collator may empty what it is given
        yield from map(_content, block)


def _content(inputs: Mapping[str, Any]) -> bytes:
    found, tensors = blake2b(digest_size=16), 0
    for name, values in inputs.items():
        if name not in ("labels", "index") and isinstance(values, Tensor):
            tensors += 1
            values = values.detach().cpu().contiguous()
            found.update(f"{name} {values.dtype} {list(values.shape)} ".encode())
            found.update(values.reshape(-1).view(torch.uint8).numpy().tobytes())
    if not tensors:
        raise ValueError("a row without inputs is equal to every other")
    return found.digest()

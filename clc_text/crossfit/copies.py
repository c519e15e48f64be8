"""Which rows of a trainer's training set are copies of an earlier one."""

from __future__ import annotations

import copy
from collections.abc import Iterator

import numpy as np

from clc_text.data.copies import BLOCK, firsts
from clc_text.data.input_copies import content_of, first_copies
from clc_text.data.rows import Rows
from clc_text.training.data import NumberedRows
from clc_text.training.order import apart
from clc_text.training.trainer import PeersTrainer
from clc_text.utils.generators import untouched_generators


def first_copies_of(trainer: PeersTrainer) -> np.ndarray:
    """`first_copies` of the training set, by what the collator makes of each row alone.

    Every row counts as the first where that cannot be had: a collator that takes no single row, or that draws what it
    makes of it.
    """
    rows = trainer.train_dataset
    if isinstance(rows, Rows):
        return first_copies(rows.inputs, len(rows))
    try:
        return firsts(_contents_by(trainer), len(rows))
    except Exception:  # whatever is wrong with a row is told in the training's words, by its number
        return np.arange(len(rows))


def _contents_by(trainer: PeersTrainer) -> Iterator[bytes]:
    kept, collate = trainer._kept(trainer.train_dataset, "Comparing")
    collate, rows = apart(collate), NumberedRows(kept)
    for start in range(0, len(rows), BLOCK):
        with untouched_generators(seed=start):  # not the same at each block: what is drawn must tell rows apart
            items = rows.__getitems__(list(range(start, min(start + BLOCK, len(rows)))))
            block = [collate([copy.deepcopy(row)]) for _, row in items]  # a collator may empty what it is given
        yield from map(content_of, block)

"""Which rows of a trainer's training set are copies of an earlier one."""

from __future__ import annotations

import numpy as np

from clc_text.data.copies import firsts
from clc_text.data.input_copies import content_of, first_copies
from clc_text.data.rows import Rows
from clc_text.training.trainer import PeersTrainer


def first_copies_of(trainer: PeersTrainer) -> np.ndarray:
    """`first_copies` of the training set, by what the collator makes of each row alone.

    Every row counts as the first where that cannot be had: a collator that takes no single row, or that draws what it
    makes of it.
    """
    rows = trainer.train_dataset
    if isinstance(rows, Rows):
        return first_copies(rows.inputs, len(rows))
    try:
        return firsts(map(content_of, trainer.each_alone(rows)), len(rows))
    except Exception:  # whatever is wrong with a row is told in the training's words, by its number
        return np.arange(len(rows))

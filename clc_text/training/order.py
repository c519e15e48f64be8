"""Whether a collator leaves the rows of a batch in their order: told by the labels that it makes of each row alone."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from transformers.trainer_utils import RemoveColumnsCollator

from clc_text.errors import InputError
from clc_text.utils.generators import untouched_generators

BATCHES, PROBES = 4, 32


class OrderWatch:
    """Compares the labels of a loader's first batches with what the collator makes of single rows.

    So it does not matter what the rows call their labels, or whether the collator makes them of something else. A
    collator that makes other labels than those of the rows, or random ones, is taken at its word; one that cannot
    collate a single row is not looked at.
    """

    def __init__(self, collate: Callable[[list[Any]], Any]) -> None:
        self.collate = collate
        # Shared with the processes of the loader, which are forked anew each epoch.
        self.left = torch.tensor(BATCHES).share_memory_()

    def copies(self, rows: Sequence[Any]) -> list[Any] | None:
        """The rows as they are before the collator, which may empty them; None when they need not be looked at."""
        if self.left.item() <= 0 or len(rows) < 2:
            return None
        self.left -= 1
        try:
            return copy.deepcopy(list(rows))
        except Exception:  # whatever a row is made of that cannot be copied
            self.left.zero_()
            return None

    def look(self, rows: Sequence[Any], labels: Tensor) -> None:
        """Refuses labels [B] or [B, C] that are those of the rows in another order.

        Raises:
            InputError: they are.
        """
        wanted = _rounded(labels)
        with untouched_generators():
            try:
                alone = apart(self.collate)
                probes = range(0, len(rows), -(-len(rows) // PROBES))
                if all(_alone(alone, rows[row]) == wanted[row] for row in probes):
                    return
                of_each = [_alone(alone, row) for row in rows]
                again = [_alone(alone, row) for row in rows]
            except Exception:  # a collator need not take a single row
                self.left.zero_()
                return
        if of_each == again and sorted(of_each) == sorted(wanted):
            raise other_order()


def other_order() -> InputError:
    return InputError(
        "the data collator puts the rows of a batch into another order; what is learnt of a row is remembered by its "
        "number, so leave them in the order that it gets them",
        key="data collator",
    )


def _alone(collate: Callable[[list[Any]], Any], row: Any) -> Any:
    batch: Mapping[str, Tensor] = collate([copy.deepcopy(row)])
    (label,) = _rounded(batch["labels"])
    return label


def _rounded(labels: Tensor) -> list[Any]:
    """Equal where only the batch's size has changed a last digit."""
    rounded: list[Any] = (labels.double().cpu() * 1e4).round().tolist()
    return rounded


# ---- a collator that is called beside the training ----


def apart(collate: Callable[[list[Any]], Any]) -> Callable[[list[Any]], Any]:
    """The collator with generators of its own, so that those of the original draw what they would have drawn."""
    twin = copy.copy(collate)
    kept = getattr(twin, "__dict__", {})
    for name, value in getattr(collate, "__dict__", {}).items():
        if isinstance(value, torch.Generator):
            kept[name] = value.clone_state()
        elif isinstance(value, (np.random.Generator, np.random.RandomState, random.Random)):
            kept[name] = copy.deepcopy(value)
        elif name == "data_collator" and isinstance(collate, RemoveColumnsCollator):
            kept[name] = apart(value)
    return twin

"""Several batches of one optimizer step: how much each of them counts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor


class StepBatches:
    """The batches of the step under way.

    `Trainer` takes the mean over them, so that a row of a last, shorter one would count for more than the others.
    """

    def __init__(self) -> None:
        self._rows: list[int] = []

    def begin(self, batches: Sequence[Any]) -> None:
        """Called with the batches of the next step, as the loader gives them."""
        sizes = [_rows_of(batch) for batch in batches]
        self._rows = [] if None in sizes else [size for size in sizes if size is not None]

    def share(self, rows: int) -> float:
        """What the mean loss of a batch of so many rows is to be multiplied by: rows over the mean of the step's."""
        total = sum(self._rows)
        return rows * len(self._rows) / total if total else 1.0


def _rows_of(batch: Any) -> int | None:
    labels = batch.get("labels") if hasattr(batch, "get") else None
    return len(labels) if isinstance(labels, Tensor) and labels.ndim else None

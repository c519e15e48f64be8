"""Tables of what is believed of rows, [N, C]: a part at a time, and moved by what else is known."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from clc_text.data.best_classes import Table

SEARCH_CELLS = 20_000_000  # of [N, C]: of larger tables every n-th row tells what is looked for
CELLS_AT_ONCE = 1 << 19  # of [N, C], where every row is worked out by itself: 4 MB, for whatever has no name
_SMALLEST = 1e-12


def blocks(values: Table, labels: np.ndarray | None = None) -> Iterator[slice]:
    """Parts of the rows of values [N, ...] that are worked out each by itself, to the bit as all at once; all rows at
    once where their labels are distributions, whose products with T round as their number has it."""
    rows = max(len(values), 1)
    at_once = max(1, CELLS_AT_ONCE * rows // max(values.size, 1))
    if labels is not None and labels.dtype.kind == "f":
        at_once = rows
    for start in range(0, len(values), at_once):
        yield slice(start, start + at_once)


def believed(probs: np.ndarray, evidence: np.ndarray) -> np.ndarray:
    """float64 [N, C], ``q ∝ p · evidence``, [N, C], or [C] of all rows alike; a row that the evidence rules out keeps
    its p."""
    joint = probs * evidence
    sums = joint.sum(-1, keepdims=True)
    return np.divide(joint, sums, out=probs.copy(), where=sums > _SMALLEST)

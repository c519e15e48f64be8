"""Tables of which class is taken for which, where there are too many classes to show one."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

import numpy as np

LISTED = 20  # confusions, or classes, where not all can be shown


def worst(matrix: np.ndarray, at_most: int = LISTED) -> list[tuple[int, int]]:
    """(row, column) of the largest entries beside the diagonal of a matrix [C, C], those above 0, largest first."""
    values = np.array(matrix, dtype=np.float64)
    np.fill_diagonal(values, 0)
    order = np.argsort(-values, axis=None, kind="stable")[:at_most]
    rows, columns = np.unravel_index(order, values.shape)
    return [
        (row, column) for row, column in zip(rows.tolist(), columns.tolist(), strict=True) if values[row, column] > 0
    ]


def as_csv(matrix: Sequence[Sequence[float]], names: Sequence[str], corner: str) -> str:
    """The whole matrix for a spreadsheet, a line a row; `names` must be harmless there already."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([corner, *names])
    for name, row in zip(names, matrix, strict=True):
        writer.writerow([name, *row])
    return text.getvalue()

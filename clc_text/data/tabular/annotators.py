"""What several people or models say of the same rows, however a caller has it, as a data frame."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from clc_text.data.tabular.values import NEAR_ONE, missing
from clc_text.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

_LISTS = (list, tuple, np.ndarray)


def frame_of_votes(votes: Any) -> pd.DataFrame:
    """[N, J], a column a source, None where one says nothing of a row; probabilities of classes as dictionaries.

    Args:
        votes: a data frame of pandas or polars, a dictionary of columns, or an array or a list of rows [N, J]; nothing
            said is None, NaN, blank text or, where all are whole numbers, -1. Or distributions over classes that are
            numbered from 0: [N, J, C], or C numbers in a cell; nothing said is then NaN or zeros.

    Raises:
        InputError: it is no table, a column has no name of its own, or what should be a distribution is none.
    """
    import pandas as pd

    table = votes.to_pandas() if hasattr(votes, "to_pandas") else votes
    if not isinstance(table, (pd.DataFrame, dict)):
        if hasattr(table, "detach"):  # a tensor
            table = table.detach().cpu().numpy()
        if not isinstance(table, np.ndarray):
            table = _of_lists(table)
        if table.ndim == 3:
            table = _in_cells(table)
        if table.ndim != 2:
            raise InputError(
                f"annotators have the shape {list(table.shape)}; give rows and columns, one a source, or beside these "
                "the classes' probabilities",
                key="annotators",
            )
        table = {f"annotator_{number + 1}": table[:, number] for number in range(table.shape[1])}
    try:
        frame = pd.DataFrame(table).reset_index(drop=True)
    except ValueError as error:
        raise InputError(f"annotators are no table: {error}", key="annotators") from None
    names = [str(name) for name in frame.columns]
    if not names or len(set(names)) < len(names):
        raise InputError("annotators need a column each, and each a name of its own", key="annotators")
    frame.columns = pd.Index(names)
    return _with_shares(frame.apply(_without_absent))


def distribution(said: dict[Any, Any], row: int, source: Any) -> dict[Any, float]:
    """The classes that a source finds possible, and how probable each.

    Raises:
        InputError: they are no probabilities.
    """
    numbers = all(isinstance(share, (int, float)) and share >= 0 for share in said.values())
    total = sum(said.values()) if numbers else 0.0
    if not np.isfinite(total) or abs(total - 1) > NEAR_ONE:
        raise InputError(
            f"what {source} says of row {row} is no distribution over classes: probabilities are at least 0 and sum "
            "to 1",
            row=row,
        )
    return {name: share / total for name, share in said.items() if share > 0}


def _in_cells(shares: np.ndarray) -> np.ndarray:
    """Distributions [N, J, C] as lists [N, J]."""
    cells = np.empty(shares.shape[:2], object)
    for cell in np.ndindex(cells.shape):
        cells[cell] = shares[cell].tolist()
    return cells


def _with_shares(frame: pd.DataFrame) -> pd.DataFrame:
    """With the cells that hold a number for each class as dictionaries."""
    cells = frame.to_numpy(dtype=object)
    at = [(row, source) for row, source in np.ndindex(*cells.shape) if isinstance(cells[row, source], _LISTS)]
    if not at:
        return frame
    filled, classes = cells.copy(), len(cells[at[0]])
    for row, source in at:
        shares = [one.item() if isinstance(one, np.generic) else one for one in cells[row, source]]
        if len(shares) != classes:
            raise InputError(
                f"what {frame.columns[source]} says of row {row} has {len(shares)} probabilities, and the first that "
                f"has any {classes}: one for each class",
                key="annotators",
                row=row,
            )
        said = {number: 0.0 if missing(share) else share for number, share in enumerate(shares)}
        nothing = all(missing(share) or share == 0 for share in shares)
        filled[row, source] = None if nothing else distribution(said, row, frame.columns[source])
    return type(frame)(filled, columns=frame.columns, dtype=object)


def _of_lists(rows: Any) -> np.ndarray:
    listed = [list(row) if not isinstance(row, (str, bytes)) and hasattr(row, "__iter__") else None for row in rows]
    if not listed or None in listed:
        place = listed.index(None) if listed else 0
        raise InputError(
            f"annotators must be rows of labels, one a source, and row {place} is none; with None where a source says "
            "nothing",
            key="annotators",
            row=place,
        )
    length = len(listed[0] or ())
    for place, row in enumerate(listed):
        if row is not None and len(row) != length:
            raise InputError(
                f"annotators must be rows of one length, with None where a source says nothing: row {place} has "
                f"{len(row)} labels, and row 0 has {length}",
                key="annotators",
                row=place,
            )
    cells = np.empty((len(listed), length), object)
    for place, row in enumerate(listed):
        cells[place] = row
    return cells


def _without_absent(column: pd.Series) -> pd.Series:
    values = [None if _absent(value) else value for value in column]
    there = [value for value in values if value is not None]
    if there and all(isinstance(value, (int, float, np.number)) and not isinstance(value, bool) for value in there):
        whole = all(float(value).is_integer() for value in there)
        if whole:  # a missing value makes floats of whole numbers
            values = [None if value is None or value == -1 else int(value) for value in values]
    return type(column)(values, dtype=object, name=column.name)


def _absent(value: Any) -> bool:
    if value is None or (isinstance(value, str) and not value.strip()):
        return True
    try:
        return bool(value != value)
    except (TypeError, ValueError):  # NA, which is neither true nor false; a list
        return type(value).__name__ == "NAType"

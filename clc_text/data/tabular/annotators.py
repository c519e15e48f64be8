"""What several people or models say of the same rows, however a caller has it, as a data frame."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from clc_text.errors import InputError

if TYPE_CHECKING:
    import pandas as pd


def frame_of_votes(votes: Any) -> pd.DataFrame:
    """[N, J], a column a source, None where one says nothing of a row.

    Args:
        votes: a data frame of pandas or polars, a dictionary of columns, or an array or a list of rows [N, J]; nothing
            said is None, NaN, blank text or, where all are whole numbers, -1.

    Raises:
        InputError: it is no table, or a column has no name of its own.
    """
    import pandas as pd

    found = votes.to_pandas() if hasattr(votes, "to_pandas") else votes
    if not isinstance(found, (pd.DataFrame, dict)):
        if hasattr(found, "detach"):  # a tensor
            found = found.detach().cpu().numpy()
        if not isinstance(found, np.ndarray):
            found = _of_lists(found)
        if found.ndim != 2:
            raise InputError(
                f"annotators have the shape {list(found.shape)}; give rows and columns, one a source", key="annotators"
            )
        found = {f"annotator_{number + 1}": found[:, number] for number in range(found.shape[1])}
    try:
        frame = pd.DataFrame(found).reset_index(drop=True)
    except ValueError as error:
        raise InputError(f"annotators are no table: {error}", key="annotators") from None
    names = [str(name) for name in frame.columns]
    if not names or len(set(names)) < len(names):
        raise InputError("annotators need a column each, and each a name of its own", key="annotators")
    frame.columns = pd.Index(names)
    return frame.apply(_without_absent)


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
    found = np.empty((len(listed), length), object)
    for place, row in enumerate(listed):
        found[place] = row
    return found


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

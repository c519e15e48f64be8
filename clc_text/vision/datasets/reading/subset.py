"""A few rows of a large dataset."""

from __future__ import annotations

import numpy as np

from clc_text.errors import InputError


def balanced(labels: np.ndarray, rows: int | None, seed: int, where: str, key: str) -> np.ndarray | None:
    """int64, the numbers of `rows` rows in the source's order, of each class as many as of any other (± 1).

    Args:
        labels: int64 [N], 0 … C-1; a class with too few rows is made up for by the others.
        rows: how many; None gives None: all rows.
        key: the option that a message names.

    Raises:
        InputError: there are fewer rows than that.
    """
    if rows is None:
        return None
    if rows > len(labels):
        raise InputError(
            f"data.{key} is {rows:,}, but {where} has {len(labels):,} rows; lower it, or leave it out",
            where=where,
            key=f"data.{key}",
        )
    shuffled = np.random.default_rng(seed).permutation(len(labels))
    order = np.argsort(labels[shuffled], kind="stable")
    members = shuffled[order]
    starts = np.searchsorted(labels[members], labels[members])
    rank = np.arange(len(members)) - starts  # the how-manieth row of its class
    return np.sort(members[np.argsort(rank, kind="stable")[:rows]])

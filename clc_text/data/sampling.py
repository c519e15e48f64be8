"""Some of many rows, where all of them would tell no more."""

from __future__ import annotations


def every_nth(rows: int, most: int) -> slice:
    """Every n-th of so many rows, at most `most` of them."""
    return slice(0, rows, max(1, -(-rows // most)))

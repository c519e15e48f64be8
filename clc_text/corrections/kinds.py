"""What is wrong with each row, in a word or several: its label, its text, or that it is like no other."""

from __future__ import annotations

import numpy as np

from clc_text.artifacts.run_files import Flaws

LIKELY = 0.5  # doubt above which another class is more probable than the given one
LABEL, OUTLIER, GARBLED, COPY = "label", "outlier", "garbled", "copy"


def kinds(
    doubt: np.ndarray, outliers: np.ndarray, garbled: np.ndarray, copies: np.ndarray | None = None
) -> np.ndarray:
    """[N], such as "label, outlier"; "" of a row with which nothing seems wrong.

    Args:
        doubt: float [N], of the given labels.
        outliers, garbled, copies: int, the numbers of such rows.
    """
    found = np.full(len(doubt), "", dtype=object)
    likely = np.flatnonzero(doubt > LIKELY)
    torn = np.zeros(0, np.int64) if copies is None else copies
    for name, rows in ((LABEL, likely), (OUTLIER, outliers), (GARBLED, garbled), (COPY, torn)):
        here = np.zeros(len(doubt), bool)
        here[rows] = True
        found = np.where(here, np.where(found == "", name, found + f", {name}"), found)
    return found


def outlier_rows(flaws: Flaws) -> list[int]:
    """The numbers of texts like no other, the oddest first; none where they have not been looked for."""
    return [] if flaws["outliers"] is None else flaws["outliers"]["rows"]


def garbled_rows(flaws: Flaws) -> list[int]:
    """The numbers of texts that are garbled in any way, in their order."""
    return sorted(set().union(*flaws["garbled"].values()))


def copied_rows(flaws: Flaws) -> list[int]:
    """The numbers of near copies with several labels, a group together; none where they have not been looked for."""
    return flaws["copies"]["conflicting"] if "copies" in flaws else []

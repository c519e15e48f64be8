"""What is wrong with each row, in a word or several: its label, its text, or that it is like no other."""

from __future__ import annotations

import numpy as np

from clc_text.artifacts.run_files import Flaws

LIKELY = 0.5  # doubt above which another class is more probable than the given one
LABEL, OUTLIER, GARBLED = "label", "outlier", "garbled"


def kinds(doubt: np.ndarray, outliers: np.ndarray, garbled: np.ndarray) -> np.ndarray:
    """[N], such as "label, outlier"; "" of a row with which nothing seems wrong.

    Args:
        doubt: float [N], of the given labels.
        outliers, garbled: int, the numbers of such rows.
    """
    found = np.full(len(doubt), "", dtype=object)
    likely = np.flatnonzero(doubt > LIKELY)
    for name, rows in ((LABEL, likely), (OUTLIER, outliers), (GARBLED, garbled)):
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

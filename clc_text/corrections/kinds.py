"""What is wrong with each row, in a word or several: its label, its text, or that it is like no other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from clc_text.artifacts.run_files import Flaws

LIKELY = 0.5  # doubt above which another class is more probable than the given one
LABEL, OUTLIER, GARBLED, COPY, EMPTY, SCRIPT = "label", "outlier", "garbled", "copy", "empty", "script"


def kinds(doubt: np.ndarray, flawed: Mapping[str, np.ndarray | Sequence[int]]) -> np.ndarray:
    """[N], such as "label, outlier"; "" of a row with which nothing seems wrong.

    Args:
        doubt: float [N], of the given labels.
        flawed: the numbers of rows whose text is flawed, by kind (`flawed_rows`).
    """
    words = np.full(len(doubt), "", dtype=object)
    for name, rows in {LABEL: np.flatnonzero(doubt > LIKELY), **flawed}.items():
        here = np.zeros(len(doubt), bool)
        here[np.asarray(rows, np.int64)] = True
        words = np.where(here, np.where(words == "", name, words + f", {name}"), words)
    return words


def flawed_rows(flaws: Flaws) -> dict[str, list[int]]:
    """The numbers of flawed texts by kind: those like no other from the oddest on, near copies with several labels a
    group together, the others in their order. Kinds that nobody has looked for are missing."""
    found = {} if flaws["outliers"] is None else {OUTLIER: flaws["outliers"]["rows"]}
    found[GARBLED] = sorted(set().union(*flaws["garbled"].values()))
    if "copies" in flaws:
        found[COPY] = flaws["copies"]["conflicting"]
    if "empty" in flaws:
        found[EMPTY] = flaws["empty"]
    if "other_script" in flaws:
        found[SCRIPT] = flaws["other_script"]
    return found

"""Rows with the same text, or nearly so, of which one look serves all."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

import numpy as np

from clc_text.data.checks.near_copies import first_near_copies


def first_alike(texts: Sequence[str], closely: np.ndarray, parts: int = 1) -> np.ndarray:
    """int64 [N], the number of one row of the group of copies that a row is in: its own without any.

    Texts that differ in case, blanks or the form of a character only (NFKC) are copies of each other; blank ones are
    copies of nothing.

    Args:
        texts: [N].
        closely: row numbers [n] among which near copies are looked for, too (see `first_near_copies`).
        parts: rows whose numbers leave other remainders are no copies: several questions about each text in turn.
    """
    seen: dict[str, int] = {}
    first = np.arange(len(texts))
    for row, text in enumerate(texts):
        if not is_blank(text):
            first[row] = seen.setdefault(_reduced(text), row)
    groups = np.unique(first[closely])
    joined = np.arange(len(texts))
    for one in range(parts):
        part = groups[groups % parts == one]
        joined[part] = part[first_near_copies([texts[row] for row in part.tolist()])]
    firsts: np.ndarray = joined[first]
    return firsts


def is_blank(text: str) -> bool:
    """Whether nothing of a text is to be seen: blanks, controls and marks without width do not count."""
    return not any(unicodedata.category(character)[0] not in "ZC" for character in text)


def _reduced(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())

"""The rows that a row lies nearest to, for people who ask why it is thought to be what it is thought to be."""

from __future__ import annotations

from typing import Any

import numpy as np

from clc_text.evidence.views.base import unit_rows

BLOCK = 256  # rows whose likeness to all others is in memory at once


def nearest_rows(vectors: Any, rows: np.ndarray, count: int = 3, parts: int = 1) -> list[list[tuple[int, float]]]:
    """Of each row the others whose vectors have the greatest cosine to its own, and that cosine, the nearest first;
    fewer where others have nothing in common with it.

    Args:
        vectors: [N, D], dense or sparse.
        rows: int64 [n], which ones.
        parts: others are those whose numbers leave the same remainder: of several questions about each text, the same.
    """
    unit = unit_rows(vectors)
    count, question = min(count, unit.shape[0] // parts - 1), np.arange(unit.shape[0]) % parts
    found: list[list[tuple[int, float]]] = []
    for start in range(0, len(rows), BLOCK):
        part = rows[start : start + BLOCK]
        near = unit[part] @ unit.T
        near = near.toarray() if hasattr(near, "toarray") else near
        near[np.arange(len(part)), part] = -np.inf
        if parts > 1:
            near[question != question[part][:, None]] = -np.inf
        best = np.argsort(-near, axis=1, kind="stable")[:, :count] if count else np.empty((len(part), 0), np.int64)
        for place, chosen in enumerate(best.tolist()):
            found.append([(row, float(near[place, row])) for row in chosen if near[place, row] > 0])
    return found

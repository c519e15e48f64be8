"""The share of right labels by answers, with its interval.

Rows that a draw has chosen are known and stand for themselves; those drawn at random stand for the rest of the rows
that were open then. So each draw alone says what share of all labels is right (Horvitz and Thompson, JASA 1952, with
the weights scaled to the rows that there are: Hájek 1971); several draws are averaged by how many random answers each
has. The interval is Wilson's of the random part, scaled to the rows that it stands for: where rows were drawn in equal
steps it is, if anything, too wide.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from clc_text.artifacts.audit import ShareByAnswers
from clc_text.corrections.asking.asked import Asked
from clc_text.corrections.intervals import wilson


def share_right(
    right: np.ndarray, answered: np.ndarray, asked: Mapping[int, Asked], among: np.ndarray
) -> ShareByAnswers | None:
    """The share of right labels among some rows; None without a random answer there.

    Args:
        right: bool [n], whether the label in question is the person's.
        answered: int64 [n], their rows.
        asked: how rows were chosen; one that is missing was chosen nobody knows how.
        among: bool [N], the rows that the share is of.

    Returns:
        ``value``, ``low``, ``high`` (95 %), ``random`` (random answers) and ``answers`` (all).
    """
    inside = among[answered]
    right, answered = right[inside], answered[inside]
    total = int(among.sum())
    of = [asked.get(row, Asked()) for row in answered.tolist()]
    order = np.array([one.answered for one in of], np.int64)
    drawn = np.array([one.asked is not None for one in of], bool)
    draw = np.array([one.asked or 0 for one in of], np.int64)
    random = np.array([one.random for one in of], bool)
    parts = []
    for step in np.unique(draw[random]).tolist():
        of_draw = drawn & (draw == step) & random
        # Known, and no part of what the random ones were drawn from: answered before, or chosen at the same time.
        known = ~of_draw & ((order <= step) | (drawn & (draw == step)))
        parts.append(_of_draw(right[of_draw], int(right[known].sum()), int(known.sum()), total))
    if not parts:
        return None
    counts = np.array([part[3] for part in parts], np.float64)
    weights = counts / counts.sum()
    value = float(sum(weight * part[0] for weight, part in zip(weights, parts, strict=True)))
    low, high = (
        float(np.sqrt(sum((weight * (part[end] - part[0])) ** 2 for weight, part in zip(weights, parts, strict=True))))
        for end in (1, 2)
    )
    return {
        "value": value,
        "low": max(0.0, value - low),
        "high": min(1.0, value + high),
        "random": int(counts.sum()),
        "answers": len(answered),
    }


def _of_draw(right: np.ndarray, known_right: int, known: int, total: int) -> tuple[float, float, float, int]:
    """Value, low, high of the share of `total` rows by one draw, and the number of its random answers."""
    count, rest = len(right), max(total - known, len(right))
    low, high = wilson(int(right.sum()), count)
    share = float(right.mean())
    # Without replacement from few rows: the interval closes as all of them are answered (finite population).
    closer = np.sqrt(max(0.0, (rest - count) / max(rest - 1, 1)))
    low, high = share - closer * (share - low), share + closer * (high - share)
    of = known + rest
    return (known_right + rest * share) / of, (known_right + rest * low) / of, (known_right + rest * high) / of, count

"""Wrong votes that are planted on trial: how many of them would be seen, and how many classes would stand.

A vote of one source, in a few rows, is swapped for another class, and all votes are joined once more. What the run
learns has none of them in it. The classifier had learnt from the rows as they were; of its own row it has seen none.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from clc_text.data.votes import Votes
from clc_text.noise.votes.one_class import one_class_sources

SURE = 0.5


@dataclass(frozen=True)
class Trial:
    """Of the votes that were planted.

    Attributes:
        planted: how many, one a row.
        doubted: more probably wrong than right. As many are wrong as were right before, a little fewer than all.
        stood: the row's likeliest class is the one that it was.
    """

    planted: int
    doubted: int
    stood: int


def planted_votes(
    votes: Votes, belief: np.ndarray, join: Callable[[Votes], np.ndarray], share: float, seed: int
) -> Trial | None:
    """Plants one wrong vote in a share of the rows.

    Args:
        belief: [N, C], by the votes as they are.
        join: gives the belief [N, C] by other votes.

    Returns:
        None where no source could have said another class: where all are rules of one.
    """
    random = np.random.Generator(np.random.PCG64(seed))
    named = (votes.weight == 1) & ~one_class_sources(votes)[votes.source]
    entries = np.flatnonzero(named)
    rows = np.unique(votes.row[entries])
    count = round(share * votes.rows)
    if not len(rows) or not count or votes.classes < 2:
        return None
    chosen = np.sort(random.choice(rows, min(count, len(rows)), replace=False))
    order = entries[np.lexsort((random.random(len(entries)), votes.row[entries]))]
    picked = order[np.searchsorted(votes.row[order], chosen)]
    label = votes.label.copy()
    label[picked] = (label[picked] + random.integers(1, votes.classes, len(picked))) % votes.classes
    after = join(replace(votes, label=label))[chosen]
    return Trial(
        len(chosen),
        int((after[np.arange(len(chosen)), label[picked]] < SURE).sum()),
        int((after.argmax(1) == belief[chosen].argmax(1)).sum()),
    )

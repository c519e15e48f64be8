"""Which rows of a corrected dataset to ask about for a purpose (see `clc_text.corrections.asking.draw`)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from clc_text.corrections.asking.draw import Drawn, Purpose, draw
from clc_text.corrections.copies import first_alike, is_blank
from clc_text.corrections.state import PERSON, State
from clc_text.corrections.store import Corrected

LOOKED_AT = 10_000  # of the rows that are worth most, at least so many are looked through for near copies


def rows_to_ask(
    corrected: Corrected,
    state: State,
    purpose: Purpose,
    k: int,
    texts: Sequence[str] | None = None,
    features: np.ndarray | None = None,
) -> tuple[Drawn, np.ndarray]:
    """At most k rows that nobody has answered, and how many copies each of them has, int64 [n].

    Rows without a text are drawn at random as others are, and never chosen. The same state gives the same rows.

    Args:
        texts: [N], of the rows; None: they are no texts.
        features: float32 [N, D]; None: rows are not told apart by them.
    """
    persons = state.source == PERSON
    open_rows = np.flatnonzero(~persons)
    copies = np.zeros(len(state), np.int64)
    worth = _unsure(state)
    candidates = open_rows
    if texts is not None:
        full = np.array([not is_blank(text) for text in texts], bool)
        order = open_rows[np.argsort(-worth[open_rows], kind="stable")]
        first = first_alike(list(texts), order[: max(20 * k, LOOKED_AT)], corrected.run.questions)
        copies = np.bincount(first, minlength=len(state))[first] - 1
        # Of a group of copies the one that is worth most; none of a group that has an answer.
        answered = np.zeros(len(state), bool)
        answered[first[persons]] = True
        order = order[full[order] & ~answered[first[order]]]
        _, places = np.unique(first[order], return_index=True)
        candidates = order[np.sort(places)]
    drawn = draw(
        purpose,
        k,
        open_rows,
        np.stack([state.given.astype(np.float64), state.doubt.astype(np.float64)], 1),
        worth * (1 + copies),
        f"{corrected.facts['run_id']} {corrected.facts['step']}",
        candidates,
        features,
        np.flatnonzero(persons),
    )
    return drawn, copies[drawn.row]


def _unsure(state: State) -> np.ndarray:
    """float64 [N], the probability that the present label is wrong: how likely an answer changes it."""
    sure = np.where(state.changed, state.confidence, state.probability_given)
    doubt: np.ndarray = (1 - sure.astype(np.float64)).clip(0, 1)
    return doubt

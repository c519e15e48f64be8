"""Views of a row, one file each: those of its features, and those of its words.

An encoder reads meaning, and often the beginning of a text only; words are read to the end, and mean what the labels
make of them. Neither kind is right everywhere, so both count alike (`weights`). The logistic regression of features is
heard where there are no words: beside them it adds nothing (measured: `recipes/results/find_wrong_rows.md`).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from clc_text.evidence.views.base import Seen, View
from clc_text.evidence.views.bayes import bayes
from clc_text.evidence.views.discriminant import discriminant
from clc_text.evidence.views.linear import linear
from clc_text.evidence.views.linear_words import linear_words
from clc_text.evidence.views.neighbours import neighbours

OF_FEATURES: dict[str, View] = {"linear": linear, "discriminant": discriminant, "neighbours": neighbours}
OF_WORDS: dict[str, View] = {"words": bayes, "linear_words": linear_words}
VIEWS = OF_FEATURES | OF_WORDS
TOLD = ("discriminant",)  # views that learn through the noise; the others learn given labels as they are
WITHOUT_WORDS = ("linear",)  # views that are heard only where there are no words


def views_for(seen: Seen) -> dict[str, View]:
    """Those that can judge what is seen."""
    of_features = {} if seen.features is None else OF_FEATURES
    if seen.words is None:
        return of_features
    return {name: view for name, view in (of_features | OF_WORDS).items() if name not in WITHOUT_WORDS}


def weights(names: Sequence[str]) -> np.ndarray:
    """float64 [V], how much each view counts in the pool: the kinds alike, and of a kind all views alike; sum 1."""
    of_words = np.array([name in OF_WORDS for name in names], bool)
    learnt = np.empty(len(names))
    kinds = [kind for kind in (of_words, ~of_words) if kind.any()]
    for kind in kinds:
        learnt[kind] = 1 / (len(kinds) * kind.sum())
    return learnt

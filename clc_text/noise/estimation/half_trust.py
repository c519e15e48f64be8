"""How far a given label is trusted where nobody knows whether its noise depends on the class alone.

By T, a label counts as class-wide noise leaves it: q(c) ∝ p(c) · T[c, y]. That is right where noise depends on the
class alone. Where labels are wrong because texts are hard or alike, models learn the errors too, T is far too near to
the identity, and q repeats the given labels; then p alone is nearer to the truth. The truth lies between, so a label
counts for half of what T says: h(c) ∝ p(c) · T[c, y]^½. Measured for ranking in `recipes/results/find_wrong_rows.md`,
for training in `recipes/results/real_noise.md`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from clc_text.data.beliefs import believed, blocks
from clc_text.data.best_classes import DENSE_CLASSES, BestClasses, empty_as
from clc_text.noise.estimation.noise_fit import columns_of

# Of every class, so many labels can be wrong, to any other class alike: a T that rules out what it has not seen would
# take even a label for right that every view contradicts. More of it ranks worse (measured: 0.01, 0.02).
EVER_WRONG = 0.002
ROOM = 0.01  # of the labels of a class, by noise that is known; less is none (`EVER_WRONG` may always be wrong)


def never_certain(transition: np.ndarray) -> np.ndarray:
    """T [..., C, C] with `EVER_WRONG` of every class spread over the others."""
    classes = transition.shape[-1]
    if classes > DENSE_CLASSES:
        matrix = (1 - EVER_WRONG) * transition
        matrix += EVER_WRONG / (classes - 1)
        np.fill_diagonal(matrix, (1 - EVER_WRONG) * np.diagonal(transition))
        return matrix
    elsewhere = (1 - np.eye(classes)) / max(classes - 1, 1)
    return np.asarray((1 - EVER_WRONG) * transition + EVER_WRONG * elsewhere)


def half_trusted(probs: Any, labels: np.ndarray, transition: np.ndarray, room: float = 0.0) -> Any:
    """float64 [N, C], h, from probabilities [N, C], given labels int64 [N], or distributions float [N, C], and T
    [C, C] (`never_certain`); of several problems [N, K, 2], [N, K] and [K, 2, 2].

    Args:
        room: what is rarer by T than this is taken at its word. Where T is known beforehand, a class that is left out
            and never given wrongly stays where it is given: half trust would ask for it too often (20 % left out,
            joined TREC questions and posts, four sets: average precision 1 to 3 points higher).
    """
    belief = empty_as(probs) if isinstance(probs, BestClasses) else np.empty(probs.shape, probs.dtype)
    for part in blocks(probs, labels):
        evidence = columns_of(transition, labels[part])
        belief[part] = believed(probs[part], np.where(evidence < room, evidence, np.sqrt(evidence)))
    return belief

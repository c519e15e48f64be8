"""What all views together say of rows whose labels may be wrong, from which follows what networks are taught.

Cross-fitted networks learn through the noise, other views learn the given labels as they are: what they say is
P(given class), and where noise moves a whole class to another they say the wrong one. So that is taken back through
the networks' noise matrix T, or that of each row where noise follows the rows (`CrossFit.of_rows`), by a few steps of
expectation-maximisation from what the networks believe, as Richardson and Lucy do. Then all are pooled as in
`mixture`. Cross-fitting fits noise and the classes' shares to the pool (`noise.estimation.targets`), without which
rare classes are lost (opinions on cars, three classes of 9 to 68 %: 65 % of the validation rows right with, 57 %
without, 64 % taught by networks alone).

Measured on rows that no result is told of (TREC, seeds 10 and 11): right first classes of the networks' posterior, of
all views' belief, and of all views' taken back: symmetric noise 0.5 72.7, 76.7, 76.3 %; pairwise 0.45 85.2, 74.0,
85.2; instance-dependent 0.4 73.2, 78.0, 81.2 (GloVe) and 80.0, 82.5, 84.5 (MiniLM).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from clc_text.artifacts.cross_fit import CrossFit
from clc_text.data.labels import Labels
from clc_text.evidence.evidence import NETWORKS, mixture_of, too_large
from clc_text.evidence.heard import KeptViews
from clc_text.evidence.mixture import clipped, pooled
from clc_text.evidence.several_classes import beliefs_of_each, mixtures_of_each
from clc_text.evidence.views import TOLD, weights

# More steps sharpen what noise has hidden, and what is chance with it. Of 1, 3 and 10 (1, 2, 4 and 10 from the
# classes' shares), 3 explain the given labels best on five of eight sets, and nearly so on the others.
STEPS = 3
_SMALLEST = 1e-12
# Rows times classes that are taken back at once: a product with T rounds as the number of its rows has it, and tables
# up to this size (100,000 rows of 100 classes) are worked out in one.
_CELLS_AT_ONCE = 10_000_000


def taken_back(probs: np.ndarray, transition: np.ndarray, start: np.ndarray, steps: int = STEPS) -> np.ndarray:
    """float64 [N, C], P(true class) from P(given class).

    Each step multiplies what is believed of class c by Σ_y T[c, y] · P(y) / Σ_k q(k) T[k, y], which never lowers
    Σ_y P(y) log Σ_c q(c) T[c, y]; with P put on one class it is the posterior of that given label.

    Args:
        probs: [N, C], P(given class).
        transition: float64 [C, C], T; row = true class, column = given class; or [N, C, C], of each row.
        start: [N, C], P(true class) to begin with.
        steps: how many.
    """
    belief = np.asarray(start, np.float64)
    for _ in range(steps):
        if transition.ndim == 2:
            belief = belief * ((probs / np.maximum(belief @ transition, _SMALLEST)) @ transition.T)
        else:
            given = (belief[:, None] @ transition)[:, 0]
            belief = belief * (transition @ (probs / np.maximum(given, _SMALLEST))[..., None])[..., 0]
    sums = belief.sum(1, keepdims=True)
    return np.divide(belief, sums, out=np.array(start, np.float64), where=sums > _SMALLEST)


def pool_of_views(
    features: np.ndarray | None,
    words: Any | None,
    labels: Labels,
    networks: CrossFit,
    seed: int,
    kept: KeptViews | None = None,
) -> np.ndarray | None:
    """float64 [N, C], log-probabilities of the true class by all views of a row together; [N, K, 2] of K classes of
    which several may hold, whose noise was known before.

    None where cross-fitting has learnt nothing, so that there is no noise matrix to go by, or no view has.

    Args:
        features: float32 [N, D], which no label has shaped; None: there are none.
        words: sparse float32 [N, M], TF-IDF of the terms of each text; None where rows are no texts.
        labels: of the rows; those that training sees count.
        networks: what cross-fitting found in them.
        seed: of the folds.
        kept: see `mixture_of`.

    Raises:
        InputError: a feature is not finite, or there are too many rows and classes.
    """
    rows, classes = networks.probs.shape
    if networks.learnt_nothing:
        return None
    too_large(rows, classes)
    if networks.knows_noise and networks.each is not None:  # views are of the true class already
        holds = networks.probs.reshape(*labels.learnt.shape, 2)[..., 1]
        made = mixtures_of_each(features, words, holds, labels.learnt, networks.each, seed, told=labels.told)
        return None if made is None else np.log(beliefs_of_each(made))
    mixture = mixture_of(features, Labels.of(labels.learnt), classes, seed, networks.probs, words, kept=kept)
    if mixture is None:
        return None
    views = mixture.log_probs
    at_once = max(1, _CELLS_AT_ONCE // classes)
    for place, name in enumerate(mixture.views):
        if name == NETWORKS or name in TOLD:
            continue
        for start in range(0, rows, at_once):
            part = slice(start, start + at_once)
            seen, begun = np.exp(views[place, part]), networks.probs[part]
            noise = networks.transition if networks.of_rows is None else networks.of_rows[part]
            views[place, part] = clipped(taken_back(seen, noise, begun))
    return pooled(views, weights(mixture.views))

"""What views say together of classes several of which may hold of a row, each class with noise that is known before.

Each view is asked of each class as if it were alone. What it foretells of the given labels is read along the curve
that explains the class's labels best through the noise (`plateau.believed`), so that a view that tells nothing of a
class says its share, and none is too sure of itself. Then the views' log-odds s are added,

    P(holds) = σ(Σ_v u_v s_v + b),

with weights u ≥ 0 that all classes share and a b of each class's own: those under which the given labels are likeliest
through the noise, so that no true label is needed, and the same rule serves classes that are left out and such as are
given wrongly. Views are not left out for learning too little of a class (`mixture.chosen_views`): where a fifth of all
labels is flipped nothing may learn a rare class, and yet whoever was given it is probably wrong.

Measured (`recipes/results/multi_label.md`): the regression of features, which `views` leaves out beside words, has the
largest weight; Gaussians had one of at most 0.3 and told nothing that the others lacked, so they are not asked. Naive
Bayes has next to none, but for texts that have no features.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from clc_text.data.folds import deal_rounds
from clc_text.data.nearest import nearest
from clc_text.data.sampling import every_nth
from clc_text.data.tabular.values import all_finite
from clc_text.evidence.evidence import FOLDS, NETWORKS, Mixture, Progress, first_of_copies
from clc_text.evidence.mixture import clipped, pool_probs
from clc_text.evidence.views.base import FIT_ROWS, Seen, View
from clc_text.evidence.views.bayes import bayes
from clc_text.evidence.views.linear import linear
from clc_text.evidence.views.linear_words import linear_words
from clc_text.evidence.views.neighbours import neighbours
from clc_text.noise.estimation.half_trust import never_certain
from clc_text.noise.estimation.near_noise import NearNoise
from clc_text.noise.estimation.plateau import believed

OF_FEATURES: dict[str, View] = {"linear": linear, "neighbours": neighbours}
OF_WORDS: dict[str, View] = {"words": bayes, "linear_words": linear_words}
OF_EACH = OF_FEATURES | OF_WORDS
EVEN = 1.0  # how far the weights are drawn towards even ones: as so many rows of log-odds near 1 would
_TINY = 1e-9


def mixtures_of_each(
    features: np.ndarray | None,
    words: Any | None,
    networks: np.ndarray | None,
    labels: np.ndarray,
    each: np.ndarray,
    seed: int,
    progress: Progress = lambda what, done, total: None,
    told: np.ndarray | None = None,
) -> list[Mixture] | None:
    """Of each of K classes all views, and how they are added; None where nothing tells one row from another.

    Args:
        features: float32 [N, D], which no label has shaped; None: there are none.
        words: sparse float32 [N, M], TF-IDF of the terms of each text; None where rows are no texts.
        networks: float64 [N, K], P(holds) by networks that saw no label of the row; None: there are none.
        labels: int64 [N, K] of 0 and 1, those that views learn, and that the curves and weights are fitted to.
        each: float64 [K, 2, 2], T of each class, of these labels.
        seed: of the folds.
        progress: told of each view.
        told: int64 [N, K], what people have answered, -1 where they have not: views learn it in the place of what was
            given. Curves and weights do not: it was asked where labels are doubtful, and is none of their noise.

    Raises:
        InputError: a feature is not finite.
    """
    if features is not None:
        all_finite(features)
    rows, asked = labels.shape
    first = first_of_copies(features, words, rows)
    views: dict[str, Callable[[int], np.ndarray]] = {}
    if networks is not None:
        views[NETWORKS] = partial(_of_class, np.stack([1 - networks, networks], 2))
    if (first > 0).any():  # rows that are all alike have nothing to tell
        near = None if features is None else nearest(features, first, seed, FIT_ROWS)
        seen = [
            Seen(features, held, 2, first, deal_rounds(held, FOLDS, seed, 2, first), seed, words, near)
            for held in (labels if told is None else np.where(told >= 0, told, labels)).T
        ]
        known = (OF_FEATURES if features is not None else {}) | (OF_WORDS if words is not None else {})
        views |= {name: partial(_asked, view, seen) for name, view in known.items()}
    if not views:
        return None
    log_probs = np.empty((len(views), rows, asked, 2), np.float32)
    for place, (name, said) in enumerate(views.items()):
        progress(f"judging by a view: {name}", place, len(views))
        for one in range(asked):
            log_probs[place, :, one] = clipped(believed(clipped(said(one)), labels[:, one], each[one]))
    progress("judging by views", len(views), len(views))
    some = every_nth(rows, FIT_ROWS)
    odds = (log_probs[:, some, :, 1] - log_probs[:, some, :, 0]).astype(np.float64)
    weights, biases = weighed(odds, labels[some], each)
    return [
        Mixture(
            tuple(views), (), log_probs[:, :, one], NearNoise(float(weights.sum()), never_certain(each[one])),
            weights / weights.sum(), np.array([0.0, biases[one]]),
        )
        for one in range(asked)
    ]  # fmt: skip


def _of_class(probs: np.ndarray, one: int) -> np.ndarray:
    return np.asarray(probs[:, one])


def _asked(view: View, seen: list[Seen], one: int) -> np.ndarray:
    return view(seen[one])


def weighed(odds: np.ndarray, labels: np.ndarray, each: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """u [V] and b [K], see the module; the weights are drawn towards even ones of sum 1.

    Args:
        odds: float64 [V, N, K], the views' log-odds.
        labels: [N, K] of 0 and 1.
        each: float64 [K, 2, 2], T of each class, of these labels.
    """
    from scipy.optimize import minimize
    from scipy.special import expit

    views, even = len(odds), 1 / len(odds)
    wrong = each[:, 0, 1]
    room = np.maximum(1 - wrong - each[:, 1, 0], _TINY)

    def loss(flat: np.ndarray) -> tuple[float, np.ndarray]:
        apart, bias = flat[:views] - even, flat[views:]
        holds = expit(np.tensordot(flat[:views], odds, 1) + bias)
        given = (wrong + room * holds).clip(_TINY, 1 - _TINY)
        value = -(labels * np.log(given) + (1 - labels) * np.log(1 - given)).sum()
        slope = (given - labels) / (given * (1 - given)) * room * holds * (1 - holds)
        value += EVEN / 2 * ((apart**2).sum() + _TINY * (bias**2).sum())
        slopes = [np.tensordot(odds, slope, 2) + EVEN * apart, slope.sum(0) + EVEN * _TINY * bias]
        return float(value), np.concatenate(slopes)

    asked = labels.shape[1]
    start = np.concatenate([np.full(views, even), np.zeros(asked)])
    bounds = [(0.0, None)] * views + [(None, None)] * asked
    solution: Any = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds)
    weights, biases = solution.x[:views], solution.x[views:]
    return (weights if weights.sum() > _TINY else np.full(views, even)), biases


def beliefs_of_each(made: list[Mixture]) -> np.ndarray:
    """float64 [N, K, 2], that each class does not hold and that it does, whatever was given."""
    beliefs = []
    for one in made:
        assert one.weights is not None and one.bias is not None
        beliefs.append(pool_probs(one.log_probs, one.weights, one.noise.sharpness, one.bias))
    return np.stack(beliefs, 1)

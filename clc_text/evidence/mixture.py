"""What several views of a row say together of its given label.

The views' probabilities are pooled as their weighted geometric mean (`views.weights`), sharpened by whatever power
explains the given labels best (`crossfit.noise_fit.fit_noise`), which also gives the noise matrix T of
expectation-maximisation. Two readings follow:

* by T: q(c) ∝ p(c) · T[c, y]. The given label counts for as much as class-wide noise leaves it. Right where noise
  depends on the class alone; where labels are wrong because texts are hard, T is far too near to the identity.
* by the text alone: p(c) against p(y), as if the given label told nothing.

The truth lies between, so the given label counts for half of what T says, h(c) ∝ p(c) · T[c, y]^½, and a label is
doubted by how far the best other class is ahead of it there: (1 + max h − h(y)) / 2. Where a text fits several classes
a little, that is near one half; 1 − h(y) would be near one, and put rows first of which nobody knows the class.
Measured beside either reading alone, weights by likelihood, and means of ranks: `recipes/results/find_wrong_rows.md`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from clc_text.data.labels import classes_of
from clc_text.noise.estimation.gain import ERRORS, gain_over_shares, is_nothing
from clc_text.noise.estimation.half_trust import half_trusted, never_certain
from clc_text.noise.estimation.noise_fit import NoiseFit, fit_noise, posterior_labels, softmax

LEAST = 1e-4  # probability: no view is surer than that of a class being impossible
# A view that gains less than this share of what the best one gains over the labels' shares is left out.
WORTH = 0.4
SURE = 3.0
FIT_ROWS = 50_000  # T and the sharpness are fitted to every n-th row of larger datasets


@dataclass(frozen=True)
class Judged:
    """What the mixture says of n rows.

    Attributes:
        probs: float64 [n, C], p.
        belief: float64 [n, C], q.
        wrong: float64 [n], how far the given label is doubted, 0 … 1; above one half another class is more probable.
        suggested: int64 [n], that class.
        agree: bool [n], whether every view's first class is the suggested one.
    """

    probs: np.ndarray
    belief: np.ndarray
    wrong: np.ndarray
    suggested: np.ndarray
    agree: np.ndarray


def clipped(probs: np.ndarray) -> np.ndarray:
    """float32, log-probabilities [..., C] of which none is below log `LEAST`."""
    bounded = probs.clip(LEAST)
    found: np.ndarray = np.log(bounded / bounded.sum(-1, keepdims=True)).astype(np.float32)
    return found


def chosen_views(views: dict[str, np.ndarray], labels: np.ndarray, fold: np.ndarray, first: np.ndarray) -> list[str]:
    """The views that have learnt enough to be heard, in their order: by the likelihood of held-out given labels.

    Args:
        views: probabilities [N, C] by the view's name.
        labels: int64 [N], given, or float [N, C] distributions.
        fold: int64 [N], any parts of the rows, copies together.
        first: int64 [N], the first copy of each row.

    Returns:
        Their names; none where not even the best can be told from the labels' shares. `SURE` standard errors are
        asked for, since several views have several chances.
    """
    rows = np.arange(0, len(labels), -(-len(labels) // FIT_ROWS))
    gains = {
        name: gain_over_shares(probs[rows], labels[rows], fold[rows], first[rows]) for name, probs in views.items()
    }
    best = max(gain for gain, _ in gains.values())
    least = WORTH * best
    found = [(name, gain, SURE / ERRORS * error) for name, (gain, error) in gains.items()]
    return [name for name, gain, error in found if gain >= least and not is_nothing(gain, error)]


def pooled(log_probs: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """float64 [n, C], the weighted mean of views' log-probabilities [V, n, C]; weights [V], of sum 1."""
    found = np.zeros(log_probs.shape[1:])
    for weight, one in zip(weights, log_probs, strict=True):
        found += weight * one
    return found


def fit(log_probs: np.ndarray, weights: np.ndarray, labels: np.ndarray) -> NoiseFit:
    """Sharpness and T of the pool of views' log-probabilities [V, N, C], from every n-th row of many.

    The `probs` of what is given out are those of the rows that were used.
    """
    rows = np.arange(0, len(labels), -(-len(labels) // FIT_ROWS))
    found = fit_noise(pooled(log_probs[:, rows], weights), labels[rows])
    return replace(found, transition=never_certain(found.transition))


def judge(
    log_probs: np.ndarray, weights: np.ndarray, given: np.ndarray, sharpness: float, transition: np.ndarray
) -> Judged:
    """See the module.

    Args:
        log_probs: [V, n, C], of the views (`clipped`).
        weights: [V], of the views (`views.weights`).
        given: int64 [n], or float [n, C] distributions.
        sharpness: power of the pool.
        transition: float64 [C, C], T.
    """
    probs = softmax(sharpness * pooled(log_probs, weights))
    belief = posterior_labels(probs, given, transition)
    half = half_trusted(probs, given, transition)
    each, named = np.arange(len(given)), classes_of(given)
    of_given = half[each, named]
    rivals = half.copy()
    rivals[each, named] = -1.0
    suggested = rivals.argmax(1)
    wrong = (1 + rivals[each, suggested] - of_given) / 2
    return Judged(probs, belief, wrong, suggested, (log_probs.argmax(2) == suggested).all(0))

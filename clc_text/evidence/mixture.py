"""What several views of a row say together of its given label.

The views' probabilities are pooled as their weighted geometric mean (`views.weights`), and the labels themselves are
asked how much of their noise is near a decision, and how much depends on the class alone (`noise.estimation.
near_noise`), with the power that sharpens the pool. The doubt is 1 − q(y), the probability that the given label is
wrong. Where predictions alone explain held-out labels better than any noise, nothing is known of how labels came to be
wrong, and what was fitted as noise are hard texts; the doubt is then as high in the mean, in the order of p(y).
Measured on tables of which most were made wrong and some were labelled by people, rules and a language model:
`recipes/results/llm_labels.md`. Few rows a class do not tell.

Of classes of which several may hold of a row, each a question of no and yes, noise is known before there are views
(`several_classes`), by class alone; where labels are wrong because texts are hard, it takes too many for right. There
the given label counts for half of what it says, h(c) ∝ p(c) · T[c, y]^½, and a label is doubted by how far the best
other class is ahead of it: (1 + max h − h(y)) / 2.

Where somebody knows how common the classes truly are, what is believed is moved as little as may be so that it is as
he says (`data.class_shares`): one weight a class, and another one of what views say without the label. A
label of a class that is rarer than was believed is against what was told already, so views that repeat it are asked
which of the other classes they find most probable. They are not weighed, or all would agree on a class that is raised.

Measured, beside the half-trusted label and others: `recipes/results/find_wrong_rows.md`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from clc_text.data.beliefs import blocks
from clc_text.data.class_shares import ClassShares, weighed
from clc_text.data.labels import classes_of
from clc_text.data.sampling import every_nth
from clc_text.evidence.views.base import fit_rows
from clc_text.noise.estimation.gain import ERRORS, gain_over_shares, is_nothing
from clc_text.noise.estimation.half_trust import half_trusted, never_certain
from clc_text.noise.estimation.near_noise import (
    NearNoise,
    doubt_by_chance,
    fit_near_noise,
    moved_by_chance,
    posterior_of_both,
    too_few,
)
from clc_text.noise.estimation.noise_fit import posterior_labels, sharpened, softmax

LEAST = 1e-4  # probability: no view is surer than that of a class being impossible
# A view that gains less than this share of what the best one gains over the labels' shares is left out.
WORTH = 0.4
SURE = 3.0
# Of all labels, that are wrong by nothing but what was told of the classes' shares: from so many on it is certain that
# there is noise, whatever explains the labels. Fewer may come of shares that somebody has rounded.
TOLD = 0.05
SEVERAL = 3  # views, of which one may differ where the doubt is a probability


@dataclass(frozen=True)
class Judged:
    """What the mixture says of n rows.

    Attributes:
        probs: float64 [n, C], p.
        belief: float64 [n, C], q.
        wrong: float64 [n], how far the given label is doubted, 0 … 1; above one half another class is more probable,
            unless labels are doubted by chance.
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
    kept = np.empty(probs.shape, np.float32)
    for part in blocks(probs):
        bounded = probs[part].clip(LEAST)
        kept[part] = np.log(bounded / bounded.sum(-1, keepdims=True))
    return kept


def gain_of_view(probs: np.ndarray, labels: np.ndarray, fold: np.ndarray, first: np.ndarray) -> tuple[float, float]:
    """What a view gains over the labels' shares, in nats a row, and its standard error: by every n-th row of many.

    Args:
        probs: [N, C], probabilities.
        labels: int64 [N], given, or float [N, C] distributions.
        fold: int64 [N], any parts of the rows, copies together.
        first: int64 [N], the first copy of each row.
    """
    rows = every_nth(len(probs), fit_rows(probs.shape[1]))
    return gain_over_shares(probs[rows], labels[rows], fold[rows], first[rows])


def chosen_views(gains: dict[str, tuple[float, float]]) -> list[str]:
    """The views that have learnt enough to be heard, in their order: by the likelihood of held-out given labels.

    Args:
        gains: of each by its name (`gain_of_view`).

    Returns:
        Their names; none where not even the best can be told from the labels' shares. `SURE` standard errors are
        asked for, since several views have several chances.
    """
    best = max(gain for gain, _ in gains.values())
    least = WORTH * best
    gained = [(name, gain, SURE / ERRORS * error) for name, (gain, error) in gains.items()]
    return [name for name, gain, error in gained if gain >= least and not is_nothing(gain, error)]


def pooled(log_probs: np.ndarray, weights: np.ndarray, rows: np.ndarray | None = None) -> np.ndarray:
    """float64 [n, C], the weighted mean of views' log-probabilities [V, N, C]; weights [V], of sum 1.

    Args:
        rows: int64 [n], some of them; None: all.
    """
    pool = np.zeros(log_probs.shape[1:] if rows is None else (len(rows), log_probs.shape[2]))
    for part in blocks(pool):
        chosen = part if rows is None else rows[part]
        for weight, one in zip(weights, log_probs, strict=True):
            pool[part] += weight * one[chosen]
    return pool


def pool_probs(
    log_probs: np.ndarray, weights: np.ndarray, sharpness: float, bias: np.ndarray | None = None
) -> np.ndarray:
    """float64 [n, C], what the pool of views' log-probabilities [V, n, C] says, sharpened, a bias [C] added."""
    pool = pooled(log_probs, weights)
    return sharpened(pool, sharpness) if bias is None else softmax(sharpness * pool + bias)


def _best_other(belief: np.ndarray, named: np.ndarray) -> np.ndarray:
    """int64 [n], of a belief [n, C] the likeliest class but the one that is named [n]."""
    rivals = belief.copy()
    rivals[np.arange(len(named)), named] = -np.inf
    return np.asarray(rivals.argmax(1))


def fit_near(
    log_probs: np.ndarray,
    weights: np.ndarray,
    labels: np.ndarray,
    sound: np.ndarray,
    shares: ClassShares | None = None,
) -> NearNoise:
    """Sharpness of the pool of views' log-probabilities [V, N, C], T of noise by class and λ of noise near a decision,
    from every n-th row of many.

    Args:
        labels: int64 [N], or float [N, C] distributions.
        sound: bool [N], the rows that count.
        shares: how common the classes truly are; None: nobody has told.
    """
    rows, classes = np.flatnonzero(sound), log_probs.shape[2]
    some = rows[every_nth(len(rows), fit_rows(classes))]
    noise = fit_near_noise(pooled(log_probs, weights, some), labels[some])
    few = too_few(len(rows), classes)
    unexplained = shares is None and not few and noise.ahead is not None and noise.ahead < 0
    if noise.ahead is not None and few:
        noise = replace(noise, ahead=min(noise.ahead, 0.0))
    noise = replace(noise, transition=never_certain(noise.transition))
    if unexplained:
        judged = judge_near(log_probs[:, some], weights, labels[some], noise)
        given = judged.probs[np.arange(len(some)), labels[some]]
        noise = replace(noise, by_chance=moved_by_chance(given, float(judged.wrong.mean()), classes))
    if shares is None:
        return noise
    if noise.ahead is not None and not few and shares.least_wrong(labels[rows]) >= TOLD:
        noise = replace(noise, ahead=None)
    probs = pool_probs(log_probs[:, some], weights, noise.sharpness)
    belief = posterior_of_both(probs, labels[some], noise.transition, noise.nearness)
    class_weights = shares.weights(belief)
    # Where what is believed is as was told nothing is moved. A belief that repeats the labels takes weights so far
    # from 1 that predictions without labels would be of hardly any class but those that these raise.
    moved = bool((class_weights != 1).any())
    return replace(noise, class_weights=class_weights, prior_weights=shares.weights(probs) if moved else class_weights)


def judge_near(log_probs: np.ndarray, weights: np.ndarray, given: np.ndarray, noise: NearNoise) -> Judged:
    """See the module. Of `SEVERAL` views or more one may differ, and all are said to agree.

    Args:
        log_probs, weights, given: as `judge` takes them.
        noise: by `fit_near`.
    """
    probs = pool_probs(log_probs, weights, noise.sharpness)
    belief = posterior_of_both(probs, given, noise.transition, noise.nearness)
    firsts, named = log_probs.argmax(2), classes_of(given)
    if noise.class_weights is not None and noise.prior_weights is not None:
        belief, probs = weighed(belief, noise.class_weights), weighed(probs, noise.prior_weights)
        rarer = noise.class_weights[named] < 1
        firsts[:, rarer] = [_best_other(one[rarer], named[rarer]) for one in log_probs]
    suggested = _best_other(belief, named)
    differ = (firsts != suggested).sum(0)
    each = np.arange(len(named))
    wrong = 1 - belief[each, named]
    if noise.by_chance is not None:
        wrong = doubt_by_chance(probs[each, named], noise.by_chance, probs.shape[1])
    return Judged(probs, belief, wrong, suggested, differ <= (1 if len(log_probs) >= SEVERAL else 0))


def judge(
    log_probs: np.ndarray,
    weights: np.ndarray,
    given: np.ndarray,
    sharpness: float,
    transition: np.ndarray,
    bias: np.ndarray | None = None,
    room: float = 0.0,
    shares: ClassShares | None = None,
) -> Judged:
    """See the module.

    Args:
        log_probs: [V, n, C], of the views (`clipped`).
        weights: [V], of the views (`views.weights`).
        given: int64 [n], or float [n, C] distributions.
        sharpness: power of the pool.
        transition: float64 [C, C], T.
        bias: [C], what is added to the sharpened pool; None: nothing.
        room: see `half_trusted`.
        shares: how common the classes truly are, of all rows of which these are a sample; None: nobody has told.
    """
    probs = pool_probs(log_probs, weights, sharpness, bias)
    belief = posterior_labels(probs, given, transition)
    half = half_trusted(probs, given, transition, room)
    if shares is not None:
        belief, half = shares.applied(belief), shares.applied(half)
    each, named = np.arange(len(given)), classes_of(given)
    suggested = _best_other(half, named)
    wrong = (1 + half[each, suggested] - half[each, named]) / 2
    agree = (log_probs.argmax(2) == suggested).all(0)
    return Judged(probs, belief, wrong, suggested, agree)

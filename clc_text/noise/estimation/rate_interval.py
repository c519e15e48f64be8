"""How sure the estimated share of wrong labels is.

Three things move it, and all are in the interval:

* the draw of the rows: they are resampled;
* the sharpness of the predictions: the sharper, the more of the labels look wrong, and the given labels say only
  roughly which is right. It is chosen anew in each resampling, between the few that `fit_noise` tries; and that the
  one that was used may lie beside the best counts as well;
* the networks: each round of cross-fitting has others. Their spread is not divided by their number, since all have the
  same rows and encoder.

It does not say how far off an encoder is that takes classes for each other. With sharpness, class shares and T all
free that could not be told from noise: fitted jointly by likelihood, symmetric noise 0.5 on TREC is found to be .22
(four runs; on two of them .26 and .14 are the best along the sharpness, by 33 and 84 nats before the true .50). So T
is found in few steps from the predictions, as `fit_noise` finds it. Class shares are as they were fitted: they move
the rate by .001 at most (18 runs on TREC). Measured on simulated and real runs: `recipes/results/noise_estimate.md`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from clc_text.data.beliefs import SEARCH_CELLS
from clc_text.data.best_classes import Table, of_labels
from clc_text.data.class_shares import ClassShares
from clc_text.data.labels import classes_of
from clc_text.data.sampling import every_nth
from clc_text.noise.estimation.expectation_maximisation import em_weighted, sharpened
from clc_text.noise.estimation.noise_fit import posterior_labels, shrunk
from clc_text.noise.estimation.probabilities import MANY_CLASSES, MOST_CLASSES, resamplings

# Powers of the predictions, as logarithms; those of `fit_noise` are 0.35 apart.
STEPS = (-0.4, -0.2, 0.0, 0.2, 0.4)
ROUNDS = 20  # of expectation-maximisation, as in `fit_noise`
FEWEST = 50  # resamplings
_CELLS = 3_000_000  # of resampled predictions
_MANY_ROUNDS = 5
ROWS = 50_000  # every n-th row of more is enough


def rate_of(probs: Table, labels: np.ndarray, transition: np.ndarray, shares: ClassShares | None = None) -> float:
    """The share of wrong labels that predictions [N, C] of the true class and T [C, C] imply, where it is known how
    common the classes truly are so that they are; of K problems at once [N, K, 2], labels [N, K] and T [K, 2, 2]."""
    return float(_doubt(probs, labels, transition, shares).mean())


def _doubt(probs: Table, labels: np.ndarray, transition: np.ndarray | None, shares: ClassShares | None) -> np.ndarray:
    belief = probs if transition is None else posterior_labels(probs, labels, transition)
    if shares is not None:
        belief = shares.applied(belief)
    doubt: np.ndarray = 1 - of_labels(belief, classes_of(labels))
    return doubt


def rows_that_tell(canary: np.ndarray, classes: int) -> np.ndarray:
    """int64 [n], the rows, of which the canaries are bool [N], by which noise is estimated: of more than `ROWS` every
    n-th, of very many classes as many as there is memory for, tables of 160 MB; none is a canary, which the user has
    not mislabelled."""
    most = ROWS if classes <= MOST_CLASSES else min(ROWS, SEARCH_CELLS // classes)
    rows = np.arange(len(canary))[every_nth(len(canary), most)]
    return rows[~canary[rows]]


def rate_and_interval(
    probs: Table,
    labels: np.ndarray,
    transition: np.ndarray | None,
    resampled: int,
    of_rounds: Sequence[float] = (),
    shares: ClassShares | None = None,
) -> tuple[float, tuple[float, float] | None]:
    """`rate_of` and its `rate_interval`, which is None without resamplings; of very many classes by the draw of the
    rows and the rounds alone, without any. An audit and `clc-text noise estimate` of one run both have them of here.

    Args:
        transition: float64 [C, C]; None, of very many classes alone: labels are as wrong as the predictions say.
    """
    if probs.shape[1] <= MOST_CLASSES:
        assert transition is not None and isinstance(probs, np.ndarray)
        rate = rate_of(probs, labels, transition, shares)
        return rate, rate_interval(probs, labels, transition, resampled, of_rounds, rate=rate) if resampled else None
    doubt = _doubt(probs, labels, transition, shares)
    variance = float(doubt.var()) / len(doubt) + (float(np.var(of_rounds, ddof=1)) if len(of_rounds) > 1 else 0.0)
    rate, reach = float(doubt.mean()), 1.96 * variance**0.5
    return rate, (max(0.0, rate - reach), min(1.0, rate + reach))


def rate_interval(
    probs: np.ndarray,
    labels: np.ndarray,
    transition: np.ndarray,
    resampled: int,
    of_rounds: Sequence[float] = (),
    seed: int = 0,
    rate: float | None = None,
) -> tuple[float, float]:
    """95 % interval of the share of wrong labels, 1.96 standard deviations to either side.

    Args:
        probs: float64 [N, C], out-of-sample predictions of the true class.
        labels: int64 [N] given labels, or float [N, C] distributions, whose likeliest classes tell the spread.
        transition: float64 [C, C], T.
        resampled: resamplings of the rows; fewer where there are many rows and classes.
        of_rounds: the share by each round of networks alone, whose mean made the predictions.
        seed: of the resampling.
        rate: the middle; None: what T implies.
    """
    rows, classes = probs.shape
    random = np.random.Generator(np.random.PCG64(seed))
    times = min(resamplings(resampled, rows, classes), max(FEWEST, _CELLS // (rows * classes)))
    drawn = [np.bincount(random.integers(0, rows, rows), minlength=rows) for _ in range(times)]
    weights = np.stack([np.ones(rows), *drawn]).astype(np.float64)
    rate = rate_of(probs, labels, transition) if rate is None else rate
    labels = classes_of(labels)
    if classes > MANY_CLASSES:  # each step takes as long as all the rest
        _, found, _ = em_weighted(probs, labels, weights, _MANY_ROUNDS, shrunk, transition)
    else:
        tried = [em_weighted(sharpened(probs, np.exp(step)), labels, weights, ROUNDS, shrunk) for step in STEPS]
        likelihoods, rates = np.stack([one[2] for one in tried]), np.stack([one[1] for one in tried])
        found = _at_the_best(likelihoods, rates)
    variance = float(found[1:].var()) + (float(found[0]) - rate) ** 2
    if len(of_rounds) > 1:
        variance += float(np.var(of_rounds, ddof=1))
    reach = 1.96 * variance**0.5
    return max(0.0, rate - reach), min(1.0, rate + reach)


def _at_the_best(likelihoods: np.ndarray, rates: np.ndarray) -> np.ndarray:
    """The rates [R] where the likelihoods are highest, both [S, R] at even steps: parabolas through three of them."""
    middle = likelihoods.argmax(0).clip(1, len(likelihoods) - 2)
    each = np.arange(likelihoods.shape[1])

    def around(values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Of c + b x + a x², through the values at x = -1, 0 and 1."""
        before, at, after = (values[middle + step, each] for step in (-1, 0, 1))
        return at, (after - before) / 2, (after + before) / 2 - at

    _, slope, bend = around(likelihoods)
    vertex = np.divide(-slope, 2 * bend, out=np.sign(slope), where=bend < 0).clip(-1, 1)
    at, slope, bend = around(rates)
    best: np.ndarray = at + slope * vertex + bend * vertex**2
    return best

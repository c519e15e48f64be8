"""The noise rate and the noise matrix, estimated without clean labels.

Everything here is a pure function of probabilities p (float [N, C], or [P, N, C] of P peers, whose mean is taken) and
given labels (int64 [N]), computed in float64. A matrix T has the true class as its row and the given class as its
column, T[c, k] = P(given k | true c). The probabilities should be out-of-sample: those of a network that was trained
on a row's own label confirm it, and every estimate is then too low.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from clc_text.errors import InputError, nearest
from clc_text.noise.estimation.anchors import anchor_all
from clc_text.noise.estimation.confident_joint import confident_all
from clc_text.noise.estimation.expectation_maximisation import em_all
from clc_text.noise.estimation.probabilities import check_classes, checked, resamplings

EstimateMethod = Literal["confident_joint", "em", "anchor"]
FoundBy = Literal["confident_joint", "em", "anchor", "plateau"]
"""How a rate was found; `plateau` is `noise.estimation.plateau`, which needs features and no predictions."""

# Numbers in one block of bootstrap weights.
_BLOCK = 20_000_000


@dataclass(frozen=True)
class NoiseEstimate:
    """An estimate of the noise.

    Attributes:
        rate: estimated share of wrong given labels, 0 ... 1.
        matrix: float64 [C, C], row = true class, column = given class.
        interval: 95 % interval of the rate, 1.96 standard deviations of the rate over resampled rows to either side
            (not percentiles: resampling shifts the rate itself where classes have few rows); None without a
            bootstrap. It says how much the draw of the rows matters, not how far off the probabilities are.
        method: which estimator.
    """

    rate: float
    matrix: np.ndarray
    interval: tuple[float, float] | None
    method: FoundBy


# Each takes p [N, C], labels [N] and weights [R, N], and gives T [R, C, C] and the rates [R].
_ESTIMATORS = {"anchor": anchor_all, "confident_joint": confident_all, "em": em_all}


def estimate(
    p: np.ndarray,
    labels: np.ndarray,
    method: EstimateMethod = "confident_joint",
    bootstrap: int = 200,
    seed: int = 0,
) -> NoiseEstimate:
    """The noise rate with a 95 % interval, and the noise matrix.

    Args:
        p: [N, C] or [P, N, C] probabilities.
        labels: int64 [N] given labels.
        method: ``confident_joint`` (Northcutt et al. 2021), ``em`` (`em_matrix`) or ``anchor`` (Patrini et al. 2017).
        bootstrap: resamplings of the rows, fewer where there are hundreds of classes; 0 leaves the interval out.
        seed: of the resampling.

    Raises:
        InputError: p is no table of distributions, does not fit the labels, or has more than 1,000 classes.
    """
    if method not in _ESTIMATORS:
        raise InputError(f"there is no noise estimate '{method}'{nearest(method, _ESTIMATORS)}", key=method)
    if bootstrap < 0:
        raise InputError(f"bootstrap is {bootstrap}; it must be a number of resamplings, 0 for none", key="bootstrap")
    p, labels = checked(p, labels)
    check_classes(p.shape[1])
    estimator = _ESTIMATORS[method]
    matrices, rates = estimator(p, labels, np.ones((1, len(labels))))
    rate = float(np.clip(rates[0], 0, 1))
    interval = None
    if bootstrap > 0:
        times = resamplings(bootstrap, *p.shape)
        per_block = max(1, _BLOCK // max(len(labels), p.shape[1] ** 2))  # of weights, and of matrices
        resampled = np.concatenate(
            [estimator(p, labels, weights)[1] for weights in _bootstrap_weights(len(labels), times, seed, per_block)]
        )
        reach = 1.96 * float(resampled.std())
        interval = (max(0.0, rate - reach), min(1.0, rate + reach))
    return NoiseEstimate(rate, matrices[0], interval, method)


def _bootstrap_weights(rows: int, repetitions: int, seed: int, per_block: int) -> Iterator[np.ndarray]:
    """How often each row is drawn, float64 [r, N] in blocks of r that fit into memory, R in all."""
    random = np.random.Generator(np.random.PCG64(seed))
    for start in range(0, repetitions, per_block):
        size = min(per_block, repetitions - start)
        yield np.stack([np.bincount(random.integers(0, rows, rows), minlength=rows) for _ in range(size)]).astype(
            float
        )

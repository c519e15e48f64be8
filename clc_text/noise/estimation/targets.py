"""What networks are to be taught of rows whose labels may be wrong, from what is believed of them.

Two readings of the same evidence, and the mean of both: the posterior by noise of two kinds (`near_noise`), right
where noise depends on the class, or is near a decision; and the posterior by class-wide noise with the given label
half trusted (`half_trust`), right where models have learnt the errors. Which of them a table has it does not tell.
Right first classes of what is taught, one seed each that no table uses (10), in percent:

                                       half trusted   both kinds of noise   the mean
    GloVe, symmetric noise 0.5             77.4             78.6              78.5
    GloVe, pairwise 0.45                   88.2             89.6              89.3
    GloVe, instance-dependent 0.4          77.0             77.2              77.2
    MiniLM, pairwise 0.2                   94.2             95.5              95.2
    MiniLM, instance-dependent 0.4         81.8             77.9              80.1

Where labels show no noise (`NearNoise.ahead`) they are wrong, if at all, because texts are hard, and what is unsure is
left to the more common class, so that networks guess rare classes too seldom. There beliefs are moved, one weight a
class, until each class is the likeliest one of as many rows as it is believed to have. Rows that were held out of
three crowds, seeds 10 to 12: 69.8 for 68.7 in the mean of the classes, 84.0 for 84.1 of all rows. Where noise shows
the same gained .7 of the classes' mean and lost .1 of all rows, .8 where it followed the text, so it is left there
(recipes/results/real_noise.md).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from clc_text.data.beliefs import SEARCH_CELLS, blocks
from clc_text.data.best_classes import BestClasses
from clc_text.data.class_shares import ClassShares, weighed
from clc_text.data.sampling import every_nth
from clc_text.noise.estimation.half_trust import half_trusted, never_certain
from clc_text.noise.estimation.near_noise import (
    CLEARLY,
    NearNoise,
    noise_of_some,
    posterior_with_shares,
    too_few,
)
from clc_text.noise.estimation.noise_fit import NoiseFit, fit_noise, fit_shares, sharpened

# Beliefs of this power are nearly 1 for the likeliest class, so that their mean counts rows; that of a row between two
# classes still counts for both, which leaves a smooth search.
LIKELIEST = 10.0
_SMALLEST = 1e-12


def taught_of(pool: Any, labels: np.ndarray, by_class: NoiseFit | None = None) -> Any:
    """float64 [N, C], `targets_of`, by which classes are as common among the likeliest as they are believed to be,
    where labels show no noise; see the module. As `targets_of` where too few rows tell, as of tables that keep the
    best classes alone, or labels are distributions, of which it is not known.

    Args: as `targets_of` has them.
    """
    if isinstance(pool, BestClasses):
        return targets_of(pool, labels, by_class)
    noise = noise_of_some(pool, labels, compared=True)
    targets = targets_of(pool, labels, by_class, noise)
    if noise.ahead is None or noise.ahead > CLEARLY or too_few(*pool.shape):
        return targets
    return as_common_as_believed(targets)


def as_common_as_believed(belief: np.ndarray) -> np.ndarray:
    """float64 [N, C], the belief [N, C] weighed by class so that each is the likeliest of as many rows as the belief
    has of it in sum, as far as whole rows allow; of many rows times classes every n-th row tells the weights."""
    some = belief[every_nth(len(belief), max(1, SEARCH_CELLS // belief.shape[1]))]
    mean = some.mean(0)
    likeliest = sharpened(np.log(some.clip(_SMALLEST)), LIKELIEST)
    return weighed(belief, ClassShares(mean, mean.copy()).weights(likeliest) ** (1 / LIKELIEST))


def targets_of(pool: Any, labels: np.ndarray, by_class: NoiseFit | None = None, noise: NearNoise | None = None) -> Any:
    """float64 [N, C], each row of sum 1: the mean of both readings.

    Args:
        pool: [N, C], log-probabilities of the true class, by whoever never saw the row's label.
        labels: int64 [N], given labels, or float [N, C] distributions.
        by_class: noise by class, where more is known of it than these labels tell; None: it is fitted to them.
        noise: of both kinds (`noise_of_some`); None: it is fitted, too.
    """
    targets = posterior_with_shares(pool, labels, noise)
    if by_class is None:
        by_class = fit_shares(fit_noise(pool, labels), labels)
    half = half_trusted(by_class.probs, labels, never_certain(by_class.transition))
    for part in blocks(targets):
        targets[part] = (targets[part] + half[part]) / 2
    return targets

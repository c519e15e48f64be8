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
"""

from __future__ import annotations

import numpy as np

from clc_text.noise.estimation.half_trust import half_trusted, never_certain
from clc_text.noise.estimation.near_noise import posterior_with_shares
from clc_text.noise.estimation.noise_fit import NoiseFit, fit_noise, fit_shares


def targets_of(pool: np.ndarray, labels: np.ndarray, by_class: NoiseFit | None = None) -> np.ndarray:
    """float64 [N, C], each row of sum 1; see the module.

    Args:
        pool: [N, C], log-probabilities of the true class, by whoever never saw the row's label.
        labels: int64 [N], given labels, or float [N, C] distributions.
        by_class: noise by class, where more is known of it than these labels tell; None: it is fitted to them.
    """
    targets = posterior_with_shares(pool, labels)
    if by_class is None:
        by_class = fit_shares(fit_noise(pool, labels), labels)
    targets += half_trusted(by_class.probs, labels, never_certain(by_class.transition))
    targets /= 2
    return targets

"""What is taught is the mean of two readings, row by row."""

from __future__ import annotations

import numpy as np
import pytest

from clc_text.noise.estimation.half_trust import never_certain
from clc_text.noise.estimation.near_noise import posterior_with_shares
from clc_text.noise.estimation.noise_fit import fit_noise, fit_shares, softmax
from clc_text.noise.estimation.targets import targets_of


@pytest.mark.parametrize("distributions", [False, True])
def test_the_mean_of_two_readings_row_by_row(distributions: bool) -> None:
    random = np.random.default_rng(0)
    probs = softmax(2 * random.normal(size=(300, 3)))
    true = (probs.cumsum(1) > random.random((300, 1))).argmax(1)
    labels = np.where(random.random(300) < 0.2, (true + 1) % 3, true)
    given = random.dirichlet(np.ones(3), 300) if distributions else labels
    pool = np.log(probs)
    found, near = targets_of(pool, given), posterior_with_shares(pool, given)
    by_class = fit_shares(fit_noise(pool, given), given)
    transition = never_certain(by_class.transition)
    for row in range(300):
        shares = given[row] if distributions else np.eye(3)[given[row]]
        half = by_class.probs[row] * np.sqrt(transition @ shares)
        np.testing.assert_allclose(found[row], (near[row] + half / half.sum()) / 2)
    np.testing.assert_allclose(found.sum(1), 1)

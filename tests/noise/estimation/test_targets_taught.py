"""What is taught is the mean of two readings, row by row, and where no noise shows it keeps rare classes."""

from __future__ import annotations

import numpy as np
import pytest

from clc_text.noise.estimation.half_trust import never_certain
from clc_text.noise.estimation.near_noise import posterior_with_shares
from clc_text.noise.estimation.noise_fit import fit_noise, fit_shares, softmax
from clc_text.noise.estimation.targets import as_common_as_believed, targets_of, taught_of


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


def uneven(rows: int = 1500, apart: float = 1.5) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities [N, 3] of hard texts, the last class rare, and true classes drawn from them."""
    random = np.random.default_rng(1)
    probs = softmax(apart * random.normal(size=(rows, 3)) + [1.0, 0.5, -1.0])
    return probs, (probs.cumsum(1) > random.random((rows, 1))).argmax(1)


def test_each_class_is_the_likeliest_of_as_many_rows_as_it_is_believed_to_have() -> None:
    belief, _ = uneven()
    found = as_common_as_believed(belief)
    before, after = (np.bincount(one.argmax(1), minlength=3) / 1500 for one in (belief, found))
    assert before[2] < 0.7 * belief.mean(0)[2]
    np.testing.assert_allclose(after, belief.mean(0), atol=0.02)
    weights = found / belief  # one a class, but for what makes the sum of a row 1
    np.testing.assert_allclose(weights / weights[:, :1], np.broadcast_to(weights[0] / weights[0, 0], (1500, 3)))
    np.testing.assert_allclose(found.sum(1), 1)
    order = [2, 0, 1]
    np.testing.assert_allclose(as_common_as_believed(belief[:, order]), found[:, order], rtol=1e-3, atol=1e-5)


def test_what_is_as_common_as_believed_stays_as_it_is() -> None:
    belief = np.eye(3)[np.random.default_rng(0).integers(0, 3, 300)]
    np.testing.assert_allclose(as_common_as_believed(belief), belief, atol=1e-9)


def test_rare_classes_are_kept_where_labels_show_no_noise_and_rows_are_enough() -> None:
    probs, true = uneven()
    pool, random = np.log(probs), np.random.default_rng(2)
    np.testing.assert_array_equal(taught_of(pool, true), as_common_as_believed(targets_of(pool, true)))
    few, labels = slice(0, 150), true[:150]
    np.testing.assert_array_equal(taught_of(pool[few], labels), targets_of(pool[few], labels))
    sure, of_sure = uneven(apart=6.0)
    wrong = np.where(random.random(1500) < 0.3, (of_sure + 1) % 3, of_sure)
    np.testing.assert_array_equal(taught_of(np.log(sure), wrong), targets_of(np.log(sure), wrong))
    shares = random.dirichlet(np.ones(3), 1500)
    np.testing.assert_array_equal(taught_of(pool, shares), targets_of(pool, shares))

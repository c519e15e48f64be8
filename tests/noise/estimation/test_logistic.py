"""Linear models beside the sums that they make small, added up one number after another."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from clc_text.noise.estimation.logistic import Loss, linear_model, of_each_class, of_one_class

PENALTY = 0.7


def literal(weights: np.ndarray, features: np.ndarray, targets: np.ndarray, each: bool) -> float:
    value = 0.0
    for row, target in zip(features, targets, strict=True):
        odds = [sum(x * w for x, w in zip(row, of, strict=True)) for of in weights[:-1].T]
        odds = [one + bias for one, bias in zip(odds, weights[-1], strict=True)]
        total = sum(math.exp(one) for one in odds)
        for one, share in zip(odds, target, strict=True):
            if each:
                holds = 1 / (1 + math.exp(-one))
                value -= share * math.log(holds) + (1 - share) * math.log(1 - holds)
            else:
                value -= share * math.log(math.exp(one) / total)
    return value + PENALTY / 2 * float((weights[:-1] ** 2).sum())


@pytest.mark.parametrize(("lost", "each"), [(of_one_class, False), (of_each_class, True)])
def test_the_sum_is_at_its_lowest(lost: Loss, each: bool) -> None:
    random = np.random.default_rng(0)
    features, targets = random.normal(size=(40, 3)), random.random((40, 4))
    found = linear_model(features, targets, lost, PENALTY, 200)
    least = literal(found, features, targets, each)
    for _ in range(30):
        aside = found + 0.05 * random.normal(size=found.shape)
        assert literal(aside, features, targets, each) > least
    sparse = linear_model(csr_matrix(features), targets, lost, PENALTY, 200, np.full(4, 0.3))
    np.testing.assert_allclose(sparse[:-1], found[:-1], atol=1e-3)

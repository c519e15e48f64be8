"""Test texts of another kind are told from test texts drawn like the training texts."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from clc_text.data.checks.drift import APART, LEAST, _error, drift


def texts(words: list[str], count: int, seed: int) -> list[str]:
    generator = np.random.default_rng(seed)
    return [f"{' '.join(generator.choice(words, 6))} {seed}x{row}" for row in range(count)]


COMMON = [f"word{number}" for number in range(40)]


def test_the_same_kind_is_near_one_half_and_another_is_not() -> None:
    same = drift(texts(COMMON, 300, 0), texts(COMMON, 200, 1))
    assert same is not None and same.low < APART and 0.4 < same.auc < 0.6
    other = drift(texts(COMMON, 300, 0), texts([*COMMON[:20], "refund", "parcel"], 200, 1))
    assert other is not None and other.low > 0.8
    assert {"refund", "parcel"} <= set(other.test_terms) and not {"refund", "parcel"} & set(other.train_terms)


def test_texts_on_both_sides_and_few_texts_tell_nothing() -> None:
    train = texts(COMMON, 300, 0)
    assert drift(train, train[:100]) is None
    assert drift(train, texts(COMMON, LEAST - 1, 1)) is None
    assert drift(["", " "] * 100, ["", "\t"] * 100) is None


@pytest.mark.parametrize("shift", [0.0, 0.5, 1.5])
def test_the_error_is_that_of_repeated_draws(shift: float) -> None:
    generator = np.random.default_rng(0)
    label = np.arange(300) < 100
    areas = [roc_auc_score(label, generator.normal(0, 1, 300) + shift * label) for _ in range(400)]
    assert _error(float(np.mean(areas)), 100, 200) == pytest.approx(float(np.std(areas)), rel=0.2)

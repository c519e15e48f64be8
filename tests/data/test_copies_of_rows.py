"""The first copy of each row of a table: by sums of its bits, which rows that differ may share."""

from __future__ import annotations

import numpy as np
import pytest

from clc_text.data import copies as module
from clc_text.data.copies import digest_of, first_rows, firsts


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("block", [7, 1024])
def test_as_by_the_whole_content(kind: type, block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BLOCK", block)
    random = np.random.default_rng(0)
    table = random.normal(size=(90, 5)).astype(kind)[random.integers(0, 90, 300)]
    table[3] = -0.0
    table[4] = 0.0  # equal, and not the same
    expected = firsts((digest_of(row.tobytes()) for row in table), len(table))
    assert len(np.unique(expected)) < 100
    np.testing.assert_array_equal(first_rows(table), expected)
    np.testing.assert_array_equal(first_rows(np.asfortranarray(table)), expected)
    assert not len(first_rows(table[:0]))


def test_rows_of_the_same_sum_that_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    bits = np.array([[1, 2], [2, 1], [1, 2], [3, 0]], np.uint64)  # of equal factors, all have the sum 3

    class Even:
        def __init__(self, _: object) -> None: ...

        def integers(self, low: int, high: int, size: int, dtype: type) -> np.ndarray:
            return np.zeros(size, dtype)  # times 2 and 1 more: all factors are 1

    monkeypatch.setattr(np.random, "Generator", Even)
    assert first_rows(bits.view(np.float64)).tolist() == [0, 1, 0, 3]

"""The nearest others of each row: those of a plain search, whatever is in memory at once, copies none of a row's."""

from __future__ import annotations

import numpy as np
import pytest

from clc_text.data import nearest as module
from clc_text.data.nearest import nearest

ROWS, COPIES = 260, 30


def rows(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Features and the first copies of rows, of which the last are copies of the first."""
    random = np.random.default_rng(seed)
    features = (random.normal(size=(ROWS, 9)) + 2 * random.random((ROWS, 1))).astype(np.float32)
    features[-COPIES:] = features[:COPIES]
    return features, np.concatenate([np.arange(ROWS - COPIES), np.arange(COPIES)])


@pytest.mark.parametrize("block", [7, 64, 128, 1024])
@pytest.mark.parametrize("most", [1000, 100])
def test_those_of_a_plain_search(block: int, most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BLOCK", block)
    features, first = rows()
    found = nearest(features, first, 3, most, count=10)
    different = ROWS - COPIES
    assert (found.group == first).all() and found.places.shape == (different, 10)
    assert (np.diff(found.similarity, axis=1) <= 0).all()
    unit = features[:different] / np.linalg.norm(features[:different], axis=1, keepdims=True)
    cosine = unit @ unit.T
    np.fill_diagonal(cosine, -np.inf)
    np.testing.assert_allclose(found.similarity, np.take_along_axis(cosine, found.places, 1), atol=1e-5)
    among = np.unique(found.places)  # of many rows, those that were drawn
    assert len(among) == min(most, different)
    expected = np.sort(cosine[:, among], axis=1)[:, ::-1][:, :10]
    np.testing.assert_allclose(found.similarity, expected, atol=1e-5)
    assert all(len(set(places)) == 10 for places in found.places.tolist())


@pytest.mark.parametrize("different", [1, 2, 5])
def test_of_few_rows_all_others(different: int) -> None:
    features = np.eye(5, dtype=np.float32)[np.arange(8) % different]
    found = nearest(features, np.arange(8) % different, 0, 1000)
    assert found.places.shape == (different, different - 1)
    for row, places in enumerate(found.places.tolist()):
        assert sorted([row, *places]) == list(range(different))


def test_equal_rows_that_are_no_copies() -> None:
    """As many as there is room for, and each once, whichever they are."""
    features = np.ones((400, 3), np.float32) * np.arange(1, 401, dtype=np.float32)[:, None]
    found = nearest(features, np.arange(400), 0, 1000)
    np.testing.assert_allclose(found.similarity, 1, atol=1e-5)
    assert all(row not in places and len(set(places)) == 30 for row, places in enumerate(found.places.tolist()))

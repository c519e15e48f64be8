"""The rows that a row lies nearest to."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from clc_text.corrections.asking import neighbours
from clc_text.corrections.asking.neighbours import nearest_rows


@pytest.mark.parametrize("form", [np.asarray, csr_matrix])
def test_nearest_by_cosine_whatever_the_length(form, monkeypatch: pytest.MonkeyPatch) -> None:
    vectors = np.random.default_rng(0).normal(size=(40, 5)).astype(np.float32)
    rows = np.array([3, 0, 39])
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    likeness = unit @ unit.T
    np.fill_diagonal(likeness, -1)
    for block in (1, 256):
        monkeypatch.setattr(neighbours, "BLOCK", block)
        found = nearest_rows(form(vectors * np.arange(1, 41)[:, None]), rows, 4)
        assert [[row for row, _ in one] for one in found] == np.argsort(-likeness[rows], 1)[:, :4].tolist()
        for row, others in zip(rows, found, strict=True):
            np.testing.assert_allclose([value for _, value in others], [likeness[row, other] for other, _ in others],
                                       rtol=1e-5)  # fmt: skip


@pytest.mark.parametrize("form", [np.asarray, csr_matrix])
def test_what_has_nothing_in_common_is_no_neighbour(form) -> None:
    found = nearest_rows(form(np.array([[1.0, 0, 0], [2, 0, 0], [0, 1, 0], [0, 0, 0]], np.float32)), np.arange(4), 3)
    assert [[row for row, _ in one] for one in found] == [[1], [0], [], []]


@pytest.mark.parametrize("form", [np.asarray, csr_matrix])
def test_of_several_questions_about_each_text_others_are_the_same_question(form) -> None:
    texts = np.random.default_rng(1).random(size=(6, 4)).astype(np.float32)
    pairs = np.repeat(texts, 3, axis=0)  # each text next to itself, with other questions
    alone = nearest_rows(texts, np.arange(6), 4)
    found = nearest_rows(form(pairs), np.arange(18), 4, parts=3)
    for row, others in enumerate(found):
        assert [other for other, _ in others] == [3 * text + row % 3 for text, _ in alone[row // 3]]
    assert nearest_rows(form(pairs[:3]), np.arange(3), 4, parts=3) == [[], [], []]


def test_a_row_alone_has_none() -> None:
    assert nearest_rows(np.ones((1, 2), np.float32), np.array([0])) == [[]]

"""Tables that keep the best classes of a row, beside those that have all."""

from __future__ import annotations

import numpy as np
import pytest

from clc_text.data import best_classes as module
from clc_text.data.best_classes import (
    BestClasses,
    empty_as,
    from_tensors,
    is_large,
    joined,
    logs_of,
    of_labels,
    some_rows,
    tensors_of,
)

ROWS, CLASSES, KEPT = 30, 40, 6


@pytest.fixture(autouse=True)
def few_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BEST", KEPT)


def beliefs(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities [N, C] of which many are alike, and given classes."""
    random = np.random.default_rng(seed)
    probs = random.dirichlet(np.full(CLASSES, 0.2), ROWS)
    return probs, random.integers(0, CLASSES, ROWS)


def kept(probs: np.ndarray, given: np.ndarray, logs: bool = False) -> BestClasses:
    table = BestClasses.empty(given, CLASSES, logs)
    table[:] = np.log(probs) if logs else probs
    return table


@pytest.mark.parametrize("logs", [False, True])
def test_the_best_and_the_given_class_are_kept_and_the_others_share_what_is_left(logs: bool) -> None:
    probs, given = beliefs()
    table = kept(probs, given, logs)
    whole = table[:]
    whole = np.exp(whole) if logs else whole
    np.testing.assert_allclose(whole.sum(1), 1, rtol=1e-5)
    for row in range(ROWS):
        others = [c for c in range(CLASSES) if c != given[row]]
        best = [*sorted(others, key=lambda c, row=row: -probs[row, c])[: KEPT - 1], given[row]]
        left = [c for c in range(CLASSES) if c not in best]
        assert table.classes[row, 0] == given[row]
        assert set(table.classes[row].tolist()) == set(best)
        np.testing.assert_allclose(whole[row, best], probs[row, best], rtol=1e-5)
        np.testing.assert_allclose(whole[row, left], probs[row, left].mean(), rtol=1e-4)
    np.testing.assert_array_equal(table.argmax(1), probs.argmax(1))


def test_what_is_asked_of_it_is_that_of_the_same_rows_with_all_classes() -> None:
    probs, given = beliefs()
    table = kept(probs, given)
    whole, other = table[:], np.random.default_rng(1).integers(0, CLASSES, ROWS)
    assert (table.shape, len(table), table.size) == (whole.shape, ROWS, whole.size)
    for labels in (given, other):
        np.testing.assert_allclose(of_labels(table, labels), of_labels(whole, labels))
    weights = np.linspace(0, 2, ROWS)
    np.testing.assert_allclose(table.of_classes(), whole.sum(0), rtol=1e-6)
    np.testing.assert_allclose(table.of_classes(weights), weights @ whole, rtol=1e-6)
    names = np.random.default_rng(2).permutation(CLASSES)
    np.testing.assert_array_equal(table.renamed(names)[:][:, names], whole)
    np.testing.assert_allclose(logs_of(table, 1e-12)[:], np.log(whole), rtol=1e-5)
    mask = given % 3 == 0
    for rows in (mask, np.flatnonzero(mask), slice(2, None, 5)):
        np.testing.assert_array_equal(some_rows(table, rows)[:], some_rows(whole, rows))
    np.testing.assert_array_equal(table[3:9], whole[3:9])
    np.testing.assert_array_equal(joined([table.rows(slice(0, 9)), table.rows(slice(9, None))])[:], whole)
    with pytest.raises(TypeError):
        table[mask]  # type: ignore[index]


def test_parts_are_written_into_a_table_of_their_own() -> None:
    probs, given = beliefs()
    table = kept(probs, given)
    moved = empty_as(table)
    moved[: ROWS // 2] = probs[: ROWS // 2, ::-1]
    moved[np.arange(ROWS // 2, ROWS)] = probs[ROWS // 2 :, ::-1]
    np.testing.assert_array_equal(moved[:], kept(probs[:, ::-1], given)[:])
    np.testing.assert_array_equal(table[:], kept(probs, given)[:])


def test_where_all_are_kept_nothing_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BEST", 50)
    probs, given = beliefs()
    table = kept(probs, given)
    np.testing.assert_allclose(table[:], probs, rtol=1e-6)
    assert table.others == 0
    assert (table.classes[:, 0] == given).all()


def test_files_keep_them() -> None:
    probs, given = beliefs()
    tables = [kept(probs, given, logs=True), kept(probs[::-1], given, logs=True)]
    tensors = tensors_of("train", tables)
    for one, other in zip(from_tensors(tensors, "train", CLASSES, True), tables, strict=True):
        np.testing.assert_array_equal(one[:], other[:])
    with pytest.raises(ValueError, match="train"):
        from_tensors(tensors, "train", CLASSES - 1, True)


def test_tables_of_up_to_a_thousand_classes_have_all_of_them_unless_they_are_very_many_rows() -> None:
    assert not is_large(178_000, 1_000)
    assert is_large(178_001, 1_000)
    assert is_large(10, 1_001)
    assert not is_large(10_000_000, 20)

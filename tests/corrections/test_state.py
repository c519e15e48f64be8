"""The labels as arrays, against loops over single rows."""

from __future__ import annotations

import numpy as np
import pytest

from clc_text.corrections.state import GIVEN, METHOD, PERSON, State, to_arrow


def state(rows: int = 200, classes: int = 4, seed: int = 0, with_true: bool = True) -> State:
    random = np.random.default_rng(seed)
    given = random.integers(0, classes, rows).astype(np.int32)
    suggested = random.integers(0, classes, rows).astype(np.int32)
    source = random.integers(0, 3, rows).astype(np.int8)
    label = np.where(source == METHOD, suggested, given).astype(np.int32)
    persons = source == PERSON
    label[persons] = random.integers(0, classes, persons.sum())
    confidence = random.integers(1, 9, rows).astype(np.float32) / 8  # of few values, so that there are ties
    probability_given = np.where(suggested == given, confidence, (1 - confidence) / 2).astype(np.float32)
    true = random.integers(-1, classes, rows).astype(np.int32) if with_true else None
    entropy = random.random(rows).astype(np.float32)
    agree, since = random.random(rows) < 0.5, random.integers(0, 3, rows).astype(np.int32)
    return State(label, source, given, suggested, confidence, probability_given, entropy, agree, since, true)


def test_doubt_is_of_the_given_label_whatever_the_current_one_is() -> None:
    some = state()
    for row, doubt in enumerate(some.doubt):
        if some.source[row] == PERSON:
            assert doubt == (0.0 if some.label[row] == some.given[row] else 1.0)
        else:
            assert doubt == pytest.approx(1 - float(some.probability_given[row]))
    open_rows = some.source != PERSON
    as_given = some.with_given(open_rows)
    np.testing.assert_array_equal(as_given.doubt, some.doubt)
    np.testing.assert_array_equal(as_given.rank, some.rank)


def test_rank_begins_at_the_most_doubtful_open_row_and_keeps_the_order_of_equals() -> None:
    some = state()
    order = sorted(range(len(some)), key=lambda row: (some.source[row] == PERSON, -float(some.doubt[row]), row))
    for place, row in enumerate(order, start=1):
        assert some.rank[row] == place


def test_new_labels_leave_the_old_state_alone() -> None:
    some = state()
    before = some.label.copy(), some.source.copy()
    rows = np.array([3, 5, 8])
    after = some.with_labels(rows, np.array([1, 1, 2]), PERSON)
    assert after.label[rows].tolist() == [1, 1, 2]
    assert (after.source[rows] == PERSON).all()
    others = np.delete(np.arange(len(some)), rows)
    np.testing.assert_array_equal(after.label[others], some.label[others])
    np.testing.assert_array_equal(after.source[others], some.source[others])
    np.testing.assert_array_equal(some.label, before[0])
    np.testing.assert_array_equal(some.source, before[1])
    back = after.with_given(np.isin(np.arange(len(some)), rows))
    np.testing.assert_array_equal(back.label[rows], some.given[rows])
    assert (back.source[rows] == GIVEN).all()


def test_counts_and_parts() -> None:
    some = state()
    for number, name in enumerate(("given", "method", "person")):
        assert some.counts[name] == sum(1 for source in some.source if source == number)
    part = some.part(np.array([7, 2]))
    assert part.label.tolist() == [some.label[7], some.label[2]]
    assert part.true is not None
    assert state(with_true=False).part(np.array([1])).true is None


def test_columns_say_who_and_since_when() -> None:
    some = state()
    columns = {name: column.to_pylist() for name, column in to_arrow(some, "abc").items()}
    for row in range(len(some)):
        assert columns["label_source"][row] == ("given", "method", "person")[some.source[row]]
        by_method = some.source[row] == METHOD and some.since[row] > 0
        assert columns["corrected_at_epoch"][row] == (some.since[row] if by_method else None)
        assert columns["label_true"][row] == (some.true[row] if some.true[row] >= 0 else None)
        assert columns["run_id"][row] == "abc"
    assert "label_true" not in to_arrow(state(with_true=False), "abc")

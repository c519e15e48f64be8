"""The benchmark of size: its tables are what they say, and a stage counts without those within it."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks import size
from benchmarks.size import OTHER, STAGES, WRONG, Stages, function_of, texts_and_labels

QUESTIONS = [(number, f"kind{number} asks word{place} of it".split()) for number in range(5) for place in range(9)]


@pytest.mark.parametrize("classes", [3, 17])
def test_tables_have_their_classes_and_wrong_labels(classes: int) -> None:
    rows = list(texts_and_labels(QUESTIONS, 4_000, classes, 0))
    given, true = np.array([row[1] for row in rows]), np.array([row[2] for row in rows])
    assert set(given) == set(true) == set(range(classes))
    assert abs((given != true).mean() - WRONG) < 0.03
    kinds = {int(label): {text.split()[0] for text, _, now in rows if now == label} for label in set(true)}
    assert all(len(kind) == 1 for kind in kinds.values())
    if classes > 5:  # a class has words that no other class of its questions has
        own = {label: {word for text, _, now in rows if now == label for word in text.split() if "x" in word}
               for label in (0, 5, 10)}  # fmt: skip
        assert not own[0] & own[5]
        assert not own[5] & own[10]
    assert rows[:50] == list(texts_and_labels(QUESTIONS, 50, classes, 0))


def test_a_stage_counts_without_what_it_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr(size.time, "perf_counter", lambda: clock[0])
    monkeypatch.setattr(size.time, "process_time", lambda: clock[0] / 2)
    used = [100]
    monkeypatch.setattr(size, "resident", lambda: used[0])
    stages = Stages()
    clock[0] = 1.0
    with stages.of("outer"):
        clock[0] = 3.0
        with stages.of("inner"):
            clock[0], used[0] = 10.0, 700
            stages.look()
            used[0] = 100
        clock[0] = 11.0
    clock[0] = 15.0
    found = stages.end()
    assert {name: stage.wall for name, stage in found.items()} == {OTHER: 5.0, "outer": 3.0, "inner": 7.0}
    assert found["inner"].cpu == 3.5
    assert {name: stage.peak for name, stage in found.items()} == {OTHER: 100, "outer": 100, "inner": 700}


@pytest.mark.parametrize("place", [place for places in STAGES.values() for place in places])
def test_the_stages_are_functions_of_the_package(place: str) -> None:
    assert callable(function_of(place))

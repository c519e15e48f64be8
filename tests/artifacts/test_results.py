"""The figures of result.json by hand."""

from __future__ import annotations

from typing import Any

import pytest

from clc_text.artifacts.results import summarise, training_summary


def entries(peers: list[list[float]], ensemble: list[float], warm_up: int = 0) -> list[dict[str, Any]]:
    return [
        {
            "test": {"accuracy": {"peers": values, "ensemble": together}},
            "phase": "warm-up" if epoch < warm_up else "method",
        }
        for epoch, (values, together) in enumerate(zip(peers, ensemble, strict=True))
    ]


def test_last10_is_the_mean_over_the_last_ten_epochs_only() -> None:
    found = summarise(
        entries([[99.0, 97.0]] * 2 + [[50.0 + i, 52.0 + i] for i in range(10)], [99.0] * 2 + [60.0] * 10)
    )
    assert found is not None
    assert found["last10"] == {"peers_mean": pytest.approx(51 + 4.5), "ensemble": 60.0}
    assert found["last"] == {"peers_mean": 60.0, "ensemble": 60.0}
    assert found["best_oracle"] == {"peers_mean": 98.0, "ensemble": 99.0}


def test_fewer_epochs_are_all_taken() -> None:
    found = summarise(entries([[50.0], [60.0]], [50.0, 60.0]))
    assert found is not None and found["last10"]["peers_mean"] == 55.0


@pytest.mark.parametrize(("warm_up", "expected"), [(0, 55.0), (1, 60.0), (2, 55.0)])
def test_epochs_of_the_warm_up_are_left_out_where_there_are_others(warm_up: int, expected: float) -> None:
    found = summarise(entries([[50.0], [60.0]], [50.0, 60.0], warm_up))
    assert found is not None and found["last10"] == {"peers_mean": expected, "ensemble": expected}


def test_without_test_rows_there_is_no_accuracy() -> None:
    assert summarise([{"test": None}, {"test": None}]) is None


def test_training_summary_counts_what_is_right_in_the_end() -> None:
    """100 rows, 70 given right; two peers fix 12 and 14 and break 2 and 4: 70 + 13 - 3 are taught right."""
    train = {"changed": [20, 30], "fixed": [12, 14], "broken": [2, 4], "missed": [16, 18]}
    found = training_summary({"train": train}, 100, 70)
    assert found == {
        "rows": 100, "changed": 25, "fixed": 13, "broken": 3, "missed": 17, "given_right": 70, "target_right": 80,
    }  # fmt: skip


def test_unknown_truth_stays_unknown() -> None:
    train: dict[str, Any] = {"changed": [20], "fixed": None, "broken": None, "missed": None}
    found = training_summary({"train": train}, 100, None)
    assert found["target_right"] is None and found["fixed"] is None and found["changed"] == 20

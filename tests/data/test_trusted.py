"""Answers as they are given to a training: what is refused, and what each stands for."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from refusals import refused

from clc_text.data.trusted import TrustedLabels


def trusted(rows: object = (0, 3), labels: object = (1, 0), inclusion: object = None) -> TrustedLabels:
    return TrustedLabels(
        np.array(rows), np.array(labels), None if inclusion is None else np.array(inclusion, dtype=np.float64)
    )


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (trusted((), ()), {"key": "trusted.rows"}),
        (TrustedLabels(np.empty(0, np.int64), np.empty(0, np.int64)), {"key": "trusted"}),
        (trusted((0, 9)), {"key": "trusted", "row": 9}),
        (trusted((-1, 2)), {"key": "trusted", "row": -1}),
        (trusted((3, 3)), {"key": "trusted", "row": 3}),
        (trusted(labels=(0, 2)), {"key": "trusted"}),
        (trusted(labels=(0, -1)), {"key": "trusted"}),
        (trusted((0, 1, 2)), {"key": "trusted"}),
        (trusted((0.5, 1.0)), {"key": "trusted.rows"}),
        (trusted(inclusion=(0.5,)), {"key": "trusted.inclusion"}),
        (trusted(inclusion=(0.5, 0.0)), {"key": "trusted.inclusion", "row": 3}),
        (trusted(inclusion=(1.5, math.nan)), {"key": "trusted.inclusion", "row": 0}),
    ],
)
def test_what_is_no_answer_is_refused(wrong: TrustedLabels, told: dict[str, Any]) -> None:
    with refused(**told):
        wrong.check(5, 2)


def test_each_stands_for_as_many_rows_as_it_was_drawn_from() -> None:
    trusted(inclusion=(0.25, math.nan)).check(5, 2)
    assert trusted(inclusion=(0.25, 1.0)).weights.tolist() == [4.0, 1.0]
    assert trusted(inclusion=(0.25, math.nan)).weights.tolist() == [4.0, 0.0]
    assert trusted(inclusion=(1.0, 1.0)).weights.tolist() == [0.0, 0.0]  # chosen ones alone say nothing of others
    assert trusted().weights.tolist() == [0.0, 0.0]


def test_the_digest_knows_rows_labels_and_inclusion_but_no_order() -> None:
    one = trusted(inclusion=(0.25, 1.0))
    assert one.digest == trusted((3, 0), (0, 1), (1.0, 0.25)).digest
    others = [trusted((0, 2), inclusion=(0.25, 1.0)), trusted(labels=(0, 0), inclusion=(0.25, 1.0)), trusted()]
    assert len({one.digest, *(other.digest for other in others)}) == 4

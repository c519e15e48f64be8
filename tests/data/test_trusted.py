"""Answers as they are given to a training: what is refused, and what each stands for."""

from __future__ import annotations

import math

import numpy as np
import pytest

from clc_text.data.trusted import TrustedLabels
from clc_text.errors import InputError


def trusted(rows: object = (0, 3), labels: object = (1, 0), inclusion: object = None) -> TrustedLabels:
    return TrustedLabels(
        np.array(rows), np.array(labels), None if inclusion is None else np.array(inclusion, dtype=np.float64)
    )


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        (trusted((), ()), "integers|whole numbers|no answer"),
        (TrustedLabels(np.empty(0, np.int64), np.empty(0, np.int64)), "no answer"),
        (trusted((0, 9)), "row 9"),
        (trusted((-1, 2)), "row -1"),
        (trusted((3, 3)), "row 3 several times"),
        (trusted(labels=(0, 2)), "class 2 for row 3"),
        (trusted(labels=(0, -1)), "class -1"),
        (trusted((0, 1, 2)), "3 rows and 2 labels"),
        (trusted((0.5, 1.0)), "trusted.rows"),
        (trusted(inclusion=(0.5,)), "inclusion"),
        (trusted(inclusion=(0.5, 0.0)), "inclusion of row 3"),
        (trusted(inclusion=(1.5, math.nan)), "inclusion of row 0"),
    ],
)
def test_what_is_no_answer_is_refused(wrong: TrustedLabels, named: str) -> None:
    with pytest.raises(InputError, match=named):
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

"""Votes in whatever form a caller has them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from refusals import refused

from clc_text.data.tabular.annotators import frame_of_votes

TABLE = [["a", "b"], ["a", None], [None, "b"]]


@pytest.mark.parametrize(
    "votes",
    [
        TABLE,
        np.array(TABLE, object),
        np.array([["a", "b"], ["a", ""], [" ", "b"]]),
        {"annotator_1": ["a", "a", float("nan")], "annotator_2": ["b", None, "b"]},
        pd.DataFrame(TABLE, columns=["annotator_1", "annotator_2"], index=[7, 8, 9]),
        pd.DataFrame(TABLE, columns=["annotator_1", "annotator_2"], dtype="string"),
    ],
)
def test_words(votes: Any) -> None:
    found = frame_of_votes(votes)
    assert list(found.columns) == ["annotator_1", "annotator_2"] and list(found.index) == [0, 1, 2]
    assert found.to_numpy(dtype=object).tolist() == TABLE


@pytest.mark.parametrize(
    "votes",
    [
        np.array([[1, 0], [1, -1], [-1, 0]]),
        torch.tensor([[1, 0], [1, -1], [-1, 0]]),
        np.array([[1, 0], [1, np.nan], [np.nan, 0]]),
        pd.DataFrame({"x": pd.array([1, 1, None], "Int64"), "y": [0, None, 0]}),
    ],
)
def test_numbers(votes: Any) -> None:
    assert frame_of_votes(votes).to_numpy(dtype=object).tolist() == [[1, 0], [1, None], [None, 0]]


SHARES = [[[0.9, 0.1], None], [None, [0.2, 0.8]], [[1, 0], [0.5, 0.5]]]
NOTHING = [float("nan"), float("nan")]
TOLD = [[one or NOTHING for one in row] for row in SHARES]


@pytest.mark.parametrize(
    "votes",
    [
        SHARES,
        TOLD,
        np.array(TOLD),
        torch.nan_to_num(torch.tensor(TOLD, dtype=torch.float64)),
        {"annotator_1": [row[0] for row in SHARES], "annotator_2": [row[1] for row in SHARES]},
        pd.DataFrame(SHARES, columns=["annotator_1", "annotator_2"]),
    ],
)
def test_probabilities(votes: Any) -> None:
    found = frame_of_votes(votes)
    assert list(found.columns) == ["annotator_1", "annotator_2"]
    assert found.to_numpy(dtype=object).tolist() == [
        [{0: 0.9, 1: 0.1}, None], [None, {0: 0.2, 1: 0.8}], [{0: 1.0}, {0: 0.5, 1: 0.5}]
    ]  # fmt: skip


def test_what_are_no_probabilities_is_refused_with_its_row() -> None:
    for wrong in ([0.9, 0.3], [1.5, -0.5], [0.5, 0.25, 0.25], ["a", "b"]):
        with refused(row=1):
            frame_of_votes([[[0.9, 0.1], [0.5, 0.5]], [None, wrong]])


@pytest.mark.parametrize(
    "votes",
    [
        [["a"], ["a", "b"]],
        ["ab", "cd"],
        np.zeros((2, 2, 2, 2)),
        {"a": [1, 2], "b": [1]},
        pd.DataFrame([[1, 2]], columns=["a", "a"]),
        pd.DataFrame(index=[0, 1]),
    ],
)
def test_what_is_no_table(votes: Any) -> None:
    with refused(key="annotators"):
        frame_of_votes(votes)

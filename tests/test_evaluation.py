"""Labels of a file against the classes of a run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from clc_text.errors import InputError
from clc_text.evaluation import class_numbers
from clc_text.prediction_file import read_labels

STARS = ["1", "2", "4", "10"]


@pytest.mark.parametrize(
    ("labels", "names", "numbers"),
    [
        ([4, 1, 10], STARS, [2, 0, 3]),
        (["10", "2"], STARS, [3, 1]),
        ([0, 2], ["pos", "neutral", "neg"], [0, 2]),
        (["neg", "pos"], ["pos", "neg"], [1, 0]),
    ],
)
def test_a_label_is_a_name_and_a_place_only_where_no_name_is_a_number(
    labels: list[Any], names: list[str], numbers: list[int]
) -> None:
    assert class_numbers(labels, names, "f").tolist() == numbers


@pytest.mark.parametrize(
    ("labels", "names", "sentence"),
    [
        ([1, 2, 0], STARS, "f, row 3: the label '0' is none of 1, 2, 4, 10$"),
        ([1, 3], STARS, "f, row 2: the label '3' is none of 1, 2, 4, 10$"),
        ([0, 1], ["unknown", "1"], "f, row 1: the label '0' is none of unknown, 1$"),
        (["pos", "0"], ["pos", "neg"], "f, row 2: the label '0' is none of pos, neg$"),
        ([1, 2], ["pos", "neg"], "f, row 2: the label '2' is none of pos, neg, nor of 0 to 1$"),
        ([0, None], ["pos", "neg"], "f, row 2 has no label"),
    ],
)
def test_an_unknown_label_is_never_taken_for_another_class(labels: list[Any], names: list[str], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        class_numbers(labels, names, "f")


@pytest.mark.parametrize(
    ("labels", "names", "numbers"),
    [([4.0, 10.0], STARS, [2, 3]), ([True, False], ["false", "true"], [1, 0]), ([1.0, 0.0], ["a", "b"], [1, 0])],
)
def test_whole_floats_and_booleans_are_read_as_training_reads_them(
    labels: list[Any], names: list[str], numbers: list[int], tmp_path: Path
) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps({"text": "a", "label": label}) + "\n" for label in labels))
    assert class_numbers(read_labels(path, "label"), names, "f").tolist() == numbers

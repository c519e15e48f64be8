"""Labels of a file against the classes of a run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from refusals import refused

from clc_text.errors import InputError
from clc_text.inference.evaluation import known_classes, label_pairs
from clc_text.inference.prediction_file import read_labels

STARS = ["1", "2", "4", "10"]


@pytest.mark.parametrize(
    ("labels", "names", "numbers", "read_as"),
    [
        ([4, 1, 10], STARS, [2, 0, 3], {}),
        (["10", "2"], STARS, [3, 1], {}),
        (["neg", "pos"], ["pos", "neg"], [1, 0], {}),
        (["1.0", "4.00"], STARS, [0, 2], {"1.0": "1", "4.00": "4"}),
        (["1.00", "1.0", "1"], ["1", "1.0"], [-1, 1, 0], {}),  # two classes of one size
        ([1, 2, 0], STARS, [0, 1, -1], {}),
        ([0, 1], ["unknown", "1"], [-1, 1], {}),
        (["pos", "0", None], ["pos", "neg"], [0, -1, -1], {}),
    ],
)
def test_a_label_is_a_name_and_never_a_place(
    labels: list[Any], names: list[str], numbers: list[int], read_as: dict[str, str]
) -> None:
    found = known_classes(labels, names, "f")
    assert (found.numbers.tolist(), found.read_as) == (numbers, read_as)
    assert found.left_out == numbers.count(-1) and len(found.notes) == bool(read_as) + (found.left_out > 0)


def test_numbers_for_words_are_asked_for() -> None:
    with pytest.raises(InputError, match=r"numbers \('2', '0'\).*words \(a, b\).*--label-map 0=\?,2=\? with a class"):
        known_classes([2, 0, 2], ["a", "b"], "f")
    found = known_classes([2, 0, 2, 5], ["a", "b"], "f", label_pairs("2=a,0=b"))
    assert found.numbers.tolist() == [0, 1, 0, -1] and found.read_as == {"2": "a", "0": "b"}
    assert label_pairs('0=a,"1=b,c"') == {"0": "a", "1": "b,c"}


@pytest.mark.parametrize("labels", [["x"], [None]])
def test_where_nothing_is_known_nothing_is_scored(labels: list[Any]) -> None:
    with refused(where="f"):
        known_classes(labels, ["pos", "neg"], "f")


def test_what_is_left_out_is_named_in_bounds() -> None:
    labels = ["pos", *["x" * 1_000] * 50, *map(str, range(2_000))]
    (note,) = known_classes(labels, ["pos", "neg"], "f").notes
    assert note.startswith("2,050 rows are left out") and "(50 rows: rows 2, 3, 4, 5, 6, …)" in note
    assert "and 1991 other labels" in note and len(note) < 1_000
    names = [f"class {number}" for number in range(5_000)]
    with pytest.raises(InputError) as error:
        known_classes(["y" * 10_000], names, "f")
    assert len(str(error.value)) < 1_000


@pytest.mark.parametrize(
    ("labels", "names", "numbers"),
    [([4.0, 10.0], STARS, [2, 3]), ([True, False], ["false", "true"], [1, 0]), ([1.0, 0.0], ["0", "1"], [1, 0])],
)
def test_whole_floats_and_booleans_are_read_as_training_reads_them(
    labels: list[Any], names: list[str], numbers: list[int], tmp_path: Path
) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps({"text": "a", "label": label}) + "\n" for label in labels))
    assert known_classes(read_labels(path, "label"), names, "f").numbers.tolist() == numbers

"""What a noise is given by a dataset: columns as class names, and features where a noise asks for them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from refusals import refused

from clc_text.config.recipe import Recipe, load, loads
from clc_text.data.labels import Labels
from clc_text.errors import InputError
from clc_text.runs.noise_files import inject_and_save, replay_and_save

LABEL = [1, 2, 3, 3, 2, 1]
GIVEN = [1, 2, 3, 1, 2, 2]  # two of six are wrong


def write(path: Path, columns: dict[str, Any], features: datasets.Features | None = None) -> Path:
    rows = {"text": [f"question {row}" for row in range(len(LABEL))], **columns}
    if path.suffix == ".csv":
        pyarrow.csv.write_csv(pa.table(rows), path)
    elif path.suffix == ".jsonl":
        datasets.Dataset.from_dict(rows).to_json(path)
    else:
        pq.write_table(datasets.Dataset.from_dict(rows, features=features).data.table, path)
    return path


def from_column(train: Path, column: str = "given") -> Recipe:
    return loads(
        f"data: {{name: files, train: '{train}', text: text, label: label}}\nnoise: {{name: column, column: {column}}}"
    )


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_numbers_name_their_classes_in_every_kind_of_file(tmp_path: Path, kind: str) -> None:
    train = write(tmp_path / f"rows.{kind}", {"label": LABEL, "given": GIVEN})
    manifest = inject_and_save(from_column(train), tmp_path / "out")
    assert manifest["label_names"] == ["1", "2", "3"]
    assert manifest["realised_counts"] == [[1, 1, 0], [0, 2, 0], [1, 0, 1]]
    noisy = Labels.read(tmp_path / "out" / "noise" / "labels.parquet").given
    assert noisy.tolist() == [number - 1 for number in GIVEN]


def test_numbers_of_a_class_label_are_places_among_its_own_names(tmp_path: Path) -> None:
    names = ["who", "num", "loc"]  # the column of labels sorts them otherwise
    words = [names[number - 1] for number in LABEL]
    features = datasets.Features(
        text=datasets.Value("string"), label=datasets.Value("string"), given=datasets.ClassLabel(names=names)
    )
    columns = {"label": words, "given": [number - 1 for number in GIVEN]}
    manifest = inject_and_save(from_column(write(tmp_path / "rows.parquet", columns, features)), tmp_path / "out")
    assert manifest["label_names"] == ["loc", "num", "who"]
    assert manifest["realised_rate"] == pytest.approx(2 / 6)


def test_truth_values_are_classes(tmp_path: Path) -> None:
    columns = {"label": [number > 1 for number in LABEL], "given": [number > 1 for number in GIVEN]}
    manifest = inject_and_save(from_column(write(tmp_path / "rows.jsonl", columns)), tmp_path / "out")
    assert manifest["label_names"] == ["false", "true"]
    assert manifest["realised_counts"] == [[1, 1], [1, 3]]


def numbered_words(folder: Path) -> Path:
    """Words as labels, and the given ones as numbers in another order than the alphabet's: c = 0, b = 1, a = 2."""
    words = ["abc"[number - 1] for number in LABEL]
    return write(folder / "rows.jsonl", {"label": words, "given": [3 - number for number in GIVEN]})


def test_numbers_of_words_are_asked_for(tmp_path: Path) -> None:
    """Sorted words were numbered by nobody: as places among them three of four labels would silently be wrong."""
    train = numbered_words(tmp_path)
    with pytest.raises(InputError, match=r"holds numbers \(0, 1, 2\).* noise\.label_map: \{0: \?, 1: \?, 2: \?\}"):
        inject_and_save(from_column(train), tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "told",
    ["noise.label_map={0: c, 1: b, 2: a}", "data.label_map={0: c, 1: b, 2: a}", "data.label_names=[c, b, a]"],
)
def test_numbers_of_words_are_read_as_somebody_has_told(tmp_path: Path, told: str) -> None:
    recipe = loads(from_column(numbered_words(tmp_path)).dump(), overrides=[told])
    manifest = inject_and_save(recipe, tmp_path / "out")
    matrix = dict(zip(manifest["label_names"], manifest["realised_counts"], strict=True))
    assert {name: row[manifest["label_names"].index(name)] for name, row in matrix.items()} == {"a": 1, "b": 2, "c": 1}
    assert manifest["realised_rate"] == pytest.approx(2 / 6)
    if not told.startswith("data.label_map"):  # which holds for the column of labels as well, and is told there
        assert "Labels read: '0' as 'c', '1' as 'b', '2' as 'a'." in manifest["convention"]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ([1, 2, None, 1, 2, None], {"key": "given", "row": 3}),
        ([1, 2, 3, 0, 2, 2], {"key": "given", "row": 4}),
        ([[1]] * 6, {"key": "given", "where": "rows"}),
    ],
)
def test_a_column_that_holds_no_classes_is_refused(tmp_path: Path, given: list[Any], told: dict[str, Any]) -> None:
    train = write(tmp_path / "rows.jsonl", {"label": LABEL, "given": given})
    with refused(**told):
        inject_and_save(from_column(train), tmp_path / "out")


@pytest.mark.parametrize(("kind", "said"), [("csv", "row 5 of the file"), ("jsonl", "line 4 of the file")])
def test_a_row_is_called_as_its_file_counts_it(tmp_path: Path, kind: str, said: str) -> None:
    train = write(tmp_path / f"rows.{kind}", {"label": LABEL, "given": [1, 2, 3, 7, 2, 2]})
    with refused(key="given", row=int(said.split()[1]), says=f"{said}: '7' is not a class"):
        inject_and_save(from_column(train), tmp_path / "out")


def test_replay_makes_the_features_that_the_manifest_needs(tiny_recipe: Path, tmp_path: Path) -> None:
    """The recipe is asked for its data alone: its own noise may be another one, or none."""
    instance = load(tiny_recipe, ["noise={name: instance, rate: 0.3, draw: exact}"])
    inject_and_save(instance, tmp_path / "first")
    replay_and_save(tmp_path / "first", load(tiny_recipe, ["noise.name=none"]), tmp_path / "second")
    first, second = (
        Labels.read(tmp_path / folder / "noise" / "labels.parquet").given for folder in ("first", "second")
    )
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("depth", [900, 100_000])
def test_a_manifest_nested_too_deeply_is_refused(tiny_recipe: Path, tmp_path: Path, depth: int) -> None:
    recipe = load(tiny_recipe)
    inject_and_save(recipe, tmp_path / "first")
    file = tmp_path / "first" / "noise" / "manifest.json"
    file.write_text(file.read_text().replace('"draw": "independent"', f'"draw": {"[" * depth}{"]" * depth}', 1))
    with pytest.raises(InputError, match=r"nested too deeply|no readable JSON|which is none of its values"):
        replay_and_save(file, recipe, tmp_path / "second")

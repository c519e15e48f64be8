"""What holds for every registered noise, and for its manifest; a new noise needs an example here and nothing else."""

from __future__ import annotations

import copy
import dataclasses
import hashlib
import json
import os
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from refusals import refused

from clc_text.errors import InputError
from clc_text.noise.base import Noise, NoiseInput, noise
from clc_text.noise.draws import uniforms
from clc_text.noise.inject import inject, replay

NAMES = ["sport", "news", "art"]
MATRIX = [[0.8, 0.2, 0.0], [0.0, 0.6, 0.4], [0.3, 0.0, 0.7]]
EXAMPLES: dict[str, dict[str, Any]] = {
    "none": {},
    "symmetric": {"rate": 0.4},
    "symmetric_inclusive": {"rate": 0.4},
    "pairwise": {"rate": 0.4},
    "asymmetric": {"rate": 0.4, "map": {"sport": "art", "news": "art"}},
    "instance": {"rate": 0.4},
    "matrix": {"values": MATRIX},
    "column": {"column": "weak"},
}
DRAWN = [name for name in EXAMPLES if name not in ("none", "column")]
RATED = [name for name, options in EXAMPLES.items() if "rate" in options]


def example(name: str, **changes: Any) -> Noise:
    return noise.get(name)(**EXAMPLES[name] | changes)


def rows(count: int = 500, classes: int = 3) -> NoiseInput:
    random = np.random.default_rng(3)
    labels = random.integers(0, classes, count)
    features = random.normal(size=(count, 6)).astype(np.float32)
    weak = random.integers(0, classes, count).tolist()
    return NoiseInput(labels, NAMES[:classes], features, {"weak": weak})


def first(given: NoiseInput, count: int) -> NoiseInput:
    assert given.features is not None
    return dataclasses.replace(given, labels=given.labels[:count], features=given.features[:count])


def test_every_noise_has_an_example() -> None:
    """Those of several classes at once have theirs in `test_multi_label_noise`."""
    assert sorted(EXAMPLES) == [name for name in noise.names() if noise.get(name).single_label]


@pytest.mark.parametrize("name", EXAMPLES)
def test_labels_are_classes_and_the_input_stays(name: str) -> None:
    given = rows()
    before = copy.deepcopy(given)
    labels = inject(example(name), given, seed=1).labels
    assert labels.dtype == np.int64
    assert labels.shape == (500,)
    assert labels.min() >= 0
    assert labels.max() < 3
    assert not np.shares_memory(labels, given.labels)
    np.testing.assert_array_equal(given.labels, before.labels)
    np.testing.assert_array_equal(given.features, before.features)
    assert given.columns == before.columns


@pytest.mark.parametrize("name", EXAMPLES)
def test_same_seed_same_labels(name: str) -> None:
    np.testing.assert_array_equal(inject(example(name), rows(), 5).labels, inject(example(name), rows(), 5).labels)


@pytest.mark.parametrize("name", DRAWN)
@pytest.mark.parametrize("draw", ["independent", "exact"])
def test_another_seed_gives_other_labels(name: str, draw: str) -> None:
    kind = example(name, draw=draw)
    assert (inject(kind, rows(), 5).labels != inject(kind, rows(), 6).labels).any()


@pytest.mark.parametrize("name", RATED)
@pytest.mark.parametrize("draw", ["independent", "exact"])
def test_rate_zero_changes_nothing(name: str, draw: str) -> None:
    given = rows()
    np.testing.assert_array_equal(inject(example(name, rate=0.0, draw=draw), given, 1).labels, given.labels)


@pytest.mark.parametrize("name", DRAWN)
def test_a_rows_label_does_not_depend_on_the_rows_after_it(name: str) -> None:
    """But for rates by features: where a row lies among the others is what they are made of."""
    long = rows(500)
    kind = example(name, row_rate="drawn") if name == "instance" else example(name)
    np.testing.assert_array_equal(inject(kind, first(long, 77), 9).labels, inject(kind, long, 9).labels[:77])


@pytest.mark.parametrize("name", RATED)
def test_one_class_only(name: str) -> None:
    given = NoiseInput(np.zeros(5, np.int64), ["sport"], np.zeros((5, 2), np.float32))
    with refused(key="noise.map" if name == "asymmetric" else "noise.rate"):
        inject(example(name), given, 0)
    if name != "asymmetric":
        assert inject(example(name, rate=0.0), given, 0).labels.tolist() == [0] * 5


@pytest.mark.parametrize("name", EXAMPLES)
@pytest.mark.parametrize("draw", ["independent", "exact"])
def test_one_row(name: str, draw: str) -> None:
    kind = example(name) if name == "column" else example(name, draw=draw)
    given = dataclasses.replace(first(rows(), 1), columns={"weak": [2]})
    injection = inject(kind, given, 0)
    assert injection.labels.shape == (1,)
    assert injection.manifest["rows"] == 1
    json.dumps(injection.manifest, allow_nan=False)


@pytest.mark.parametrize("name", ["symmetric", "symmetric_inclusive", "pairwise", "instance"])
def test_two_classes(name: str) -> None:
    given = rows(2000, classes=2)
    labels = inject(example(name), given, 0).labels
    expected = 0.2 if name == "symmetric_inclusive" else 0.4
    assert abs((labels != given.labels).mean() - expected) < 0.06


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_class_without_rows(name: str) -> None:
    given = rows(60)
    given = dataclasses.replace(given, labels=given.labels % 2)
    manifest = inject(example(name), given, 0).manifest
    assert manifest["realised_rate_per_class"][2] is None
    assert manifest["realised_counts"][2] == [0, 0, 0]


# ---- the manifest ----


@pytest.mark.parametrize("name", EXAMPLES)
@pytest.mark.parametrize("draw", ["independent", "exact"])
def test_manifest_tells_what_happened_and_replays(name: str, draw: str) -> None:
    kind = example(name) if name == "column" else example(name, draw=draw)
    given = rows()
    injection = inject(kind, given, seed=11)
    manifest = json.loads(json.dumps(injection.manifest, allow_nan=False))
    assert manifest == injection.manifest
    np.testing.assert_array_equal(replay(manifest, given), injection.labels)

    pairs = list(zip(given.labels.tolist(), injection.labels.tolist(), strict=True))
    counts = [[pairs.count((true, noisy)) for noisy in range(3)] for true in range(3)]
    assert manifest["realised_counts"] == counts
    assert manifest["realised_rate"] == pytest.approx(sum(a != b for a, b in pairs) / 500)
    for true, rate in enumerate(manifest["realised_rate_per_class"]):
        assert rate == pytest.approx(1 - counts[true][true] / sum(counts[true]))
    layout = b"".join(struct.pack("<q", label) for label in injection.labels.tolist())
    assert manifest["sha256"]["noisy_labels"] == hashlib.sha256(layout).hexdigest()
    assert (manifest["sha256"]["features"] is not None) == kind.needs_features
    assert manifest["name"] == name
    assert manifest["draw"] == kind.draw
    assert manifest["seed"] == 11
    assert manifest["label_names"] == NAMES
    assert manifest["convention"].endswith(".")
    assert manifest["bit_generator"] == "PCG64"
    matrix = kind.matrix(NAMES)
    assert manifest["matrix"] == (None if matrix is None else matrix.tolist())
    if matrix is not None:
        expected = sum(1 - matrix[true, true] for true in given.labels) / 500
        assert manifest["expected_rate"] == pytest.approx(expected)


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_manifest_of_very_many_classes_has_no_tables_and_replays(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    kind, given = example(name), rows()
    whole = inject(kind, given, seed=11)
    monkeypatch.setattr("clc_text.noise.inject.DENSE_CLASSES", 2)
    short = inject(kind, given, seed=11)
    manifest = json.loads(json.dumps(short.manifest))
    np.testing.assert_array_equal(short.labels, whole.labels)
    np.testing.assert_array_equal(replay(manifest, given), whole.labels)
    counts = np.zeros((3, 3), int)
    for true, noisy, count in manifest.pop("realised_pairs"):
        assert count > 0
        counts[true, noisy] = count
    assert counts.tolist() == whole.manifest["realised_counts"] and manifest.pop("realised_counts") is None
    assert manifest.pop("matrix") == (MATRIX if name == "matrix" else None), "what else would know a file's matrix?"
    assert manifest.items() <= whole.manifest.items()


def test_true_labels_of_other_types_have_the_same_sha() -> None:
    given = rows()
    narrow = dataclasses.replace(given, labels=given.labels.astype(np.int32))
    a, b = inject(example("symmetric"), given, 1), inject(example("symmetric"), narrow, 1)
    assert a.manifest == b.manifest
    assert b.labels.dtype == np.int64


def test_the_stream_is_the_one_that_manifests_mean() -> None:
    """Literal values: whoever changes the stream breaks the replay of every manifest that was ever written."""
    assert uniforms(0, "flip", 3).tolist() == [0.9429375528828794, 0.3163371523854981, 0.7223425886498254]
    assert uniforms(2**40, "target", 2).tolist() == [0.972236731384979, 0.8143826259129184]
    given = NoiseInput(np.arange(12) % 3, NAMES)
    assert inject(example("symmetric", rate=0.5), given, 0).labels.tolist() == [0, 0, 2, 1, 2, 2, 2, 1, 0, 0, 1, 1]


def test_matrix_from_a_file_replays_without_the_file(tmp_path: Path) -> None:
    path = tmp_path / "t.json"
    path.write_text(json.dumps(MATRIX))
    injection = inject(noise.get("matrix")(file=str(path)), rows(), 1)
    path.unlink()
    assert injection.manifest["options"]["file"] == "t.json"
    assert str(tmp_path) not in json.dumps(injection.manifest)
    np.testing.assert_array_equal(replay(injection.manifest, rows()), injection.labels)


def changed(manifest: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    manifest = copy.deepcopy(manifest)
    *parents, last = path.split(".")
    node = manifest
    for parent in parents:
        node = node[parent]
    if value is None:
        del node[last]
    else:
        node[last] = value
    return manifest


@pytest.mark.parametrize(
    ("path", "value", "sentence"),
    [
        ("seed", None, "the key 'seed' is missing or no int"),
        ("sha256", "00", "the key 'sha256' is missing or no dict"),
        ("label_names", "sport", "the key 'label_names' is missing or no list"),
        ("rows", 499, "is of 499 rows, and the data has 500"),
        ("label_names", ["sport", "news", "arts"], "of the classes sport, news, arts, and the data"),
        ("name", "instanse", "there is no noise 'instanse'; did you mean 'instance'?"),
        ("options", {"rates": 0.4}, "options do not fit the noise 'instance'"),
        ("options.rate", 1.5, "noise.rate is 1.5"),
        ("sha256.true_labels", "00", "the true labels are not those of the manifest"),
        ("sha256.features", "00", "the features are not those of the manifest"),
        ("sha256.noisy_labels", "00", "the labels drawn now are not those of the manifest"),
        ("seed", 12, "the labels drawn now are not those of the manifest"),
        ("seed", -1, "a noise seed must be a whole number"),
    ],
)  # fmt: skip
def test_replay_refuses_in_one_sentence(path: str, value: Any, sentence: str) -> None:
    manifest = changed(inject(example("instance"), rows(), 11).manifest, path, value)
    with pytest.raises(InputError) as caught:
        replay(manifest, rows())
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


UNFIT: list[Any] = [5, -1, "x", [], {}, [[]], [5], [[None]], {"sport": 3}, {"sport": None}, True, float("nan"), None]


@pytest.mark.parametrize("name", EXAMPLES)
def test_whatever_stands_in_a_manifest_is_replayed_or_refused_in_one_sentence(name: str) -> None:
    """An option of a type that the noise does not take is refused, as in a recipe, before it is used."""
    manifest = json.loads(json.dumps(inject(example(name), rows(), 11).manifest))
    spoilt = [manifest | {key: value} for key in manifest for value in UNFIT]
    for key in manifest["options"]:
        spoilt += [manifest | {"options": manifest["options"] | {key: value}} for value in UNFIT]
    for changed_manifest in spoilt:
        try:
            replay(changed_manifest, rows())
        except InputError as error:
            assert "\n" not in str(error)


@pytest.mark.parametrize("value", [5, {"sport": 3}, {"sport": None}, ["art"], None])
def test_an_unfit_map_in_a_manifest_is_named(value: Any) -> None:
    manifest = inject(example("asymmetric"), rows(), 11).manifest
    manifest["options"]["map"] = value
    named = "options.map.sport" if isinstance(value, dict) else "options.map"
    with refused(where="the manifest's options do not fit the noise 'asymmetric'", key=named):
        replay(manifest, rows())


@pytest.mark.parametrize("value", [None, 5, "x", {}, [], [5]])
def test_a_manifest_without_its_matrix_is_named(value: Any) -> None:
    manifest = inject(example("matrix"), rows(), 11).manifest | {"matrix": value}
    with refused(where="in the manifest"):
        replay(manifest, rows())


def test_replay_refuses_other_true_labels() -> None:
    manifest = inject(example("symmetric"), rows(), 1).manifest
    other = rows()
    other.labels[3] = (other.labels[3] + 1) % 3
    with refused(key="true labels"):
        replay(manifest, other)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (NoiseInput(np.array([0, 3]), NAMES), "row 1 (from 0) has the label 3, but the 3 classes end at 2"),
        (NoiseInput(np.array([0, -1]), NAMES), "row 1 (from 0) has the label -1"),
        (NoiseInput(np.array([], np.int64), NAMES), "at least one row"),
        (NoiseInput(np.array([0.0, 1.0]), NAMES), "type float64"),
        (NoiseInput(np.array([0, 1]), NAMES), "needs features [rows, D] of all 2 rows, and got none"),
        (NoiseInput(np.array([0, 1]), NAMES, np.zeros((3, 2), np.float32)), "an array of shape (3, 2)"),
        (
            NoiseInput(np.array([0, 1]), NAMES, np.array([[0, 1], [np.nan, 0]], np.float32)),
            "features of row 1 (from 0)",
        ),
    ],
)
def test_unfit_rows_are_named(given: NoiseInput, sentence: str) -> None:
    with pytest.raises(InputError) as caught:
        inject(example("instance"), given, 0)
    assert sentence in str(caught.value)


@pytest.mark.parametrize("seed", [-1, 1.5, "1", True, None])
def test_unfit_seeds_are_named(seed: Any) -> None:
    with refused(key="noise seed"):
        inject(example("symmetric"), rows(), seed)


def test_real_noise_of_rules_on_trec() -> None:
    folder = Path(os.environ.get("CLC_TEXT_DATA", "")) / "trec_rules"
    if not os.environ.get("CLC_TEXT_DATA") or not folder.is_dir():
        pytest.skip("CLC_TEXT_DATA has no trec_rules")
    (source,) = folder.glob("*train*.jsonl")
    lines = [json.loads(line) for line in source.read_text(encoding="utf-8").splitlines()]
    names = sorted({line["gold"] for line in lines})
    true = np.array([names.index(line["gold"]) for line in lines])
    weak = [line["majority"] for line in lines]
    with refused(key="weak", row=weak.index(None)):
        inject(example("column"), NoiseInput(true, names, columns={"weak": weak}), 0)
    known = [row for row, label in enumerate(weak) if label is not None]
    given = NoiseInput(true[known], names, columns={"weak": [weak[row] for row in known]})
    manifest = inject(example("column"), given, 0).manifest
    assert manifest["realised_rate"] == pytest.approx(
        np.mean([lines[row]["gold"] != lines[row]["majority"] for row in known])
    )
    assert 0.2 < manifest["realised_rate"] < 0.6

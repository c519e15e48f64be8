"""Each noise's matrix against its definition, and the labels it draws against its matrix."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from refusals import refused

from clc_text.errors import InputError
from clc_text.noise.asymmetric import Asymmetric
from clc_text.noise.base import Noise, NoiseInput
from clc_text.noise.column import FromColumn
from clc_text.noise.draws import cumulated, pick_targets, select_rows, whole
from clc_text.noise.inject import inject, replay
from clc_text.noise.instance import InstanceDependent
from clc_text.noise.matrix import FromMatrix, read_matrix
from clc_text.noise.none import NoNoise
from clc_text.noise.pairwise import Pairwise
from clc_text.noise.symmetric import Symmetric
from clc_text.noise.symmetric_inclusive import SymmetricInclusive

NAMES = ["a", "b", "c", "d"]
GIVEN_MATRIX = [[0.7, 0.3, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0], [0.1, 0.2, 0.3, 0.4], [0.0, 0.0, 0.5, 0.5]]


def rows(count: int, classes: int = 4, seed: int = 0) -> NoiseInput:
    random = np.random.default_rng(seed)
    return NoiseInput(random.integers(0, classes, count), [chr(97 + c) for c in range(classes)])


def entry(kind: str, true: int, given: int, r: float, classes: int) -> float:
    """P(given | true), one entry at a time, from the definition."""
    if kind == "symmetric":
        return 1 - r if true == given else r / (classes - 1)
    if kind == "symmetric_inclusive":
        return 1 - r + r / classes if true == given else r / classes
    assert kind == "pairwise"
    return 1 - r if true == given else (r if given == (true + 1) % classes else 0.0)


@pytest.mark.parametrize("rate", [0.0, 0.2, 0.45, 0.5, 0.99])
@pytest.mark.parametrize("classes", [2, 3, 6, 20])
@pytest.mark.parametrize("kind", [Symmetric, SymmetricInclusive, Pairwise])
def test_matrix_entries(kind: type, classes: int, rate: float) -> None:
    names = [str(c) for c in range(classes)]
    matrix = kind(rate=rate).matrix(names)
    literal = [[entry(kind.name, i, j, rate, classes) for j in range(classes)] for i in range(classes)]
    np.testing.assert_allclose(matrix, literal, atol=1e-12)
    np.testing.assert_allclose(matrix.sum(1), 1, atol=1e-12)


def test_two_conventions_of_symmetric_differ_and_say_so() -> None:
    exclusive, inclusive = Symmetric(rate=0.4), SymmetricInclusive(rate=0.4)
    assert exclusive.matrix(NAMES)[0, 0] == pytest.approx(0.6)
    assert inclusive.matrix(NAMES)[0, 0] == pytest.approx(0.7)
    assert "exclusive" in exclusive.convention(NAMES)
    assert "real noise rate is 0.3" in inclusive.convention(NAMES)


def test_asymmetric_matrix() -> None:
    matrix = Asymmetric(rate=0.3, map={"a": "c", "d": "a"}).matrix(NAMES)
    assert matrix.tolist() == [[0.7, 0, 0.3, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0.3, 0, 0, 0.7]]


def test_asymmetric_cifar10_by_its_name() -> None:
    names = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]
    matrix = Asymmetric(rate=0.4, map="cifar10").matrix(names)
    flipped = {(names[i], names[j]) for i, j in zip(*np.nonzero(matrix), strict=True) if i != j}
    assert flipped == {
        ("truck", "automobile"), ("bird", "airplane"), ("deer", "horse"), ("cat", "dog"), ("dog", "cat"),
    }  # fmt: skip
    assert {matrix[names.index(i), names.index(j)] for i, j in flipped} == {0.4}


EVERY_MATRIX_NOISE: list[Noise] = [
    NoNoise(),
    Symmetric(rate=0.35),
    SymmetricInclusive(rate=0.35),
    Pairwise(rate=0.45),
    Asymmetric(rate=0.4, map={"a": "b", "c": "d"}),
    FromMatrix(values=GIVEN_MATRIX),
]


@pytest.mark.parametrize("kind", EVERY_MATRIX_NOISE, ids=lambda kind: kind.name)
def test_frequencies_lie_within_binomial_bounds(kind: Noise) -> None:
    """Five standard deviations of a binomial share, and nothing at all where the matrix has a 0."""
    given = rows(200_000)
    labels = inject(kind, given, seed=7).labels
    matrix = kind.matrix(NAMES)
    assert matrix is not None
    for true in range(4):
        drawn = labels[given.labels == true]
        for target in range(4):
            share, p = (drawn == target).mean(), matrix[true, target]
            assert abs(share - p) <= 5 * np.sqrt(p * (1 - p) / len(drawn))


@pytest.mark.parametrize("rate", [0.2, 0.29, 0.45, 0.5])
@pytest.mark.parametrize("count", [1, 2, 99, 100, 5452])
def test_exact_draw_flips_exactly_that_many(rate: float, count: int) -> None:
    given = rows(count)
    expected = (round(rate * 100) * count) // 100  # in whole numbers: 0.29 * 100 is 28.999... as floats
    for kind in (Symmetric(rate=rate, draw="exact"), Pairwise(rate=rate, draw="exact")):
        assert (inject(kind, given, 3).labels != given.labels).sum() == expected


def test_exact_draw_of_partly_clean_classes() -> None:
    given = rows(10_000)
    labels = inject(Asymmetric(rate=0.3, map={"a": "b", "c": "d"}, draw="exact"), given, 3).labels
    noisy = np.isin(given.labels, [0, 2])
    assert (labels != given.labels)[~noisy].sum() == 0
    assert (labels != given.labels).sum() == (3 * noisy.sum()) // 10
    off = 1 - np.diag(GIVEN_MATRIX)
    labels = inject(FromMatrix(values=GIVEN_MATRIX, draw="exact"), given, 3).labels
    assert (labels != given.labels).sum() == int(off[given.labels].sum())


def test_exact_draw_of_inclusive_redraws_that_many() -> None:
    """int(0.5 * 40,000) rows are redrawn, of which 3/4 end up wrong: 15,000, give or take 5 sd of 61."""
    given = rows(40_000)
    wrong = (inject(SymmetricInclusive(rate=0.5, draw="exact"), given, 3).labels != given.labels).sum()
    assert abs(wrong - 15_000) <= 310


def test_higher_rate_flips_the_same_rows_and_more() -> None:
    given = rows(2000)
    for draw in ("independent", "exact"):
        few = inject(Symmetric(rate=0.2, draw=draw), given, 5).labels
        many = inject(Symmetric(rate=0.5, draw=draw), given, 5).labels
        flipped = few != given.labels
        assert flipped.any()
        assert (few[flipped] == many[flipped]).all()


def test_draw_primitives_against_a_loop() -> None:
    random = np.random.default_rng(0)
    targets = random.dirichlet([0.4] * 5, size=5)
    targets[2] = [0, 0.5, 0.5, 0, 0]
    targets[3] = [0, 0, 0, 0, 1]
    labels, v = random.integers(0, 5, 3000), random.random(3000)
    v[:3] = [0.0, 1 - 2**-53, 0.5]
    labels[:3] = 2
    literal = []
    for label, number in zip(labels, v, strict=True):
        possible = [target for target in range(5) if targets[label, target] > 0]
        total = 0.0
        for target in possible:
            total += targets[label, target]
            if number < total or target == possible[-1]:
                literal.append(target)
                break
    np.testing.assert_array_equal(pick_targets(targets, labels, v), literal)
    assert (targets[labels, pick_targets(targets, labels, v)] > 0).all()


def test_rounding_never_reaches_an_impossible_class() -> None:
    tenths = np.array([0.1] * 10 + [0.0])  # sums to 0.9999999999999999
    assert cumulated(tenths)[9] == 1.0
    assert pick_targets(np.tile(tenths, (11, 1)), np.array([0]), np.array([1 - 2**-53])).tolist() == [9]


def test_sequential_poisson_sampling_by_hand() -> None:
    """u/rate = 4, 0.5, -, 1, 2: the two smallest are rows 1 and 3; the row of rate 0 never, however many are asked."""
    rates, u = np.array([0.1, 0.4, 0.0, 0.5, 0.25]), np.array([0.4, 0.2, 0.0, 0.5, 0.5])
    assert select_rows(rates, u, 2.9).tolist() == [False, True, False, True, False]
    assert select_rows(rates, u, 5).tolist() == [True, True, False, True, True]
    assert select_rows(rates, u).tolist() == [False, True, False, False, False]
    assert whole(0.29 * 100) == 29
    assert whole(0.999) == 0


# ---- instance-dependent ----


def features(count: int = 4000, width: int = 12) -> np.ndarray:
    return np.random.default_rng(1).normal(size=(count, width)).astype(np.float32)


def test_instance_probabilities_against_one_row_at_a_time() -> None:
    from scipy.special import ndtri

    from clc_text.noise.draws import bits, next_uniforms

    given = NoiseInput(rows(300).labels, NAMES, features(300, 5))
    source = bits(9, "projection")
    projections = [ndtri(next_uniforms(source, 20) + 2.0**-54).reshape(5, 4) for _ in range(4)]
    found = np.zeros((300, 4))
    for which, probabilities in InstanceDependent(rate=0.3).target_probabilities(given, 9):
        found[which] = probabilities
    for row in range(300):
        true = given.labels[row]
        scores = [
            sum(float(given.features[row, d]) * projections[true][d, k] for d in range(5)) for k in range(4)
        ]  # fmt: skip
        weights = [0.0 if k == true else np.exp(scores[k]) for k in range(4)]
        np.testing.assert_allclose(found[row], np.array(weights) / sum(weights), rtol=1e-9)


def test_instance_rates_follow_the_truncated_normal() -> None:
    """The largest gap between the two distribution functions: above 2.2/sqrt(20,000) once in 10,000 seeds."""
    from scipy.special import ndtr

    given = NoiseInput(np.zeros(20_000, np.int64), NAMES, None)
    rates = np.sort(InstanceDependent(rate=0.15, row_rate="drawn").row_rates(given, 4))
    assert rates[0] >= 0
    assert rates[-1] <= 1
    low, high = ndtr(-1.5), ndtr(8.5)
    expected = (ndtr((rates - 0.15) / 0.1) - low) / (high - low)
    assert np.abs(expected - np.arange(1, 20_001) / 20_000).max() < 2.2 / np.sqrt(20_000)


@pytest.mark.parametrize("rate", [0.001, 0.05, 0.4, 0.9, 0.999])
def test_instance_rates_by_features_have_the_mean_that_is_asked_for(rate: float) -> None:
    given = NoiseInput(rows(4000).labels, NAMES, features())
    rates = InstanceDependent(rate=rate).row_rates(given, 4)
    assert rates.min() >= 0 and rates.max() <= 1
    assert rates.mean() == pytest.approx(rate, abs=1e-9)


def test_instance_rates_by_features_depend_on_the_row_alone() -> None:
    """Along one direction the rate only rises; a row and its copy, of any class and anywhere, have the same."""
    from scipy.special import ndtri
    from scipy.stats import spearmanr, truncnorm

    from clc_text.noise.draws import uniforms

    values = features(3000)
    values[2000:] = values[:1000]
    given = NoiseInput(rows(3000).labels, NAMES, values)
    rates = InstanceDependent(rate=0.3).row_rates(given, 4)
    np.testing.assert_array_equal(rates[2000:], rates[:1000])
    direction = ndtri(uniforms(4, "row-direction", 12) + 2.0**-54)
    along = [sum(float(value) * float(weight) for value, weight in zip(row, direction, strict=True)) for row in values]
    assert spearmanr(along, rates).statistic == pytest.approx(1, abs=1e-9)
    order = np.argsort(rates)
    middle = rates[order[1500]]
    location = middle - 0.1 * truncnorm.ppf(0.5, -middle / 0.1, (1 - middle) / 0.1)
    assert location == pytest.approx(0.3, abs=0.01)  # far from the ends the truncation hardly moves it
    assert np.abs(rates - InstanceDependent(rate=0.3).row_rates(given, 5)).max() > 0.1  # another direction


def test_an_instance_manifest_without_the_choice_replays_what_it_drew() -> None:
    given = NoiseInput(rows(2000).labels, NAMES, features(2000))
    made = inject(InstanceDependent(rate=0.4, row_rate="drawn"), given, 3)
    manifest = made.manifest | {
        "options": {key: value for key, value in made.manifest["options"].items() if key != "row_rate"}
    }
    np.testing.assert_array_equal(replay(manifest, given), made.labels)
    assert (inject(InstanceDependent(rate=0.4), given, 3).labels != made.labels).any()


@pytest.mark.parametrize("row_rate", ["features", "drawn"])
def test_instance_flips_at_the_rows_rates_and_to_its_targets(row_rate: Literal["features", "drawn"]) -> None:
    given = NoiseInput(rows(40_000).labels, NAMES, features(40_000))
    kind = InstanceDependent(rate=0.4, row_rate=row_rate)
    wrong = inject(kind, given, 2).labels != given.labels
    assert abs(wrong.mean() - kind.row_rates(given, 2).mean()) < 5 * np.sqrt(0.25 / 40_000)
    exact = inject(InstanceDependent(rate=0.4, draw="exact", row_rate=row_rate), given, 2).labels
    assert (exact != given.labels).sum() == 16_000
    rates = kind.row_rates(given, 2)
    assert rates[exact != given.labels].mean() > rates.mean() + 0.01


# ---- a matrix from a file ----


def test_matrix_file_of_every_kind(tmp_path) -> None:
    array = np.array(GIVEN_MATRIX)
    np.save(tmp_path / "t.npy", array)
    (tmp_path / "t.json").write_text(json.dumps(GIVEN_MATRIX))
    (tmp_path / "t.csv").write_text("\n".join(",".join(map(str, row)) for row in GIVEN_MATRIX) + "\n")
    for kind in ("npy", "json", "csv"):
        np.testing.assert_array_equal(FromMatrix(file=str(tmp_path / f"t.{kind}")).matrix(NAMES), array)


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("t.csv", "1,0\n0.5,0.4\n", "row 2 ('b') sums to 0.9 instead of 1"),
        ("t.csv", "1,0\n1.5,-0.5\n", "row 2 ('b') has the negative number -0.5"),
        ("t.csv", "nan,0\n0,1\n", "row 1 ('a') has a number that is not finite"),
        ("t.csv", "1,0\n0,one\n", "row 2: 'one' is not a number"),
        ("t.csv", "1,0\n0,1,0\n", "row 2 has 3 numbers, and row 1 2"),
        ("t.csv", "1,0,0\n0,1,0\n", "is 2 x 3, but the data has 2 classes"),
        ("t.csv", "", "must be a list of rows"),
        ("t.json", '{"a": 1}', "must hold numbers only"),
        ("t.json", '[["x", 1], [0, 1]]', "must hold numbers only"),
        ("t.json", "[[1, 0", "cannot be read"),
        ("t.npy", "nonsense", "cannot be read"),
        ("t.txt", "1 0", "must be a .csv, .json or .npy file"),
    ],
)
def test_matrix_file_mistakes_are_named(tmp_path, name: str, content: str, sentence: str) -> None:
    path = tmp_path / name
    path.write_text(content)
    with pytest.raises(InputError) as caught:
        FromMatrix(file=str(path)).matrix(["a", "b"])
    assert sentence in str(caught.value)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_matrix_file_is_never_unpickled(tmp_path) -> None:
    class Bomb:
        def __reduce__(self):
            return (pytest.fail, ("the file was unpickled",))

    (tmp_path / "t.npy").write_bytes(pickle.dumps(Bomb()))
    with refused(where=tmp_path / "t.npy"):
        FromMatrix(file=str(tmp_path / "t.npy")).matrix(["a", "b"])
    np.save(tmp_path / "o.npy", np.array([Bomb()], dtype=object), allow_pickle=True)
    with refused(where=tmp_path / "o.npy"):
        FromMatrix(file=str(tmp_path / "o.npy")).matrix(["a", "b"])


def test_missing_matrix_file_names_the_nearest(tmp_path) -> None:
    (tmp_path / "trec.csv").write_text("1")
    with refused(where=tmp_path / "trek.csv"):
        FromMatrix(file=str(tmp_path / "trek.csv")).matrix(["a"])


# ---- a column ----


def column(values: object) -> NoiseInput:
    return NoiseInput(np.array([0, 1, 2]), ["x", "y", "z"], columns={"weak": values, "text": ["", "", ""]})


@pytest.mark.parametrize("values", [["z", "y", "x"], [2, 1, 0], np.array([2, 1, 0]), [2.0, 1.0, 0.0], ["2", "1", "0"]])
def test_column_of_names_or_numbers(values: object) -> None:
    given = column(values)
    injection = inject(FromColumn(column="weak"), given, 0)
    assert injection.labels.tolist() == [2, 1, 0]
    assert injection.manifest["realised_rate"] == pytest.approx(2 / 3)
    assert injection.manifest["realised_counts"] == [[0, 0, 1], [0, 1, 0], [1, 0, 0]]


@pytest.mark.parametrize(
    ("names", "values", "expected"),
    [
        (["1", "2", "3"], [1, 2, 2], [0, 1, 1]),
        (["1", "2", "3"], [3.0, 1.0, 2.0], [2, 0, 1]),
        (["2", "1", "0"], np.array([0, 1, 2]), [2, 1, 0]),
        (["false", "true"], [True, False, True], [1, 0, 1]),
    ],
)
def test_numbers_and_truth_values_are_names_where_classes_are_called_so(
    names: list[str], values: object, expected: list[int]
) -> None:
    given = NoiseInput(np.array([0, 1, 1]), names, columns={"weak": values})
    assert inject(FromColumn(column="weak"), given, 0).labels.tolist() == expected


@pytest.mark.parametrize(
    ("values", "told", "refusal"),
    [
        ([0, 1, 5], {"0": "x", "1": "y"}, {"key": "weak", "row": 2}),
        ([0, 1, 2], {"0": "xx"}, {"key": "noise.label_map"}),
    ],
)
def test_a_label_map_of_the_column_says_all(values: object, told: dict[str, str], refusal: dict[str, Any]) -> None:
    with refused(**refusal):
        inject(FromColumn(column="weak", label_map=told), column(values), 0)


@pytest.mark.parametrize("value", [0, 4])
def test_a_number_that_is_no_name_is_no_place_either(value: int) -> None:
    given = NoiseInput(np.array([0, 1, 2]), ["1", "2", "3"], columns={"weak": [1, value, 3]})
    with refused(key="weak", row=1):
        inject(FromColumn(column="weak"), given, 0)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        (["z", None, None], "has no label in row 1 (from 0), and in 1 more"),
        ([0.0, float("nan"), 1.0], "has no label in row 1 (from 0), and in 0 more"),
        ([0, 1, 3], "row 2 (from 0): '3' is not a class; classes: 0 to 2"),
        ([0, 1.5, 1], "row 1 (from 0): '1.5' is not a class"),
        ([float("inf"), 0, 1], "row 0 (from 0): 'inf' is not a class"),
        ([True, 0, 2], "row 0 (from 0): 'true' is not a class"),
        (["x", "2", "z"], "row 1 (from 0): '2' is not a class"),
        (["x", "yy", "z"], "row 1 (from 0): 'yy' is not a class; did you mean 'y'?"),
        ([[0], [1], [2]], "holds lists or mappings"),
        (["x", "y"], "has 2 rows, and the data 3"),
    ],
)
def test_column_mistakes_are_named(values: object, sentence: str) -> None:
    with pytest.raises(InputError) as caught:
        inject(FromColumn(column="weak"), column(values), 0)
    assert "'weak'" in str(caught.value)
    assert sentence in str(caught.value)


def test_absent_column_names_the_nearest() -> None:
    with refused(key="noise.column"):
        inject(FromColumn(column="week"), column([0, 1, 2]), 0)


# ---- options ----


@pytest.mark.parametrize("rate", [-0.1, 1, 1.0, 2, float("nan"), float("inf"), "0.2", None, True])
def test_rate_out_of_range_names_the_key(rate: object) -> None:
    with refused(key="noise.rate"):
        Symmetric(rate=rate)


@pytest.mark.parametrize(
    ("build", "key"),
    [
        (lambda: Symmetric(rate=0.1, draw="exactly"), "noise.draw"),
        (lambda: Asymmetric(rate=0.1, map={}), "noise.map"),
        (lambda: Asymmetric(rate=0.1, map="cifar1O"), "noise.map"),
        (lambda: Asymmetric(rate=0.1, map={"aa": "b"}).matrix(NAMES), "noise.map"),
        (lambda: Asymmetric(rate=0.1, map={"a": "bb"}).matrix(NAMES), "noise.map"),
        (lambda: Asymmetric(rate=0.1, map={"a": "a"}).matrix(NAMES), "noise.map"),
        (lambda: InstanceDependent(rate=0.1, rate_std=0), "noise.rate_std"),
        (lambda: FromMatrix(), "noise.file"),
        (lambda: FromMatrix(file="t.csv", values=[[1.0]]), "noise.file"),
        (lambda: FromColumn(column="weak", draw="exact"), "noise.draw"),
    ],
)
def test_other_options_are_checked(build, key: str) -> None:
    with refused(key=key):
        build()


def test_complex_numbers_are_no_probabilities(tmp_path: Path) -> None:
    np.save(tmp_path / "t.npy", np.eye(2) * (1 + 1j))
    with refused(where=tmp_path / "t.npy"):
        read_matrix(tmp_path / "t.npy")


def test_a_file_that_promises_more_than_it_holds_takes_no_memory(tmp_path: Path) -> None:
    np.save(tmp_path / "t.npy", np.eye(2))
    content = (tmp_path / "t.npy").read_bytes()
    assert b"(2, 2), }      " in content
    (tmp_path / "t.npy").write_bytes(content.replace(b"(2, 2), }      ", b"(99999, 99999)}"))
    with pytest.raises(InputError):
        read_matrix(tmp_path / "t.npy")

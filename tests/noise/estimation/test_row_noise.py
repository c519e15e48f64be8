"""A noise matrix of each row: formulas row by row, planted noise found again, other noise left to the classes."""

from __future__ import annotations

import numpy as np
import pytest

from clc_text.data.folds import assign_folds
from clc_text.noise.estimation.noise_fit import fit_transition, sharpened, softmax
from clc_text.noise.estimation.row_noise import (
    LEAST_MOVED,
    RIDGE,
    NoiseOfRows,
    RowNoise,
    components_of,
    fit_row_noise,
    noise_of_rows,
    penalised,
    sharpest,
    taught_by_rows,
    with_shares,
)

CLASSES, ROWS = 4, 3000


def noise_at_random(seed: int = 0, width: int = 3) -> RowNoise:
    random = np.random.default_rng(seed)
    return RowNoise(
        random.uniform(0.5, 0.9, CLASSES),
        np.log(random.dirichlet(np.ones(CLASSES), CLASSES)),
        random.normal(size=(CLASSES, width + 1, CLASSES)),
    )


def by_hand(noise: RowNoise, row: np.ndarray, true: int, given: int) -> float:
    if given == true:
        return float(noise.stay[true])
    score = {}
    for other in range(CLASSES):
        if other != true:
            told = sum(value * noise.weights[true, place, other] for place, value in enumerate([*row, 1.0]))
            score[other] = np.exp(noise.offset[true, other] + told)
    return float((1 - noise.stay[true]) * score[given] / sum(score.values()))


def drawn(kind: str, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Held-out log-probabilities, true and given labels, features, and P(given | true, row) [N, C, C]."""
    random = np.random.default_rng(seed)
    features = random.normal(size=(ROWS, 6))
    logits = 2.5 * features @ random.normal(size=(6, CLASSES))
    probs = softmax(logits)
    true = (probs.cumsum(1) > random.random((ROWS, 1))).argmax(1)
    if kind == "rows":
        weights = 2 * random.normal(size=(CLASSES, 6, CLASSES))
        scores = np.einsum("nd,cdk->nck", features, weights)
        scores[:, np.arange(CLASSES), np.arange(CLASSES)] = -np.inf
        matrices = 0.6 * np.eye(CLASSES) + 0.4 * softmax(scores.reshape(-1, CLASSES)).reshape(scores.shape)
    else:
        moved = np.roll(np.eye(CLASSES), 1, 1) if kind == "pairwise" else (1 - np.eye(CLASSES)) / (CLASSES - 1)
        matrices = np.broadcast_to(0.6 * np.eye(CLASSES) + 0.4 * moved, (ROWS, CLASSES, CLASSES))
    chances = matrices[np.arange(ROWS), true]
    given = (chances.cumsum(1) > random.random((ROWS, 1))).argmax(1)
    return np.log(probs), true, given, features, matrices


@pytest.mark.parametrize("without_weights", [(), (1,), (0, 3)])
def test_matrices_and_columns_row_by_row(without_weights: tuple[int, ...]) -> None:
    noise, components = noise_at_random(), np.random.default_rng(1).normal(size=(20, 3))
    noise.weights[list(without_weights)] = 0
    labels = np.random.default_rng(2).integers(0, CLASSES, 20)
    matrices, columns = noise.matrices(components), noise.columns(components, labels)
    for row in range(20):
        for true in range(CLASSES):
            for given in range(CLASSES):
                np.testing.assert_allclose(matrices[row, true, given], by_hand(noise, components[row], true, given))
            np.testing.assert_allclose(columns[row, true], by_hand(noise, components[row], true, labels[row]))
    np.testing.assert_allclose(matrices.sum(2), 1)
    np.testing.assert_array_equal(NoiseOfRows(matrices, 0.0, 0.0).columns(labels), columns)


def test_of_a_class_with_few_moved_labels_the_rows_are_not_asked() -> None:
    probs, _, given, features, _ = drawn("rows")
    few = np.flatnonzero(probs.argmax(1) == 2)[:40]
    kept = np.concatenate([np.flatnonzero(probs.argmax(1) != 2), few])
    noise = fit_row_noise(np.exp(probs[kept]), given[kept], components_of(features[kept]))
    certain = np.where(np.arange(CLASSES) == probs[kept].argmax(1)[:, None], 1 - 1e-6, 1e-6 / (CLASSES - 1))
    of_certain = fit_row_noise(certain, given[kept], components_of(features[kept]))
    assert noise.weights[[0, 1, 3]].any((1, 2)).all() and of_certain.weights[[0, 1, 3]].any((1, 2)).all()
    assert not of_certain.weights[2].any()
    assert (given[few] != 2).sum() < LEAST_MOVED < (given[kept] != probs[kept].argmax(1)).sum() / CLASSES


def test_the_loss_of_a_class_and_its_slope() -> None:
    random, noise = np.random.default_rng(0), noise_at_random()
    inputs = np.concatenate([random.normal(size=(30, 3)), np.ones((30, 1))], 1)
    labels, mass, true = random.integers(1, CLASSES, 30), random.random(30), 0
    weights = noise.weights[true]

    def loss(at: np.ndarray) -> float:
        found = RIDGE / 2 * sum(value**2 for value in at.ravel())
        changed = RowNoise(noise.stay, noise.offset, np.stack([at, *noise.weights[1:]]))
        for row, label, counts in zip(inputs, labels, mass, strict=True):
            found -= counts * np.log(by_hand(changed, row[:-1], true, label) / (1 - noise.stay[true]))
        return float(found)

    value, slope = penalised(weights, inputs, labels, mass, noise.offset[true], true)
    np.testing.assert_allclose(value, loss(weights))
    for place in range(weights.size):
        step = np.zeros(weights.size)
        step[place] = 1e-5
        apart = loss(weights + step.reshape(weights.shape)) - loss(weights - step.reshape(weights.shape))
        np.testing.assert_allclose(slope[place], apart / 2e-5, rtol=1e-4, atol=1e-4)


def test_components_are_of_the_largest_spread_first() -> None:
    random = np.random.default_rng(0)
    features = random.normal(size=(200, 80)) * np.linspace(3, 0.1, 80) + 5
    found = components_of(features.astype(np.float32))
    assert found.shape == (200, 60)
    np.testing.assert_allclose(found.mean(0), 0, atol=1e-4)
    np.testing.assert_allclose((found**2).mean(), 1, rtol=1e-4)
    spread = found.T @ found
    np.testing.assert_allclose(spread - np.diag(np.diagonal(spread)), 0, atol=1e-2)
    assert (np.diff(np.diagonal(spread)) < 1e-3).all()


def test_planted_noise_is_found_again() -> None:
    pool, true, given, features, matrices = drawn("rows")
    found = noise_of_rows(pool, given, features, assign_folds(given, 5, 0))
    assert found is not None
    assert found.ahead and found.gain > 0.03
    by_class = fit_transition(np.exp(pool), given)
    error = np.abs(found.matrices - matrices).mean()
    assert error < 0.75 * np.abs(by_class - matrices).mean()
    each = np.arange(ROWS)
    by_rows = (np.exp(pool) * found.columns(given)).argmax(1) == true
    by_classes = (np.exp(pool) * by_class[:, given].T).argmax(1) == true
    by_truth = (np.exp(pool) * matrices[each, :, given]).argmax(1) == true
    assert by_rows.mean() > by_classes.mean() + 0.3 * (by_truth.mean() - by_classes.mean())


@pytest.mark.parametrize("kind", ["pairwise", "symmetric"])
def test_noise_by_class_is_left_to_the_classes(kind: str) -> None:
    pool, _, given, features, _ = drawn(kind)
    found = noise_of_rows(pool, given, features, assign_folds(given, 5, 0))
    assert found is not None
    assert not found.ahead


def test_no_row_is_told_its_own_label_again() -> None:
    pool, _, given, features, _ = drawn("rows")
    fold = np.arange(ROWS) % 5
    found = noise_of_rows(pool, given, features, fold)
    other = np.where(np.arange(ROWS) == 5, (given + 1) % CLASSES, given)  # of fold 0
    changed = noise_of_rows(pool, other, features, fold)
    assert found is not None and changed is not None
    np.testing.assert_array_equal(changed.matrices[fold == 0], found.matrices[fold == 0])
    assert (changed.matrices[fold == 1] != found.matrices[fold == 1]).any()


def test_where_nothing_is_looked_for() -> None:
    pool, _, given, features, _ = drawn("rows")
    few = slice(0, 200)
    assert noise_of_rows(pool[few], given[few], features[few], np.arange(200) % 5) is None
    assert noise_of_rows(pool[:, :2], given % 2, features, np.arange(ROWS) % 5) is None


def test_a_class_of_which_no_label_is_moved() -> None:
    labels = np.arange(40) % CLASSES
    found = fit_row_noise(np.eye(CLASSES)[labels], labels, np.random.default_rng(0).normal(size=(40, 2)))
    np.testing.assert_array_equal(found.weights, 0)
    np.testing.assert_allclose(found.matrices(np.zeros((1, 2))).sum(2), 1)


def test_what_is_taught_row_by_row() -> None:
    pool, _, given, _, matrices = drawn("rows")
    columns = NoiseOfRows(matrices, 0.1, 0.01).columns(given)
    likelihood, sharpness, probs = sharpest(pool, columns)
    np.testing.assert_allclose(probs, sharpened(pool, sharpness))
    np.testing.assert_allclose(likelihood, np.log((probs * columns).sum(1)).mean())
    taught, weighted = taught_by_rows(pool, columns), with_shares(probs, columns)
    ratio = weighted / probs
    np.testing.assert_allclose(ratio / ratio[:, :1], np.broadcast_to(ratio[0] / ratio[0, 0], ratio.shape))
    for row in range(0, ROWS, 100):
        whole = weighted[row] * columns[row]
        half = weighted[row] * np.sqrt(columns[row])
        np.testing.assert_allclose(taught[row], (whole / whole.sum() + half / half.sum()) / 2)

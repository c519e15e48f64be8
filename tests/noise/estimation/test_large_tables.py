"""Tables of many rows and classes: worked out part by part, to the bit as all at once, and in little memory."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from clc_text.crossfit.rounds import Round, log_of_mean, renamed
from clc_text.data import beliefs
from clc_text.data.class_shares import weighed
from clc_text.evidence.mixture import clipped, pooled
from clc_text.noise.estimation import noise_fit as module
from clc_text.noise.estimation.half_trust import half_trusted, never_certain
from clc_text.noise.estimation.noise_fit import fit_noise, log_likelihood, posterior_labels, sharpened, softmax

ROWS, CLASSES = 700, 130  # more than `MANY_CLASSES`


def problem(rows: int = ROWS, classes: int = CLASSES) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Log-probabilities, labels that they know something of, and a noise matrix."""
    random = np.random.default_rng(0)
    labels = random.integers(0, classes, rows)
    logits = 3.0 * np.eye(classes)[labels] + random.normal(size=(rows, classes))
    transition = never_certain(0.8 * np.eye(classes) + 0.2 * np.roll(np.eye(classes), 1, 1))
    return np.log(softmax(logits)), labels, transition


def peak(function: Callable[[], Any]) -> int:
    """Bytes that were held at once beside what was there before."""
    tracemalloc.start()
    try:
        function()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def parts_of(cells: int, monkeypatch: pytest.MonkeyPatch) -> None:
    for one in (beliefs, module):
        monkeypatch.setattr(one, "CELLS_AT_ONCE", cells)


def parts_and_whole(function: Callable[[], np.ndarray], monkeypatch: pytest.MonkeyPatch) -> list[np.ndarray]:
    found = []
    for cells in (1, 17 * CLASSES, 1 << 30):
        parts_of(cells, monkeypatch)
        found.append(function())
    return found


def test_parts_are_to_the_bit_as_all_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    logs, labels, transition = problem()
    probs = np.exp(logs)
    several = np.random.default_rng(1).integers(0, 2, (ROWS, 3))
    of_several = softmax(np.random.default_rng(2).normal(size=(ROWS, 3, 2)))
    matrices = np.stack([np.array([[0.9, 0.1], [0.2, 0.8]])] * 3)
    views = np.stack([logs, 0.5 * logs]).astype(np.float32)
    functions: list[Callable[[], np.ndarray]] = [
        lambda: np.array(log_likelihood(probs, labels, transition)),
        lambda: posterior_labels(probs, labels, transition),
        lambda: posterior_labels(of_several, several, matrices),
        lambda: posterior_labels(probs, probs, transition),  # labels that are distributions
        lambda: half_trusted(probs, labels, transition),
        lambda: weighed(probs, np.linspace(0.3, 3.0, CLASSES)),
        lambda: log_of_mean([logs, logs.astype(np.float32)]),
        lambda: clipped(probs),
        lambda: pooled(views, np.array([0.25, 0.75])),
        lambda: pooled(views, np.array([0.25, 0.75]), np.arange(0, ROWS, 3)),
    ]
    for function in functions:
        one, other, whole = parts_and_whole(function, monkeypatch)
        np.testing.assert_array_equal(one, whole)
        np.testing.assert_array_equal(other, whole)
    for given in (logs, logs.astype(np.float32)):
        np.testing.assert_array_equal(sharpened(given, 1.4), softmax(1.4 * given.astype(np.float64)))
    shares = np.array([0.25, 0.75])
    np.testing.assert_array_equal(pooled(views, shares, np.arange(3)), pooled(views, shares)[:3])


def test_a_fit_holds_one_table_beside_what_it_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    parts_of(1 << 12, monkeypatch)
    monkeypatch.setattr(module, "_ROWS_AT_ONCE", 32)
    logs, labels, transition = problem(4_000)
    matrices = 12 * transition.nbytes  # of expectation-maximisation
    assert peak(lambda: fit_noise(logs, labels, rounds=2)) < 1.3 * logs.nbytes + matrices
    assert peak(lambda: log_likelihood(logs, labels, transition)) < 0.2 * logs.nbytes
    assert peak(lambda: posterior_labels(logs, labels, transition)) < 1.2 * logs.nbytes
    assert peak(lambda: log_of_mean([logs, logs, logs])) < 1.2 * logs.nbytes
    assert peak(lambda: clipped(np.exp(logs, out=logs))) < 0.7 * logs.nbytes


def test_of_very_many_cells_the_sharpness_is_that_of_a_part_and_the_matrix_that_of_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    logs, labels, _ = problem(3_000, 6)
    logs = 0.5 * logs  # too flat
    whole = fit_noise(logs, labels)
    monkeypatch.setattr(module, "SEARCH_CELLS", logs.size // 3)
    found = fit_noise(logs, labels)
    assert found.sharpness == fit_noise(logs[::3], labels[::3]).sharpness > 1
    assert found.sharpness == whole.sharpness
    np.testing.assert_array_equal(found.transition, whole.transition)
    np.testing.assert_array_equal(found.probs, whole.probs)


def test_shares_of_many_classes_are_fitted_as_those_of_few(monkeypatch: pytest.MonkeyPatch) -> None:
    logs, labels, transition = problem(2_000, 104)
    skewed = np.exp(logs) * np.linspace(0.3, 3.0, 104)
    fit = module.NoiseFit(0.0, 1.0, transition, skewed / skewed.sum(1, keepdims=True))
    before = fit.probs.copy()
    many = module.fit_shares(fit, labels, rounds=4)
    np.testing.assert_array_equal(fit.probs, before)
    monkeypatch.setattr(module, "_ROWS_AT_ONCE", 32)
    parts_of(1 << 12, monkeypatch)
    assert peak(lambda: module.fit_shares(fit, labels, rounds=2)) < 1.3 * logs.nbytes + 8 * transition.nbytes
    monkeypatch.setattr(module, "MANY_CLASSES", 1_000)
    few = module.fit_shares(fit, labels, rounds=4)
    np.testing.assert_allclose(many.probs, few.probs, rtol=1e-9)
    np.testing.assert_allclose(many.transition, few.transition, rtol=1e-9)
    assert many.log_likelihood == pytest.approx(few.log_likelihood)


def test_a_round_makes_its_predictions_anew_under_any_names() -> None:
    logs, labels, _ = problem(300, 6)
    fit = fit_noise(logs, labels)
    names, again = np.array([2, 0, 1, 3, 5, 4]), np.array([1, 0, 2, 4, 5, 3])
    kept, bare = Round(fit, logs, 1, 1), Round(fit.without_probs, logs, 1, 1)
    np.testing.assert_array_equal(bare.probs, fit.probs)
    np.testing.assert_array_equal(bare.renamed(names).probs, renamed(fit.probs, names))
    np.testing.assert_array_equal(bare.renamed(names).renamed(again).probs, kept.renamed(names).renamed(again).probs)
    assert bare.renamed(names).facts(labels, True) == kept.renamed(names).facts(labels, True)

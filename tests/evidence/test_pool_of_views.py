"""What networks are taught by all views: steps against formulas and likelihood, right labels on known noise."""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module
from itertools import pairwise

import numpy as np
import pytest
from refusals import refused
from test_mixture import blobs, flipped

from clc_text.artifacts.cross_fit import CrossFit
from clc_text.data.labels import Labels
from clc_text.evidence import pool_of_views as module
from clc_text.evidence.pool_of_views import pool_of_views, taken_back
from clc_text.noise.estimation.half_trust import EVER_WRONG, half_trusted, never_certain
from clc_text.noise.estimation.noise_fit import fit_noise, posterior_labels
from clc_text.noise.estimation.targets import targets_of


def test_a_step_is_what_its_formula_says() -> None:
    random = np.random.default_rng(0)
    probs, start = random.dirichlet(np.ones(3), 20), random.dirichlet(np.ones(3), 20)
    transition = 0.4 * random.dirichlet(np.ones(3), 3) + 0.6 * np.eye(3)
    found = taken_back(probs, transition, start, 1)
    for row in range(20):
        expected = np.zeros(3)
        for given in range(3):
            joint = start[row] * transition[:, given]
            expected += probs[row, given] * joint / joint.sum()
        np.testing.assert_allclose(found[row], expected / expected.sum())
    sure = np.eye(3)[random.integers(0, 3, 20)]
    given = sure.argmax(1)
    np.testing.assert_allclose(taken_back(sure, transition, start, 1), posterior_labels(start, given, transition))


def test_each_row_is_taken_back_through_its_own_matrix() -> None:
    random = np.random.default_rng(0)
    probs, start = random.dirichlet(np.ones(3), 20), random.dirichlet(np.ones(3), 20)
    matrices = 0.4 * random.dirichlet(np.ones(3), (20, 3)) + 0.6 * np.eye(3)
    found = taken_back(probs, matrices, start)
    for row in range(20):
        alone = taken_back(probs[row : row + 1], matrices[row], start[row : row + 1])
        np.testing.assert_allclose(found[row], alone[0])


def test_steps_never_explain_the_view_worse_and_end_at_the_truth() -> None:
    random = np.random.default_rng(1)
    transition = 0.55 * np.eye(4) + 0.45 * np.roll(np.eye(4), 1, 1)
    true = random.dirichlet(np.ones(4), 200)
    seen, start = true @ transition, np.full((200, 4), 0.25)
    explained = [
        (seen * np.log(taken_back(seen, transition, start, steps) @ transition)).sum(1) for steps in (0, 1, 3, 10)
    ]
    for before, after in pairwise(explained):
        assert (after >= before - 1e-12).all()
    np.testing.assert_allclose(taken_back(seen, transition, start, 5000), true, atol=0.02)
    np.testing.assert_allclose(taken_back(seen, np.eye(4), start, 1), seen)


def test_a_view_that_a_matrix_rules_out_leaves_the_start() -> None:
    start = np.array([[1.0, 0.0]])
    np.testing.assert_array_equal(taken_back(np.array([[0.0, 1.0]]), np.eye(2), start), start)


def test_a_label_counts_for_half_of_what_the_matrix_says() -> None:
    transition = np.array([[0.9, 0.1], [0.4, 0.6]])
    found = half_trusted(np.array([[0.3, 0.7]]), np.array([1]), transition)
    h = np.array([0.3 * np.sqrt(0.1), 0.7 * np.sqrt(0.6)])
    np.testing.assert_allclose(found[0], h / h.sum())
    bounded = never_certain(np.eye(3))
    np.testing.assert_allclose(bounded.sum(1), 1)
    np.testing.assert_allclose(bounded[0], [1 - EVER_WRONG, EVER_WRONG / 2, EVER_WRONG / 2])


def networks_of(features: np.ndarray, labels: np.ndarray, centres: np.ndarray, gain: float = 0.5) -> CrossFit:
    """Cross-fitted networks that know roughly where the classes lie."""
    logits = features @ centres.T * 0.5
    fit = fit_noise(logits - logits.max(1, keepdims=True), labels)
    posterior = posterior_labels(fit.probs, labels, fit.transition)
    facts = {"rate": 0.4, "folds": 5, "rounds": [{}, {}], "gain": gain, "gain_error": 0.01}
    return CrossFit(np.zeros((1, len(labels)), int), fit.probs, fit.transition, posterior, facts)


@pytest.mark.parametrize("to_the_next", [False, True])
def test_views_make_more_of_the_targets_right(to_the_next: bool) -> None:
    features, true = blobs(apart=0.6)
    random = np.random.default_rng(0)
    random.integers(0, 4, 1500)
    centres = 0.6 * random.normal(size=(4, 16)) + 0.6 * np.random.default_rng(5).normal(size=(4, 16))
    labels = flipped(true, 0.45)
    if to_the_next:
        labels = np.where(labels != true, (true + 1) % 4, true)
    networks = networks_of(features, labels, centres)
    pool = pool_of_views(features, None, Labels.of(labels), networks, 0)
    assert pool is not None
    targets = targets_of(pool, labels)
    np.testing.assert_allclose(targets.sum(1), 1)
    right = (targets.argmax(1) == true).mean()
    alone = half_trusted(networks.probs, labels, networks.transition)
    assert right > (alone.argmax(1) == true).mean() + 0.03
    assert right > (labels == true).mean() + 0.2


def test_nothing_is_taught_by_views_where_networks_have_learnt_nothing() -> None:
    features, true = blobs(200)
    networks = networks_of(features, true, np.zeros((4, 16)), gain=0.0)
    assert pool_of_views(features, None, Labels.of(true), networks, 0) is None


def test_features_that_are_not_finite_are_refused() -> None:
    features, true = blobs(200)
    networks = networks_of(features, true, np.ones((4, 16)))
    features[3, 2] = np.nan
    with refused(row=3):
        pool_of_views(features, None, Labels.of(true), networks, 0)


def test_a_rare_class_is_not_lost() -> None:
    """Where what is heard favours frequent classes, it is taught as often as the labels say that it is."""
    features, true = blobs(2400, 3, apart=0.6, seed=3)
    rows = np.flatnonzero((true != 2) | (np.random.default_rng(0).random(2400) < 0.15))
    features, true = features[rows], true[rows]
    labels = flipped(true, 0.1)
    random = np.random.default_rng(3)
    random.integers(0, 3, 2400)
    sound = networks_of(features, labels, 0.6 * random.normal(size=(3, 16)))
    probs = sound.probs * [1.0, 1.0, 0.02]
    biased = replace(sound, probs=probs / probs.sum(1, keepdims=True))
    share = (true == 2).mean()
    assert biased.probs.mean(0)[2] < 0.5 * share
    pool = pool_of_views(None, None, Labels.of(labels), biased, 0)
    assert pool is not None
    targets = targets_of(pool, labels)
    assert 0.8 * share < targets.mean(0)[2] < 1.25 * share


def test_a_large_table_is_taken_back_part_by_part(monkeypatch: pytest.MonkeyPatch) -> None:
    features, true = blobs(rows=400)
    labels = flipped(true, 0.2)
    networks = networks_of(features, labels, np.random.default_rng(0).normal(size=(4, 16)))
    whole = pool_of_views(features, None, Labels.of(labels), networks, 0)
    monkeypatch.setattr(module, "_CELLS_AT_ONCE", 4 * 37)
    monkeypatch.setattr(import_module("clc_text.evidence.views.discriminant"), "ROWS_AT_ONCE", 11)
    in_parts = pool_of_views(features, None, Labels.of(labels), networks, 0)
    assert whole is not None
    assert in_parts is not None
    np.testing.assert_allclose(in_parts, whole, rtol=1e-5)

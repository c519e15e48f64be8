"""A run whose tables keep the best classes of a row, beside one whose tables have all."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from refusals import refused

from clc_text.artifacts.cross_fit import CrossFit
from clc_text.artifacts.run_directory import RunDirectory
from clc_text.config.recipe import loads
from clc_text.corrections.audit import judge
from clc_text.corrections.correct import correct
from clc_text.corrections.gather import mean_of_peers
from clc_text.corrections.policy import policy_named
from clc_text.corrections.predictions import in_sample, out_of_sample
from clc_text.corrections.source import kept_rows
from clc_text.data import best_classes
from clc_text.data.best_classes import BestClasses
from clc_text.data.trusted import TrustedLabels
from clc_text.evidence.evidence import too_large
from clc_text.noise.estimation.probabilities import MOST_FITTED, check_classes
from clc_text.runs.build import build_trainer
from clc_text.runs.prepare import prepare
from clc_text.runs.run import train
from clc_text.training.targets import BestTargets

RECIPE = """
data: {name: quickstart, rows: 400, test_rows: 50}
noise: {name: symmetric, rate: 0.3}
encoder: {name: word_vectors, vectors: train, pooling: [concat], length: 8}
method: {name: clc_auto, fold_rounds: 2, fold_epochs: 6}
training: {epochs: 6, batch_size: 32, learning_rate: 1.0e-3}
"""


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("clc_text.evidence.evidence.LARGEST", 1)  # as of large tables
        return train(loads(RECIPE), tmp_path_factory.mktemp("all") / "run")


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(best_classes, "DENSE_CLASSES", 1)
        return train(loads(RECIPE), tmp_path_factory.mktemp("best") / "run")


def test_where_no_class_is_left_out_both_find_the_same(plain: RunDirectory, kept: RunDirectory) -> None:
    """Numbers differ as float32 and float64 do, and what networks make of that."""
    one, other = CrossFit.load(kept.path), CrossFit.load(plain.path)
    assert one is not None and other is not None
    assert isinstance(one.probs, BestClasses) and isinstance(one.row_targets, BestClasses)
    assert [each["epochs"] for each in one.facts["rounds"]] == [each["epochs"] for each in other.facts["rounds"]]
    assert one.rate == pytest.approx(other.rate, abs=1e-3)
    np.testing.assert_allclose(one.transition, other.transition, atol=1e-3)
    np.testing.assert_allclose(one.probs[:], other.probs, atol=2e-3)
    np.testing.assert_allclose(one.posterior[:], other.posterior, atol=2e-3)
    labels = kept.labels()
    assert one.noise_of_given(labels)[0] == pytest.approx(other.noise_of_given(labels)[0], abs=1e-3)


def test_corrections_read_the_files_of_both_alike(plain: RunDirectory, kept: RunDirectory) -> None:
    for source in (out_of_sample, in_sample):
        one, other = source(kept), source(plain)
        assert one is not None and other is not None
        assert one.best and not other.best
        assert (one.peers, one.rows, one.classes) == (other.peers, other.rows, other.classes)
        rows = np.arange(0, one.rows, 7)
        if source is out_of_sample:
            np.testing.assert_allclose(np.exp(one.of(rows)), np.exp(other.of(rows)), atol=2e-3)
        np.testing.assert_allclose(mean_of_peers(one.of(rows)).sum(1), 1)
    np.testing.assert_array_equal(kept.first_classes(), mean_of_peers(in_sample(kept).of(np.arange(400))).argmax(1))
    np.testing.assert_array_equal(plain.first_classes(), mean_of_peers(plain.log_probs()).argmax(1))


def test_of_few_rows_a_class_nothing_is_changed_by_default(kept: RunDirectory, plain: RunDirectory) -> None:
    """As where views judge; labels that are doubted can be changed all the same."""
    changed = {}
    for name, run in (("kept", kept), ("plain", plain)):
        predictions, source = out_of_sample(run), kept_rows(run)
        assert predictions is not None and source is not None
        corrected = correct(run, policy_named(), predictions, source)
        changed[name] = int(corrected.state().changed.sum())
        assert judge(corrected, bootstrap=0)["noise"].get("ahead") == (0.0 if name == "kept" else None)
    assert changed["plain"] > changed["kept"] == 0


def test_targets_are_made_whole_when_they_are_asked_for() -> None:
    probs = np.random.default_rng(0).dirichlet(np.full(80, 0.1), 20)
    table = BestClasses.empty(np.arange(20), 80)
    table[:] = probs
    targets = BestTargets(table, torch.device("cpu"))
    np.testing.assert_array_equal(targets[torch.tensor([3, 1, 19])].numpy(), table[:][[3, 1, 19]].astype(np.float32))
    np.testing.assert_array_equal(targets[slice(None, None, 4)].numpy(), table[:][::4].astype(np.float32))


def test_what_such_tables_cannot_have_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(best_classes, "DENSE_CLASSES", 1)
    with refused(key="views"):
        too_large(400, 4)
    recipe = loads(RECIPE)
    prepared = prepare(recipe)
    trainer = build_trainer(recipe, tmp_path, prepared)
    trainer.trusted = TrustedLabels(np.array([0]), np.array([1]))
    trainer.without_answers = CrossFit(*[np.zeros((1, 1))] * 4, {})  # type: ignore[arg-type, typeddict-item]
    with refused(key="answers"):
        trainer.make_cross_fit()
    with refused(key="classes"):
        check_classes(MOST_FITTED + 1, MOST_FITTED)

"""`clc_auto` and recovery in whole trainings."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from refusals import refused
from safetensors.numpy import load_file

from clc_text.artifacts.cross_fit import CrossFit
from clc_text.artifacts.run_directory import RunDirectory
from clc_text.config.recipe import loads
from clc_text.methods.base import TrainingState
from clc_text.methods.clc_auto import CLCAuto
from clc_text.runs.build import build_trainer, transition
from clc_text.runs.prepare import prepare
from clc_text.runs.run import train
from clc_text.training.monitors import distance
from clc_text.training.recovery import Recovery

RECIPE = """
data: {name: quickstart, rows: 600, test_rows: 200}
noise: {name: symmetric, rate: 0.4}
encoder: {name: word_vectors, vectors: train, pooling: [concat], length: 8}
method: {name: clc_auto, fold_rounds: 2}
training: {epochs: 12, batch_size: 32, learning_rate: 1.0e-3, checkpoint_epochs: 4}
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    return train(loads(RECIPE), tmp_path_factory.mktemp("auto") / "run")


def test_it_finds_the_noise_and_learns_through_it(run: RunDirectory, tmp_path: Path) -> None:
    labels, found = run.labels(), CrossFit.load(run.path)
    assert found is not None and labels.true is not None
    assert abs(found.rate - 0.4) < 0.08
    np.testing.assert_allclose(found.posterior.sum(1), 1)
    given_right = (labels.given == labels.true).mean()
    assert (found.posterior.argmax(1) == labels.true).mean() > given_right + 0.2
    plain = train(loads(RECIPE, overrides=["method={name: standard}"]), tmp_path / "plain")
    assert run.result()["accuracy"]["last"]["ensemble"] > plain.result()["accuracy"]["last"]["ensemble"] + 4


def test_it_says_what_it_decided(run: RunDirectory) -> None:
    notices = {notice["name"]: notice["message"] for notice in run.notices()}
    assert "of the labels to train on are wrong" in notices["cross-fitted"]
    assert "the peers' mean entropy is" in notices["warm-up ended"]
    phases = [entry["phase"] for entry in run.metrics()]
    assert phases[0] == "warm-up" and phases[-1] == "method"


def test_resumed_is_bit_for_bit_the_uninterrupted_run(run: RunDirectory, tmp_path: Path) -> None:
    again = tmp_path / "run"
    shutil.copytree(run.path, again)
    (again / "result.json").unlink()
    newest = max((again / "checkpoints").iterdir(), key=lambda path: int(path.name.rsplit("-", 1)[1]))
    shutil.rmtree(newest)
    resumed = train(loads(RECIPE), again, resume=True)
    for name in ("predictions.safetensors", "model/model.safetensors"):
        one, other = load_file(run.path / name), load_file(resumed.path / name)
        assert one.keys() == other.keys() and all((one[key] == other[key]).all() for key in one)
    assert resumed.notices() == run.notices()


def test_a_run_cut_short_before_its_first_checkpoint_takes_the_cross_fit_that_is_there(
    run: RunDirectory, tmp_path: Path
) -> None:
    again = tmp_path / "run"
    shutil.copytree(run.path, again)
    (again / "result.json").unlink()
    shutil.rmtree(again / "checkpoints")
    written = (again / "crossfit.json").stat().st_mtime_ns
    resumed = train(loads(RECIPE), again, resume=True)
    assert (again / "crossfit.json").stat().st_mtime_ns == written
    one, other = (load_file(path / "predictions.safetensors") for path in (run.path, resumed.path))
    assert (one["train"] == other["train"]).all()


def test_a_damaged_cross_fit_is_one_sentence(run: RunDirectory, tmp_path: Path) -> None:
    shutil.copy(run.path / "crossfit.json", tmp_path)
    (tmp_path / "crossfit.safetensors").write_bytes(b"no tensors")
    with refused(where=tmp_path / "crossfit.safetensors"):
        CrossFit.load(tmp_path)
    assert CrossFit.load(tmp_path / "nothing") is None


def test_the_rate_can_be_estimated_for_a_method_that_needs_it(tmp_path: Path) -> None:
    recipe = RECIPE.replace("{name: clc_auto, fold_rounds: 2}", "co_teaching") + "noise_rate: estimate\n"
    found = train(loads(recipe, overrides=["training.epochs=2"]), tmp_path / "run")
    rate = json.loads((found.path / "crossfit.json").read_text())["rate"]
    assert abs(rate - 0.4) < 0.1
    assert found.result()["method"] == "co_teaching"


def test_the_matrix_can_be_estimated_or_told(run: RunDirectory, tmp_path: Path) -> None:
    method = "{name: forward, matrix: estimate, warmup_epochs: 0}"
    recipe = RECIPE.replace("{name: clc_auto, fold_rounds: 2}", method)
    estimated = loads(recipe, overrides=["training.epochs=2"])
    (tmp_path / "estimated").mkdir()
    for name in ("crossfit.json", "crossfit.safetensors"):  # of the same rows, labels and networks
        shutil.copy(run.path / name, tmp_path / "estimated")
    trainer = build_trainer(estimated, tmp_path / "estimated", prepare(estimated))
    trainer.train()
    assert trainer.cross_fit is not None
    told = trainer.supervisor.state.memory["transition"].double().numpy()
    np.testing.assert_allclose(told, trainer.cross_fit.transition, atol=1e-6)

    known = loads(recipe, overrides=["training.epochs=2", "method.matrix='true'"])
    prepared = prepare(known)
    trainer = build_trainer(known, tmp_path / "true", prepared)
    trainer.train()
    assert trainer.cross_fit is None
    true, given = prepared.labels.true, prepared.labels.trained
    for row in range(6):
        for column in range(6):
            share = (given[true == row] == column).mean()
            assert abs(float(trainer.supervisor.state.memory["transition"][row, column]) - share) < 1e-6

    with refused(key="method.matrix"):
        transition(known, replace(prepared.labels, true=None), prepared.task.label_names)

    matrix = np.full((6, 6), 0.04) + 0.76 * np.eye(6)
    np.save(tmp_path / "matrix.npy", matrix)
    filed = loads(recipe, overrides=["training.epochs=2", f"method.matrix_file={tmp_path / 'matrix.npy'}"])
    trainer = build_trainer(filed, tmp_path / "filed", prepared)
    trainer.train()
    np.testing.assert_allclose(trainer.supervisor.state.memory["transition"], matrix, atol=1e-6)
    np.save(tmp_path / "matrix.npy", matrix[:5])
    with refused(where=tmp_path / "matrix.npy"):
        build_trainer(filed, tmp_path / "filed", prepared)


def test_more_folds_than_rows(tmp_path: Path) -> None:
    with refused(key="method.folds"):
        train(loads(RECIPE, overrides=["data.rows=20", "training.batch_size=20", "method.folds=21"]), tmp_path / "run")


def test_the_warm_up_ends_by_epochs_and_entropy() -> None:
    method = CLCAuto(warmup_epochs=2)
    state = TrainingState(memory={"cross_fit_epochs": torch.tensor(4)})
    ended = []
    for epoch in range(7):
        state.epoch = epoch
        ended.append(method.warmed_up(state))
    assert ended == [False] * 4 + [True] * 3
    unsure = torch.full((2, 10, 4), 0.25).log()
    sure = torch.eye(4).repeat(2, 3, 1).add(1e-3).log().log_softmax(-1)
    assert "100% of log C" in str(method.not_yet(unsure, state))
    assert method.not_yet(sure, state) is None
    assert method.not_yet(torch.stack([unsure[0], sure[0, :10]]), state) is not None  # the less sure peer decides


# ---- recovery ----

COLLAPSING = """
data: {name: quickstart, rows: 600, test_rows: 200}
noise: {name: symmetric, rate: 0.6}
encoder: {name: word_vectors, vectors: train, pooling: [concat], length: 8}
method: {name: clc, warmup_epochs: 1}
training: {epochs: 12, batch_size: 64, learning_rate: 2.0e-3, checkpoint_epochs: 5}
"""


@pytest.fixture(scope="module")
def recovered(tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    return train(loads(COLLAPSING, overrides=["monitor=recover"]), tmp_path_factory.mktemp("recovered") / "run")


def test_a_collapse_is_undone(recovered: RunDirectory, tmp_path: Path) -> None:
    collapsed = train(loads(COLLAPSING), tmp_path / "run")
    assert "collapse" in collapsed.result()["warnings"]
    assert max(collapsed.metrics()[-1]["train"]["class_shares"]) > 0.4

    entries = recovered.metrics()
    [first] = [entry for entry in entries if any(notice["name"] == "recovered 1" for notice in entry["notices"])]
    given = np.bincount(collapsed.labels().trained) / 600
    far = [distance(entry["train"]["class_shares"], given.tolist()) for entry in collapsed.metrics()]
    leaving = next(epoch for epoch, value in enumerate(far, 1) if epoch > 1 and value > far[0] + 0.05)
    assert first["epoch"] <= leaving + 2
    assert entries[first["epoch"]]["phase"] == "warm-up"
    assert max(entries[-1]["train"]["class_shares"]) < 0.4
    accuracy, before = recovered.result()["accuracy"], collapsed.result()["accuracy"]
    assert accuracy["last"]["ensemble"] > before["last"]["ensemble"] + 15
    assert "recovered 1" in [notice["name"] for notice in recovered.notices()]


def test_recovery_is_resumed_exactly(recovered: RunDirectory, tmp_path: Path) -> None:
    again = tmp_path / "run"
    shutil.copytree(recovered.path, again)
    (again / "result.json").unlink()
    newest = max((again / "checkpoints").iterdir(), key=lambda path: int(path.name.rsplit("-", 1)[1]))
    shutil.rmtree(newest)
    resumed = train(loads(COLLAPSING, overrides=["monitor=recover"]), again, resume=True)
    one, other = (load_file(path / "predictions.safetensors") for path in (recovered.path, resumed.path))
    assert (one["train"] == other["train"]).all()


def test_without_it_the_paper_s_method_is_as_it_was(tmp_path: Path) -> None:
    sound = ["noise.rate=0.5", "method.warmup_epochs=6", "training.learning_rate=1e-3", "training.epochs=10"]
    runs = [
        train(loads(COLLAPSING, overrides=[*sound, f"monitor={guard}"]), tmp_path / guard)
        for guard in ("warn", "recover")
    ]
    one, other = (load_file(run.path / "predictions.safetensors") for run in runs)
    assert (one["train"] == other["train"]).all()


def test_a_recovery_that_fails_again_and_again_stays_with_plain_training() -> None:
    recovery = Recovery()
    sure = torch.eye(4).repeat(2, 3, 1).add(1e-3).log().log_softmax(-1)
    assert recovery.not_yet(sure) is None
    recovery.load({}, {"hold_until": 8, "sound_epoch": 3, "sound_distance": 0.1, "times": 5})
    assert "stays with plain training" in str(recovery.not_yet(sure))
    recovery.forget()
    assert recovery.hold_until == 0 and recovery.not_yet(sure) is None

"""Trainings that learn from answers: by a trainer, and by a run from `next` to `correct`."""

from __future__ import annotations

import csv
import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from refusals import refused
from small_training import CLASSES, ROWS, arguments, peers_model, rows
from typer.testing import CliRunner

from clc_text.artifacts.cross_fit import WITHOUT_ANSWERS, CrossFit
from clc_text.artifacts.run_directory import RunDirectory
from clc_text.cli import app
from clc_text.config.recipe import load
from clc_text.corrections.asking.of_run import answers_in
from clc_text.corrections.state import PERSON
from clc_text.corrections.store import Corrected
from clc_text.crossfit.trainer import NoisyLabelTrainer
from clc_text.data.trusted import TrustedLabels
from clc_text.runs.earlier_cross_fit import found_without_answers
from clc_text.runs.prepare import prepare, with_answers

RECIPE = """
data: {name: quickstart, rows: 200, test_rows: 40}
noise: {name: symmetric, rate: 0.3}
encoder: {name: word_vectors, vectors: train, pooling: [concat], length: 8}
network: {name: mlp, hidden: [24]}
method: {name: clc_auto, folds: 2, fold_rounds: 2, fold_epochs: 2}
canaries: 0.05
training: {epochs: 2, batch_size: 64, learning_rate: 2.0e-3, checkpoint_epochs: 1, device: cpu}
"""


def command(*arguments: object) -> str:
    found = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if found.exception is not None and not isinstance(found.exception, SystemExit):
        raise found.exception
    return found.output


@pytest.mark.parametrize("method", ["standard", "clc", "co_teaching"])
def test_answered_rows_are_taught_as_they_were_told(tmp_path: Path, method: str) -> None:
    told = np.array([(int(rows().labels[row]) + 1) % CLASSES for row in (3, 7, 20)])
    trusted = TrustedLabels(np.array([3, 7, 20]), told)
    trainer = NoisyLabelTrainer(
        peers_model(), arguments(tmp_path), train_dataset=rows(), method=method, trusted=trusted,
        noise_rate=0.2, dynamics_dir=tmp_path / "dynamics",
    )  # fmt: skip
    log_probs = torch.randn(2, ROWS, CLASSES, generator=torch.Generator().manual_seed(0)).log_softmax(-1)
    trainer.supervisor.state.rows = torch.arange(ROWS)
    trainer.supervisor.state.memory["threshold"] = torch.full((2,), 10.0)  # of CLC: every prediction is sure
    for over in (False, True):
        trainer.supervisor.warm_up.over = over
        found = trainer.supervisor.supervise(log_probs, rows().labels)
        for row, label in zip((3, 7, 20), told, strict=True):
            assert (found.targets[:, row].argmax(-1) == label).all()
            torch.testing.assert_close(found.losses[:, row], -log_probs[:, row, label])
            assert (found.weights[:, row] >= 1 / ROWS - 1e-9).all()


def test_answers_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    with refused(key="trusted", row=50):
        NoisyLabelTrainer(
            peers_model(), arguments(tmp_path), train_dataset=rows(),
            trusted=TrustedLabels(np.array([ROWS]), np.array([0])),
        )  # fmt: skip


@pytest.fixture(scope="module")
def answered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose rows somebody has answered with the truth, and its recipe beside it."""
    folder = tmp_path_factory.mktemp("answered")
    (folder / "small.yaml").write_text(RECIPE)
    run = folder / "first"
    command("train", folder / "small.yaml", "--out", run, "-q")
    command("correct", run, "--policy", "posterior")
    command("next", run, "--k", 40)
    labels, names = RunDirectory(run).labels(), RunDirectory(run).label_names
    assert labels.true is not None
    with open(run / "look_first.csv", encoding="utf-8", newline="") as handle:
        asked = list(csv.DictReader(handle))
    with open(folder / "answers.csv", "w", encoding="utf-8", newline="") as handle:
        writer = csv.DictWriter(handle, list(asked[0]))
        writer.writeheader()
        writer.writerows(row | {"answer": names[labels.true[int(row["row"])]]} for row in asked)
    command("apply", run, folder / "answers.csv")
    return run


@pytest.fixture(scope="module")
def learnt(answered: Path) -> Path:
    """A run that has learnt from these answers; copy it before anything is written there."""
    with pytest.MonkeyPatch.context() as patched:
        # The run that was asked has cross-fitted without answers: nobody does that again.
        patched.setattr("clc_text.crossfit.fold_trainer.cross_fit", None)
        out = answered.parent / "second"
        command("train", answered.parent / "small.yaml", "--answers", answered, "--out", out, "-q")
    return out


def test_a_run_learns_from_answers(answered: Path, learnt: Path, tmp_path: Path) -> None:
    second = Path(shutil.copytree(learnt, tmp_path / "second"))
    known = answers_in(answered).trusted
    taught = RunDirectory(second).answers()
    assert taught is not None and taught.digest == known.digest and len(known) == 40
    crossfit = json.loads((second / "crossfit.json").read_text())
    first, kept = CrossFit.load(answered), CrossFit.load(second / WITHOUT_ANSWERS)
    assert first is not None and kept is not None and (first.posterior == kept.posterior).all()
    assert crossfit["answers"] == 40 and crossfit["answers_counted"] == 40 and crossfit["trusted"] == known.digest
    labels = RunDirectory(second).labels()
    assert not labels.canary[known.rows].any() and labels.canary.any()
    assert RunDirectory(second).run_id != RunDirectory(answered).run_id

    command("correct", second, "--policy", "posterior")
    state = Corrected(RunDirectory(second)).state()
    assert (np.flatnonzero(state.source == PERSON) == np.sort(known.rows)).all()
    assert (state.label[known.rows] == known.labels).all()
    command("correct", second, "--policy", "doubt", "--in-sample")
    assert (Corrected(RunDirectory(second)).state().label[known.rows] == known.labels).all()
    command("audit", second)
    audit = json.loads((second / "audit.json").read_text())
    assert audit["answers"]["random"] == 20 and audit["answers"]["right_before"]["value"] > 0.4
    assert audit["answers"]["right_after"] is None  # these networks know the answers by heart
    command("correct", second, "--include-person", "--policy", "posterior")
    assert Corrected(RunDirectory(second)).state().counts["person"] == 0


def test_what_other_networks_found_is_not_taken(answered: Path) -> None:
    recipe = load(answered / "recipe.yaml")
    told = answers_in(answered)
    prepared = with_answers(prepare(recipe), told.trusted)
    assert found_without_answers(answered, recipe, prepared) is not None
    for change in ("seeds.network=5", "network.hidden=[12]", "method.fold_rounds=3", "training.batch_size=32"):
        other = load(answered / "recipe.yaml", [change])
        assert found_without_answers(answered, other, prepared) is None, change
    labels = prepared.labels.trained.copy()
    labels[np.setdiff1d(np.arange(len(labels)), told.trusted.rows)[0]] ^= 1
    others = replace(prepared, labels=replace(prepared.labels, given=labels, trained=labels))
    assert found_without_answers(answered, recipe, others) is None


def test_its_own_folder_repeats_it(learnt: Path, tmp_path: Path) -> None:
    third = tmp_path / "third"
    command("train", learnt / "recipe.yaml", "--answers", learnt, "--out", third, "-q")
    for name in ("crossfit.safetensors", "predictions.safetensors", "answers.parquet", "asked.jsonl"):
        assert (learnt / name).read_bytes() == (third / name).read_bytes(), name
    assert RunDirectory(learnt).run_id == RunDirectory(third).run_id


def test_resuming_needs_no_other_run(learnt: Path, tmp_path: Path) -> None:
    cut, name = Path(shutil.copytree(learnt, tmp_path / "cut")), "predictions.safetensors"
    for gone in ("result.json", name, "checkpoints/" + max(path.name for path in (cut / "checkpoints").iterdir())):
        shutil.rmtree(cut / gone) if (cut / gone).is_dir() else (cut / gone).unlink()
    command("train", learnt / "recipe.yaml", "--out", cut, "--resume", "-q")
    assert (cut / name).read_bytes() == (learnt / name).read_bytes()


def test_answers_to_other_rows_are_refused(answered: Path, tmp_path: Path) -> None:
    recipe, out = answered.parent / "small.yaml", tmp_path / "out"
    for change in ("seeds.noise=5", "data.rows=150"):
        with refused(where=answered, key="rows"):
            command("train", recipe, "--answers", answered, "--out", out, "--set", change, "-q")
    with refused(where=answered, key="--out"):
        command("train", recipe, "--answers", answered, "--out", answered, "--overwrite", "-q")
    assert not out.exists() and Corrected(RunDirectory(answered)).state().counts["person"] == 40

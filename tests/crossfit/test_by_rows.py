"""Networks that learn through a noise matrix of each row: where noise follows the rows, and nowhere else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from small_training import CLASSES, FEATURES, arguments, peers_model

from clc_text import NoisyLabelTrainer
from clc_text.artifacts.cross_fit import CrossFit
from clc_text.crossfit.by_rows import ROUNDS
from clc_text.data.beliefs import believed
from clc_text.data.labels import Labels
from clc_text.data.rows import Rows
from clc_text.data.trusted import TrustedLabels
from clc_text.methods.clc_auto import CLCAuto
from clc_text.noise.estimation.noise_fit import matrix_of
from clc_text.noise.estimation.row_noise import noise_of_rows, taught_by_rows
from clc_text.noise.estimation.targets import taught_of

METHOD = CLCAuto(folds=3, fold_rounds=2, fold_epochs=6)


def overlapping(by_rows: bool, count: int = 600) -> tuple[Rows, np.ndarray]:
    """Rows of classes that overlap a little, 30 % of whose labels are moved: to the next class, or to the one before
    where the last feature is positive; and their true labels."""
    random = np.random.default_rng(1)
    true = random.integers(0, CLASSES, count)
    features = random.normal(size=(count, FEATURES)) + 2 * np.eye(CLASSES, FEATURES)[true]
    back = by_rows & (features[:, -1] > 0)
    given = np.where(random.random(count) < 0.3, (true + np.where(back, -1, 1)) % CLASSES, true)
    return Rows({"features": torch.from_numpy(features).float()}, torch.from_numpy(given)), true


def trainer_of(data: Rows, folder: Path, trusted: TrustedLabels | None = None) -> NoisyLabelTrainer:
    return NoisyLabelTrainer(
        peers_model(),
        arguments(folder, num_train_epochs=3),
        train_dataset=data,
        method=METHOD,
        peers_init=lambda peers, seed: peers_model(peers, seed),
        cross_fit_dir=folder,
        trusted=trusted,
    )


def test_networks_learn_through_the_noise_of_their_rows(tmp_path: Path) -> None:
    data, true = overlapping(by_rows=True)
    heard: list[CrossFit] = []

    def views(found: CrossFit, labels: Labels) -> np.ndarray:
        heard.append(found)
        return np.log(found.probs)

    trainer = trainer_of(data, tmp_path)
    trainer.views = views
    trainer.train()
    found, given = trainer.cross_fit, data.labels.numpy()
    assert found is not None and found.of_rows is not None and found.targets is not None
    before, after = heard
    assert before.of_rows is None and after.of_rows is found.of_rows
    assert found.facts["by_rows"] and found.facts["row_gain"] > 0.01
    columns = found.of_rows[np.arange(len(given)), :, given]
    np.testing.assert_allclose(found.posterior, believed(found.probs, columns))
    np.testing.assert_allclose(found.transition, matrix_of(found.posterior, given))
    pool = np.log(found.probs)
    again = noise_of_rows(pool, given, data.inputs["features"].numpy(), found.folds[0])
    assert again is not None and again.ahead and not np.allclose(again.matrices, found.of_rows)
    of_rows = taught_by_rows(pool, again.columns(given))
    np.testing.assert_allclose(found.targets, (taught_of(pool, given) + of_rows) / 2)
    rate = 1 - found.posterior[np.arange(len(given)), given].mean()
    assert found.rate == pytest.approx(rate) and abs(rate - 0.3) < 0.1
    assert len(found.folds) == METHOD.fold_rounds + ROUNDS
    assert [one["used"] for one in found.facts["rounds"]] == [False] * METHOD.fold_rounds + [True] * ROUNDS
    of_classes = taught_of(np.log(before.probs), given)
    assert (found.targets.argmax(1) == true).mean() > (of_classes.argmax(1) == true).mean() + 0.01
    kept = CrossFit.load(tmp_path)
    assert kept is not None and kept.of_rows is None
    np.testing.assert_array_equal(kept.posterior, found.posterior)


def test_noise_by_class_is_learnt_as_before(tmp_path: Path) -> None:
    data, _ = overlapping(by_rows=False)
    found = trainer_of(data, tmp_path).make_cross_fit()
    assert found.facts["by_rows"] is False and "row_gain_error" in found.facts
    assert found.of_rows is None and found.targets is not None and len(found.folds) == METHOD.fold_rounds
    np.testing.assert_array_equal(found.targets, taught_of(np.log(found.probs), data.labels.numpy()))


def test_with_answers_noise_follows_the_rows_where_it_does_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, true = overlapping(by_rows=True)
    asked = np.random.default_rng(3).choice(len(true), 120, replace=False)
    told = TrustedLabels(asked, true[asked], np.full(120, 0.2))
    trainer = trainer_of(data, tmp_path, told)
    trainer.views = lambda found, labels: np.log(found.probs)
    found, without = trainer.make_cross_fit(), trainer.without_answers
    assert without is not None and without.facts["by_rows"] and without.of_rows is not None
    assert found.facts["by_rows"] and found.of_rows is not None and found.of_rows is not without.of_rows
    assert (found.posterior[asked, true[asked]] == 1).all()
    found.save(tmp_path)
    kept = CrossFit.load(tmp_path)
    assert kept is not None and kept.facts["by_rows"]
    for name in ("posterior", "targets", "transition"):
        np.testing.assert_array_equal(getattr(kept, name), getattr(found, name))

    monkeypatch.setattr("clc_text.crossfit.fold_trainer.noise_of_rows", None)  # nobody asks
    trainer.without_answers = replace(without, facts={**without.facts, "by_rows": False})
    by_class = trainer.make_cross_fit()
    assert by_class.of_rows is None and "by_rows" not in by_class.facts
    np.testing.assert_array_equal(by_class.probs, found.probs)

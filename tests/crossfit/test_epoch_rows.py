"""Cross-fitting whose epochs take a part of the rows."""

from __future__ import annotations

from collections import Counter
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from refusals import refused

from clc_text.artifacts.cross_fit import CrossFit
from clc_text.config.recipe import loads
from clc_text.crossfit import rounds
from clc_text.noise.estimation.noise_fit import fit_noise, fit_transition, sharpened
from clc_text.runs.build import build_trainer
from clc_text.runs.prepare import prepare

ROWS, MOST, PART, BATCH = 620, 250, 206, 32  # three parts, and a rest of two rows
RECIPE = f"""
data: {{name: quickstart, rows: {ROWS}, test_rows: 50}}
noise: {{name: symmetric, rate: 0.3}}
encoder: {{name: word_vectors, vectors: train, pooling: [concat], length: 8}}
method: {{name: clc_auto, fold_rounds: 2, fold_epochs: 9}}
training: {{epochs: 2, batch_size: {BATCH}, learning_rate: 1.0e-3}}
"""


def cross_fitted(folder: Path, *overrides: str) -> tuple[CrossFit, Any]:
    recipe = loads(RECIPE, overrides=list(overrides))
    prepared = prepare(recipe)
    trainer = build_trainer(recipe, folder, prepared)
    trainer.views = None
    return trainer.make_cross_fit(), prepared.labels


def test_each_epoch_draws_other_rows_and_every_nth_row_tells_what_was_learnt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows_of_folds: list[list[int]]
) -> None:
    looked_at: list[tuple[np.ndarray, np.ndarray]] = []
    asked_again: list[int] = []

    def fitted(logits: np.ndarray, labels: np.ndarray, *more: Any) -> Any:
        looked_at.append((logits, labels))
        return fit_noise(logits, labels, *more)

    def transition(probs: np.ndarray, labels: np.ndarray, *more: Any) -> np.ndarray:
        asked_again.append(len(probs))
        return fit_transition(probs, labels, *more)

    monkeypatch.setattr(rounds, "fit_noise", fitted)
    monkeypatch.setattr(rounds, "fit_transition", transition)
    found, labels = cross_fitted(tmp_path, f"method.fold_epoch_rows={MOST}")
    epochs = sum(one["epochs"] for one in found.facts["rounds"])
    steps = -(-PART // BATCH)
    assert len(rows_of_folds) == epochs * steps
    drawn = [list(chain(*rows_of_folds[start : start + steps])) for start in range(0, len(rows_of_folds), steps)]
    assert all(len(rows) == PART for rows in drawn)
    for one in found.facts["rounds"]:
        of_round, drawn = drawn[: one["epochs"]], drawn[one["epochs"] :]
        for start in range(0, one["epochs"], 3):  # none twice before all but the rest have come
            assert max(Counter(chain(*of_round[start : start + 3])).values()) == 1
        assert len({tuple(rows) for rows in of_round}) == one["epochs"]
    assert len(looked_at) == epochs
    for logits, given in looked_at:
        assert len(logits) == 207 <= MOST
        assert (given == labels.learnt[::3]).all()
    assert set(asked_again) == {207}
    assert found.probs.shape == (ROWS, 6)  # all of them, in the end
    first = found.facts["rounds"][1]["best_epoch"]
    assert found.warm_up == np.ceil(first / 3)  # in epochs of the training, which has all rows
    assert (found.posterior.argmax(1) == labels.true).mean() > (labels.given == labels.true).mean() + 0.15


def test_as_many_rows_as_there_are_change_nothing(tmp_path: Path) -> None:
    usual, _ = cross_fitted(tmp_path, "method.fold_epochs=2")
    same, _ = cross_fitted(tmp_path, "method.fold_epochs=2", f"method.fold_epoch_rows={ROWS}")
    assert (same.probs == usual.probs).all() and (same.posterior == usual.posterior).all()
    assert same.facts["rounds"] == usual.facts["rounds"]
    assert same.warm_up == usual.warm_up


def test_what_is_looked_at_has_the_power_that_networks_are_judged_with() -> None:
    """The literal reading of an epoch's end: T by every n-th row alone, raised to the second power."""
    random = np.random.default_rng(0)
    labels = random.integers(3, size=30)
    own = np.log(random.dirichlet(np.ones(3), 30))
    settings = rounds.Settings(epoch_rows=8, warm_epochs=1)

    class Trainer:
        train_dataset = None

        def predict_held_out(self, rows: Any, fold: Any) -> Any:
            import torch

            return torch.from_numpy(own)

    import torch

    after = rounds.AfterEpoch(torch.zeros(30, dtype=torch.int64), labels, settings, None)
    after.trainer = Trainer()  # type: ignore[assignment]
    after._remember = lambda *_: None  # type: ignore[method-assign]
    after.on_epoch_end(None, None, None)
    every = slice(0, 30, 4)  # 8 rows
    assert after.best is not None and after.transition is not None
    expected = fit_noise(rounds.log_of_mean([own])[every], labels[every], None, 20)
    assert after.best.fit.log_likelihood == expected.log_likelihood
    assert (after.transition == fit_transition(sharpened(own[every], rounds.PUSH), labels[every], None, 20)).all()
    assert after.best.log_probs.shape == (30, 3)


@pytest.mark.parametrize("most", [1, 70, 149, 150])
def test_classes_of_which_several_may_hold(tmp_path: Path, most: int) -> None:
    """Each class has a sharpness of its own, found by every n-th row, and predictions of all rows."""
    lines = [f"a {'cat' if row % 2 else 'dog'} and {row % 7},{row % 2},{int(row % 3 == 0)}" for row in range(150)]
    (tmp_path / "t.csv").write_text("text,cats,threes\n" + "\n".join(lines))
    text = (
        f"data: {{name: files, train: {tmp_path / 't.csv'}, text: text, label: [cats, threes], task: multi_label}}\n"
        "encoder: {name: word_vectors, vectors: train, pooling: [concat], length: 8}\n"
        f"method: {{name: clc_auto, fold_rounds: 2, fold_epochs: 3, fold_epoch_rows: {most}}}\n"
        "training: {epochs: 2, batch_size: 32, learning_rate: 1.0e-3}\n"
    )
    recipe = loads(text)
    trainer = build_trainer(recipe, tmp_path / "run", prepare(recipe))
    found = trainer.make_cross_fit()
    assert len(found.posterior) == 300 and np.isfinite(found.posterior).all()
    if most == 150:
        same = loads(text, overrides=["method.fold_epoch_rows=null"])
        usual = build_trainer(same, tmp_path / "usual", prepare(same)).make_cross_fit()
        assert (found.posterior == usual.posterior).all() and found.facts["rounds"] == usual.facts["rounds"]


@pytest.mark.parametrize("value", ["0", "-5", "many"])
def test_no_rows_are_refused(value: str) -> None:
    with refused(key="method.fold_epoch_rows"):
        loads(RECIPE, overrides=[f"method.fold_epoch_rows={value}"])

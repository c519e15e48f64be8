"""From a recipe to a trainer: what of the recipe is fitted to the data."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest
from refusals import refused
from tiny_bert import write_tiny_bert

from clc_text.config.recipe import TRACKERS, Training, load
from clc_text.crossfit.fold_trainer import settings_of
from clc_text.runs.build import build_trainer, fitting_batch, planned_epochs, training_arguments
from clc_text.runs.encoder_choice import _of_equal_rounds
from clc_text.runs.prepare import prepare


@pytest.mark.parametrize(
    ("size", "rows", "fitting"),
    [
        (128, 128, 128), (128, 5000, 128), (1, 1, 1), (128, 127, 16), (128, 120, 16), (128, 64, 16), (128, 63, 8),
        (64, 20, 4), (8, 7, 1), (8, 1, 1), (2, 1, 1),
    ],
)  # fmt: skip
def test_a_batch_that_the_rows_do_not_fill(size: int, rows: int, fitting: int) -> None:
    assert fitting_batch(size, rows) == fitting


@pytest.mark.parametrize(("size", "taken"), [(64, 64), (128, 16)])
def test_it_is_fitted_and_said(tiny_recipe: Path, tmp_path: Path, size: int, taken: int) -> None:
    recipe = load(tiny_recipe, ["data.rows=100", f"training.batch_size={size}"])
    said: list[str] = []
    trainer = build_trainer(recipe, tmp_path / "run", prepare(recipe), log=said.append)
    assert trainer.args.per_device_train_batch_size == taken
    assert len(trainer.get_train_dataloader()) == -(-100 // taken)
    told = ["training.batch_size is 128, but there are only 100 training rows: each step takes 16 of them"]
    assert said == ([] if size == taken else told)


@pytest.mark.parametrize(
    ("encoder", "method", "rounds"),
    [
        ("{{name: sentence, model: {model}, max_length: 8}}", "{name: clc_auto}", 2),
        ("{{name: sentence, model: {model}, max_length: 8}}", "{name: clc_auto, fold_rounds: 4}", 4),
        ("{{name: tfidf}}", "{name: clc_auto}", 3),
    ],
)
def test_a_frozen_pre_trained_model_is_cross_fitted_in_two_rounds(
    tiny_recipe: Path, tmp_path: Path, encoder: str, method: str, rounds: int
) -> None:
    tiny_bert = write_tiny_bert(tmp_path / "bert")
    recipe = load(tiny_recipe, [f"encoder={encoder.format(model=tiny_bert)}", f"method={method}", "data.rows=60"])
    trainer = build_trainer(recipe, tmp_path / "run", prepare(recipe))
    assert settings_of(trainer.method).rounds == rounds
    # Of encoders that are compared each has as many rounds, or the mean of more would decide.
    assert settings_of(_of_equal_rounds(recipe.method)).rounds == (4 if rounds == 4 else 3)


def test_options_of_a_recipe_are_arguments_of_the_trainer(tiny_recipe: Path, tmp_path: Path) -> None:
    from transformers.integrations.integration_utils import INTEGRATION_TO_CALLBACK

    from clc_text.training.arguments import NoisyLabelArguments

    assert Training.arguments().keys() <= {each.name for each in fields(NoisyLabelArguments)}
    earlier = {"warmup_ratio"}  # of older versions of transformers
    assert Training.others.keys() - earlier <= {each.name for each in fields(NoisyLabelArguments)}
    assert not Training.others.keys() & Training.arguments().keys()
    assert set(TRACKERS) <= INTEGRATION_TO_CALLBACK.keys()
    given = {"learning_rate": 0.125, "warmup_steps": 3, "max_steps": 7, "logging_steps": 2, "momentum": 0.5}
    overrides = [f"training.{name}={value}" for name, value in given.items()]
    made = training_arguments(load(tiny_recipe, overrides), tmp_path)
    told = {option: argument for argument, option in Training.arguments().items()}
    assert {name: getattr(made, told[name]) for name in given} == given
    assert made.logging_strategy == "steps"
    assert training_arguments(load(tiny_recipe), tmp_path).max_steps == -1


@pytest.mark.parametrize("optimizer", ["adam", "adamw"])
def test_what_adam_averages_by_is_the_recipe_s(tiny_recipe: Path, tmp_path: Path, optimizer: str) -> None:
    chosen = [f"training.optimizer={optimizer}", "training.momentum=0.8", "training.adam_beta2=0.98"]
    recipe = load(tiny_recipe, [*chosen, "training.adam_epsilon=1e-5"])
    trainer = build_trainer(recipe, tmp_path / "run", prepare(recipe))
    groups = trainer.create_optimizer().param_groups
    assert {(group["betas"], group["eps"]) for group in groups} == {((0.8, 0.98), 1e-5)}
    plain = load(tiny_recipe)
    assert plain.fingerprint() != recipe.fingerprint()
    assert (plain.training.beta2, plain.training.epsilon) == (0.999, 1e-8)


@pytest.mark.parametrize(
    ("changes", "epochs"),
    [([], 5), (["max_steps=14"], 2), (["max_steps=15"], 3), (["max_steps=8", "gradient_accumulation=2"], 2)],
)
def test_steps_in_place_of_epochs(tiny_recipe: Path, changes: list[str], epochs: int) -> None:
    """400 rows in batches of 64 are 7 steps of an epoch, 4 of two batches each."""
    assert planned_epochs(load(tiny_recipe, [f"training.{change}" for change in changes]), 400) == epochs


def test_a_tracker_that_is_not_installed_is_named(
    tiny_recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("transformers.integrations.get_available_reporting_integrations", lambda: ["mlflow"])
    with refused(key="training.report_to"):
        training_arguments(load(tiny_recipe, ["training.report_to=[mlflow, wandb]"]), tmp_path)

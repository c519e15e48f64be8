"""`hyperparameter_search` with optuna chooses as it does with a stock `Trainer`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import optuna
import pytest
import torch
from datasets import Dataset
from refusals import refused
from small_training import CLASSES, FEATURES, arguments, rows
from torch import Tensor, nn
from transformers import EvalPrediction, Trainer
from transformers.modeling_outputs import SequenceClassifierOutput
from transformers.trainer_utils import BestRun

from clc_text.crossfit.trainer import CLCTrainer, NoisyLabelTrainer

RATES = [1e-7, 3e-2]  # the first learns nothing


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(FEATURES, CLASSES)

    def forward(self, features: Tensor, labels: Tensor | None = None) -> SequenceClassifierOutput:
        logits = self.linear(features)
        loss = None if labels is None else nn.functional.cross_entropy(logits, labels)
        return SequenceClassifierOutput(loss=loss, logits=logits)


def table(count: int, seed: int = 1, noise: float = 0.0) -> Dataset:
    """The rows as a stock `Trainer` takes them."""
    data = rows(count, seed, noise)
    features = {"features": data.inputs["features"].numpy(), "labels": data.labels.numpy()}
    return Dataset.from_dict(features).with_format("torch")


def error(prediction: EvalPrediction) -> dict[str, float]:
    return {"error": float((prediction.predictions.argmax(-1) != prediction.label_ids).mean())}


@pytest.fixture
def search(tmp_path) -> Callable[..., BestRun]:
    optuna.logging.set_verbosity(optuna.logging.ERROR)

    def search(kind: type[Trainer], direction: str = "minimize", evaluation: Any = None, **more: Any) -> BestRun:
        trainer = kind(
            args=arguments(tmp_path),
            model_init=lambda: Net(),
            train_dataset=table(200, noise=0.2),
            eval_dataset=table(80, seed=2) if evaluation is None else evaluation,
            **more,
        )
        return trainer.hyperparameter_search(
            hp_space=lambda trial: {"learning_rate": trial.suggest_categorical("learning_rate", RATES)},
            n_trials=2,
            direction=direction,
            backend="optuna",
            sampler=optuna.samplers.GridSampler({"learning_rate": RATES}, seed=0),
        )

    return search


@pytest.mark.parametrize("kind", [Trainer, NoisyLabelTrainer, CLCTrainer])
@pytest.mark.parametrize("metrics", [None, error])
def test_the_same_trial_wins_as_with_a_stock_trainer(search, kind, metrics):
    best = search(kind, compute_metrics=metrics)
    assert best.hyperparameters == {"learning_rate": RATES[1]} and best.objective < 1


def test_the_objective_is_the_users_metric_alone(search):
    assert search(Trainer, compute_metrics=error).objective == pytest.approx(
        search(NoisyLabelTrainer, compute_metrics=error, peers=1).objective, abs=0.1
    )


def test_several_evaluation_sets(search):
    sets = {"a": table(40, seed=2), "b": table(40, seed=3)}
    best = search(NoisyLabelTrainer, evaluation=sets, compute_metrics=error)
    assert best.hyperparameters == {"learning_rate": RATES[1]}


def test_trials_start_from_networks_of_their_own(search):
    first = {}
    for turn in (0, 1):
        torch.manual_seed(turn)
        first[turn] = search(CLCTrainer).objective
    assert first[0] == first[1]


def test_what_cross_fits_before_is_refused(search):
    with refused(key="hyperparameter_search"):
        search(NoisyLabelTrainer, method="clc_auto")
    with refused(key="hyperparameter_search"):
        search(NoisyLabelTrainer, method="co_teaching", noise_rate="estimate")

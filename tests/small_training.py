"""Parts of trainings that take a fraction of a second."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from transformers import TrainerCallback, TrainingArguments

from clc_text.crossfit.trainer import NoisyLabelTrainer
from clc_text.data.rows import Rows
from clc_text.text.networks.stacked_mlp import StackedMLP, StackedMLPConfig
from clc_text.training.arguments import NoisyLabelArguments
from clc_text.training.epochs import EpochResult

FEATURES, CLASSES, ROWS = 8, 4, 50
# Before transformers 5.2 an argument of its own.
LONG_BESIDE_LONG: dict[str, Any] = (
    {"train_sampling_strategy": "group_by_length"}
    if hasattr(TrainingArguments, "train_sampling_strategy")
    else {"group_by_length": True}
)


def rows(count: int = ROWS, seed: int = 1, noise: float = 0.2) -> Rows:
    """Separable rows, of whose labels a share is drawn anew."""
    generator = torch.Generator().manual_seed(seed)
    centres = torch.randn(CLASSES, FEATURES, generator=torch.Generator().manual_seed(0))
    labels = torch.randint(CLASSES, (count,), generator=generator)
    features = 2 * centres[labels] + torch.randn(count, FEATURES, generator=generator)
    flipped = torch.rand(count, generator=generator) < noise
    labels = torch.where(flipped, torch.randint(CLASSES, (count,), generator=generator), labels)
    return Rows({"features": features}, labels)


def peers_model(peers: int = 2, seed: int = 0, dropout: float = 0.0) -> StackedMLP:
    config = StackedMLPConfig(
        input_size=FEATURES, hidden_sizes=[12, 10], num_labels=CLASSES, peers=peers, seed=seed, dropout=dropout
    )
    return StackedMLP(config)


def arguments(folder: Path, **more: Any) -> NoisyLabelArguments:
    chosen: dict[str, Any] = {
        "num_train_epochs": 4,
        "per_device_train_batch_size": 16,
        "per_device_eval_batch_size": 64,
        "learning_rate": 5e-3,
        "save_strategy": "no",
        "logging_strategy": "no",
        "data_seed": 0,
        "disable_tqdm": True,
        "use_cpu": True,
        "report_to": "none",
    }
    return NoisyLabelArguments(output_dir=str(folder), **(chosen | more))


class StopAtSave(TrainerCallback):
    """Ends training as a crash would, right after the checkpoint of a step."""

    def __init__(self, step: int) -> None:
        self.step = step

    def on_save(self, args: Any, state: Any, control: Any, **more: Any) -> None:
        if state.global_step == self.step:
            raise KeyboardInterrupt


def whole_and_resumed(
    build: Callable[..., NoisyLabelTrainer], step: int
) -> tuple[NoisyLabelTrainer, NoisyLabelTrainer]:
    """A training without interruption, and one that was cut after a step and went on from its checkpoint.

    Args:
        build: makes a trainer that saves by steps in the folder of a name, with more arguments.
    """

    def saving(name: str, **more: Any) -> NoisyLabelTrainer:
        trainer = build(name, **more)
        trainer.args.save_steps = step  # a checkpoint takes many times as long as a step
        return trainer

    whole = saving("whole")
    whole.train()
    with pytest.raises(KeyboardInterrupt):
        saving("cut", callbacks=[StopAtSave(step)]).train()
    resumed = saving("cut")
    resumed.train(resume_from_checkpoint=True)
    return whole, resumed


class Collected(list[EpochResult]):
    """An epoch listener that keeps what it is told."""

    def __call__(self, result: EpochResult) -> None:
        self.append(result)


def same_tensors(one: dict[str, Tensor], other: dict[str, Tensor]) -> None:
    assert one.keys() == other.keys()
    for name in one:
        assert torch.equal(one[name], other[name]), name


def same_results(one: list[EpochResult], other: list[EpochResult]) -> None:
    """All that two trainings tell of their epochs is equal to the bit."""
    assert len(one) == len(other)
    for mine, theirs in zip(one, other, strict=True):
        for name in ("epoch", "step", "loss", "learning_rate", "supervised"):
            assert getattr(mine, name) == getattr(theirs, name), f"epoch {mine.epoch}: {name}"
        for name in ("threshold", "test_log_probs"):
            first, second = getattr(mine, name), getattr(theirs, name)
            assert (first is None) == (second is None), name
            assert first is None or torch.equal(first, second), f"epoch {mine.epoch}: {name}"
        same_tensors(vars(mine.record), vars(theirs.record))

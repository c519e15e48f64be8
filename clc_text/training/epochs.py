"""Where an epoch begins and ends, and what is told of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from torch import Tensor
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from clc_text.artifacts.dynamics import EpochRecord
from clc_text.training.arguments import NoisyLabelOptions
from clc_text.training.notices import Notice


@dataclass(frozen=True)
class EpochResult:
    """What is known at the end of an epoch.

    Attributes:
        epoch: epochs completed, the first is 1.
        step: optimizer steps completed.
        loss: mean of the peers' training loss over the epoch's steps.
        learning_rate: as the epoch leaves it: that of the next step.
        record: what training saw of every row.
        test_log_probs: [P, M, C] over the evaluation rows, None without any.
        threshold: [P] Γ, None before there is one.
        supervised: False while the warm-up lasts.
        temperature: [P], what the method divides logits by before it measures doubt; None where it does not.
        notes: what the run decided since the epoch before.
    """

    epoch: int
    step: int
    loss: float
    learning_rate: float
    record: EpochRecord
    test_log_probs: Tensor | None
    threshold: Tensor | None
    supervised: bool
    temperature: Tensor | None = None
    notes: tuple[Notice, ...] = ()


class InEpochs(Protocol):
    """What is told of epochs."""

    options: NoisyLabelOptions

    @property
    def epochs_closed(self) -> int: ...

    def begin_training(self, epochs: int) -> None: ...

    def begin_epoch(self, epoch: int, steps_per_epoch: int) -> None: ...

    def end_epoch(self, epoch: int, step: int) -> None: ...

    def end_training(self) -> None: ...


class EpochHooks(TrainerCallback):
    """Tells the trainer where an epoch, one pass over the training set, begins and ends, whatever ends training."""

    def __init__(self, trainer: InEpochs) -> None:
        self.trainer = trainer
        self.steps: int | None = 1  # of one epoch; None: nobody knows before it has ended

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **more: Any
    ) -> None:
        try:
            self.steps = max(1, -(-len(more["train_dataloader"]) // args.gradient_accumulation_steps))
        except TypeError:  # rows that flow by
            self.steps = None
            self.trainer.begin_training(1)
            return
        self.trainer.begin_training(-(-state.max_steps // self.steps))
        done, within = divmod(state.global_step, self.steps)
        if done and not within and self.trainer.epochs_closed < done:
            # Resumed from a checkpoint that was taken after the last step of an epoch and before its end.
            self.trainer.end_epoch(done, state.global_step)

    def on_epoch_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **more: Any
    ) -> None:
        begun = self.trainer.epochs_closed if self.steps is None else state.global_step // self.steps
        self.trainer.begin_epoch(begun, self.steps or 1)

    def on_epoch_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **more: Any) -> None:
        epoch = self.trainer.epochs_closed + 1 if self.steps is None else -(-state.global_step // self.steps)
        self.trainer.end_epoch(epoch, state.global_step)
        every = self.trainer.options.checkpoint_epochs
        if every and (epoch % every == 0 or state.global_step >= state.max_steps or control.should_training_stop):
            control.should_save = True

    def on_train_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **more: Any) -> None:
        self.trainer.end_training()

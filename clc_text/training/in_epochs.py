"""The part of the trainer that goes from epoch to epoch: when the method takes over, and what listeners are told."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments
from transformers.utils.logging import get_logger

from clc_text.artifacts.dynamics import TrainingDynamics
from clc_text.data.beliefs import SEARCH_CELLS
from clc_text.data.best_classes import is_large
from clc_text.data.labels import Labels
from clc_text.data.rows import Rows
from clc_text.data.sampling import every_nth
from clc_text.data.trusted import TrustedLabels
from clc_text.training.checkpointing import Checkpointing
from clc_text.training.data import indexable, label_column, labelled
from clc_text.training.epochs import EpochResult
from clc_text.training.notices import never_began, selected_apart, will_never_begin
from clc_text.training.schedule import set_momentum

logger = get_logger(__name__)


class InEpochs(Checkpointing):
    """Called by `EpochHooks` where an epoch begins and ends, whatever ends training."""

    recover: bool
    trusted: TrustedLabels | None

    @property
    def epochs_closed(self) -> int:
        """Epochs that have ended and been told to the listeners."""
        return self.supervisor.accounts.closed

    @property
    def dynamics(self) -> TrainingDynamics:
        """What training saw of every row."""
        return self.supervisor.accounts.dynamics

    @property
    def supervised(self) -> bool:
        """Whether the method has taken over from the warm-up."""
        return self.supervisor.warm_up.over

    def begin_training(self, epochs: int) -> None:
        """Called before the first step, with the number of epochs that are to come in all."""
        # A step divides by its batches already; accelerate, told of them by some versions, would do so again.
        self.accelerator.gradient_accumulation_steps = 1
        parts = self.args.gradient_accumulation_steps * self.accelerator.num_processes
        if parts > 1 and self.method.by_batch:
            logger.warning(selected_apart(self.method.name, parts))
        if self.method.warmup_epochs >= epochs and self.supervisor.warm_up.lasts:
            logger.warning(will_never_begin(self.method.name, epochs, self.method.warmup_epochs))

    def begin_epoch(self, epoch: int, steps_per_epoch: int) -> None:
        """Called before the first step of an epoch; `epoch` counts from 0."""
        momentum, decay = self.options.momentum_after_decay, self.options.decay_from_epoch
        if momentum is not None and decay is not None and epoch >= decay:
            set_momentum(self.optimizer, momentum)
        supervisor, state = self.supervisor, self.supervisor.state
        state.epoch, state.steps_per_epoch = epoch, steps_per_epoch
        if supervisor.warm_up.asks_before(state):
            rows, part = self._asked_of()
            logits, labels = self._predict(rows)
            counts = self._given_counts(logits.shape[-1]) if self.recover else None
            supervisor.take_over(logits, labels, counts, self.accelerator.unwrap_model(self.model), part)

    def _asked_of(self) -> tuple[Any, slice | None]:
        """The rows by which the peers are judged when the warm-up may end, and which these are (None: all): of tables
        of very many rows and classes every n-th, unless each row is to be known by its number."""
        rows, classes, method = self.train_dataset, self.problem.classes, self.method
        by_number = method.divides or method.warm_up_without(torch.zeros(1, dtype=torch.int64)) is not None
        if not isinstance(rows, Rows) or classes is None or self.problem.multi_label or by_number:
            return rows, None
        if not is_large(len(rows), classes):
            return rows, None
        part = every_nth(len(rows), SEARCH_CELLS // classes)
        return Rows({name: values[part] for name, values in rows.inputs.items()}, rows.labels[part]), part

    def _given_counts(self, classes: int) -> Tensor:
        """int64 [C], rows of each given class."""
        return torch.from_numpy(np.bincount(self.given_labels().given, minlength=classes))

    def given_labels(self) -> Labels:
        """What is known of the labels of the training set."""
        labels, problem = label_column(self.train_dataset), self.problem
        classes = problem.classes
        if labels is None:
            logits, labels = self._predict(self.train_dataset)
            classes = logits.shape[-1]
        return Labels.of(problem.checked(labels, classes).cpu().numpy(), trusted=self.trusted)

    def end_epoch(self, epoch: int, step: int) -> None:
        """Called after the last step of an epoch; `epoch` counts the completed ones."""
        supervisor, memory, last = self.supervisor, self.supervisor.state.memory, step >= self.state.max_steps
        write = (last or epoch % self.options.dynamics_epochs == 0) and self.is_world_process_zero()
        loss, record = supervisor.close(self.accelerator, epoch, write)
        supervised, threshold = self.supervised, memory.get("threshold")
        if self.recover and supervised:
            model, counts = self.accelerator.unwrap_model(self.model), self._given_counts(supervisor.state.num_classes)
            supervisor.after_epoch(epoch, record, counts, model, self.optimizer)
        if last and supervisor.warm_up.lasts:
            supervisor.notices.append(never_began(self.method.name, epoch, self.method.warmup_epochs))
        notices, supervisor.notices = tuple(supervisor.notices), []
        if not self.epoch_listeners:
            return
        scored = indexable(self.eval_dataset) and not isinstance(self.eval_dataset, dict)
        scored = scored and labelled(self.eval_dataset, not self.args.remove_unused_columns)
        result = EpochResult(
            epoch=epoch,
            step=step,
            loss=loss,
            learning_rate=float(self._get_learning_rate()),
            record=record,
            test_log_probs=self.predict_log_probs(self.eval_dataset).cpu() if scored else None,
            threshold=threshold,
            temperature=memory.get("temperature"),
            supervised=supervised,
            notices=notices,
        )
        if self.is_world_process_zero():
            for listener in self.epoch_listeners:
                listener(result)

    def end_training(self) -> None:
        """Called when training is over."""
        self.model.eval()  # what is asked of it from now on is the ensemble; another training begins with `train()`
        supervisor = self.supervisor
        supervisor.accounts.end(write=self.is_world_process_zero())
        if self.epochs_closed and self.state.global_step < self.state.max_steps and supervisor.warm_up.lasts:
            # Stopped early, and after the last epoch was told to the listeners.
            logger.warning(never_began(self.method.name, self.epochs_closed, self.method.warmup_epochs).message)


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

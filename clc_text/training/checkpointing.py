"""The part of the trainer that saves and takes up a training: what it knows beside the networks, and what is whole."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

from torch import nn
from transformers.trainer_utils import rotate_checkpoints

from clc_text.artifacts.run_files import Complete
from clc_text.methods.base import Method, TrainingState
from clc_text.training.accounting import EpochAccounts, of_process
from clc_text.training.checkpoints import (
    check_beside,
    check_same_training,
    forget,
    read_method_state,
    vouch_for,
    way_out,
    write_method_state,
)
from clc_text.training.data import count_rows
from clc_text.training.epochs import EpochResult
from clc_text.training.notices import Notice
from clc_text.training.saving import PeersSaving
from clc_text.training.warm_up import WarmUp
from clc_text.utils.damage import undamaged
from clc_text.utils.files import settle, to_be_written


class Checkpointing(PeersSaving):
    """Every part of a training gives what a checkpoint keeps of it, and takes that back.

    Attributes:
        notes: what was decided since the last epoch was told to the listeners.
    """

    method: Method
    method_state: TrainingState
    accounts: EpochAccounts
    warm_up: WarmUp
    notes: list[Notice]
    dynamics_dir: Path | None
    epoch_listeners: list[Callable[[EpochResult], None]]

    def check_files_beside(self, checkpoint: Path, complete: Complete) -> None:
        """Refuses to go on from a checkpoint whose files outside of it are not as they were.

        Raises:
            InputError: one is missing or was changed.
        """
        check_beside(checkpoint, complete.get("dynamics", {}), self.dynamics_dir)

    def complete_facts(self) -> Complete:
        """What makes a checkpoint of this moment complete, as `check_files_beside` reads it."""
        recorded: dict[str, str] = {}
        for listener in self.epoch_listeners:
            recorded |= getattr(listener, "recorded", dict)()
        return {
            "step": self.state.global_step,
            "epoch": self.state.epoch,
            "epochs_closed": self.accounts.closed,
            "dynamics": self.accounts.dynamics.written,
            "cross_fit": {},
            "recorded": recorded,
        }

    def _save_checkpoint(self, model: nn.Module, trial: Any) -> None:
        if self.accounts.steps:
            self.accounts.mean_loss(
                self.accelerator, self.accounts.closed + 1
            )  # a checkpoint of networks that are lost would help nobody
        folder = Path(self._get_output_dir(trial)) / f"checkpoint-{self.state.global_step}"
        limit, self.args.save_total_limit = self.args.save_total_limit, None
        if self.args.should_save:
            forget(folder)  # what is left of an earlier one of this step
        self.accelerator.wait_for_everyone()
        try:
            with to_be_written(folder):
                super()._save_checkpoint(model, trial)
        finally:
            self.args.save_total_limit = limit
        self.accelerator.wait_for_everyone()
        if self.args.should_save:
            with to_be_written(folder):
                settle(folder)
        if self.args.should_save and not self.args.save_only_model:
            vouch_for(folder, self.complete_facts())
        if self.args.should_save and limit is not None:
            # Not before this one is complete: a crash in between would leave none to resume from.
            rotate_checkpoints(
                output_dir=self._get_output_dir(trial),
                save_total_limit=limit,
                best_model_checkpoint=self.state.best_model_checkpoint,
                use_mtime=True,
            )

    def _save_optimizer_and_scheduler(self, output_dir: str) -> None:
        super()._save_optimizer_and_scheduler(output_dir)
        accounts = self.accounts.tensors(
            self.accelerator, self.args.device, self.method_state.memory, self.method.row_memory
        )
        if not self.args.should_save:
            return
        tensors = {f"memory.{name}": values for name, values in self.method_state.memory.items()}
        tensors |= accounts | self.warm_up.tensors
        facts = {
            "method": self.method.name,
            "rows": count_rows(self.train_dataset),
            "num_classes": self.method_state.num_classes,
            "notes": [dataclasses.asdict(note) for note in self.notes],
            **self.accounts.facts,
            **self.warm_up.facts,
        }
        write_method_state(Path(output_dir), tensors, facts)

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: nn.Module | None = None) -> None:
        with undamaged(Path(resume_from_checkpoint), way_out(Path(resume_from_checkpoint))):
            super()._load_from_checkpoint(resume_from_checkpoint, model)

    def _load_rng_state(self, checkpoint: str | None) -> None:
        with undamaged(Path(checkpoint or "."), way_out(Path(checkpoint or "."))):
            super()._load_rng_state(checkpoint)

    def _load_optimizer_and_scheduler(self, checkpoint: str | None) -> None:
        with undamaged(Path(checkpoint or "."), way_out(Path(checkpoint or "."))):
            super()._load_optimizer_and_scheduler(checkpoint)
            if checkpoint is not None:
                self._load_method_state(checkpoint)

    def _load_method_state(self, checkpoint: str) -> None:
        tensors, facts = read_method_state(Path(checkpoint), self.args.device)
        check_same_training(Path(checkpoint), facts, method=self.method.name, rows=count_rows(self.train_dataset))
        tensors = of_process(tensors, self.args.process_index, self.args.world_size)
        memory = {name.removeprefix("memory."): value for name, value in tensors.items() if name.startswith("memory.")}
        self.method_state.memory = memory
        self.method_state.num_classes = facts.get("num_classes", self.method_state.num_classes)
        self.notes = [Notice(**note) for note in facts.get("notes", [])]
        self.accounts.load(tensors, facts, self.args.process_index, self.args.world_size)
        self.warm_up.load(tensors, facts)
        self.method_state.began = self.warm_up.began

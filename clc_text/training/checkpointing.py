"""The part of the trainer that saves and takes up a training: what it knows beside the networks, and what is whole."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from torch import nn

from clc_text.artifacts.run_files import Complete
from clc_text.errors import InputError
from clc_text.methods.base import Method
from clc_text.training.checkpoints import (
    check_beside,
    check_resumable,
    check_same_training,
    forget,
    groups_in,
    last_complete_checkpoint,
    read_method_state,
    vouch_for,
    way_out,
    write_method_state,
)
from clc_text.training.data import count_rows
from clc_text.training.distributed import load_to_numbered_cpus
from clc_text.training.epochs import EpochResult
from clc_text.training.saving import PeersSaving
from clc_text.training.supervisor import Supervisor
from clc_text.utils.damage import undamaged
from clc_text.utils.files import settle, to_be_written
from clc_text.utils.older_transformers import rotate_checkpoints


class Checkpointing(PeersSaving):
    """What supervises a training gives what a checkpoint keeps of it, and takes that back."""

    method: Method
    supervisor: Supervisor
    dynamics_dir: Path | None
    epoch_listeners: list[Callable[[EpochResult], None]]

    def checked_checkpoint(self, wanted: str | bool | None) -> tuple[Path, Complete] | None:
        """The checkpoint to go on from and what it vouches for; None: training begins anew.

        Args:
            wanted: its folder; True: the newest that is complete.

        Raises:
            InputError: there is none, or files in it or beside it are not as they were.
        """
        if not wanted:
            return None
        checkpoint = last_complete_checkpoint(Path(self.args.output_dir)) if wanted is True else Path(wanted)
        if checkpoint is None:
            raise InputError(
                f"there is no complete checkpoint in {self.args.output_dir} to resume from",
                where=self.args.output_dir,
                key="checkpoint",
            )
        # Before `Trainer` fails at the first file that it does not know, or goes on from one that was changed.
        complete = check_resumable(checkpoint)
        self.check_files_beside(checkpoint, complete)
        return checkpoint, complete

    def begin_after(self, resumed: tuple[Path, Complete] | None) -> None:
        """Called with what `checked_checkpoint` gave, before training and after all that was learnt is forgotten."""
        self.groups = 0 if resumed is None else groups_in(resumed[0])
        if resumed is not None:
            self.supervisor.accounts.dynamics.written = dict(resumed[1].get("dynamics", {}))

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
            "epochs_closed": self.supervisor.accounts.closed,
            "dynamics": self.supervisor.accounts.dynamics.written,
            "cross_fit": {},
            "recorded": recorded,
        }

    def _save_checkpoint(self, model: nn.Module, trial: Any) -> None:
        accounts = self.supervisor.accounts
        if accounts.steps:  # a checkpoint of networks that are lost would help nobody
            accounts.mean_loss(self.accelerator, accounts.closed + 1)
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
        tensors = self.supervisor.tensors(self.accelerator, self.args.device)
        if self.args.should_save:
            facts = {"rows": count_rows(self.train_dataset), **self.supervisor.facts}
            write_method_state(Path(output_dir), tensors, facts)

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: nn.Module | None = None) -> None:
        with undamaged(Path(resume_from_checkpoint), way_out(Path(resume_from_checkpoint))):
            super()._load_from_checkpoint(resume_from_checkpoint, model)

    def _load_rng_state(self, checkpoint: str | None) -> None:
        with undamaged(Path(checkpoint or "."), way_out(Path(checkpoint or "."))):
            super()._load_rng_state(checkpoint)

    def _load_optimizer_and_scheduler(self, checkpoint: str | None) -> None:
        if self.args.device.type == "cpu" and self.args.device.index is not None:
            load_to_numbered_cpus()
        with undamaged(Path(checkpoint or "."), way_out(Path(checkpoint or "."))):
            super()._load_optimizer_and_scheduler(checkpoint)
            if checkpoint is not None:
                self._load_method_state(checkpoint)

    def _load_method_state(self, checkpoint: str) -> None:
        tensors, facts = read_method_state(Path(checkpoint), self.args.device)
        check_same_training(Path(checkpoint), facts, method=self.method.name, rows=count_rows(self.train_dataset))
        self.supervisor.load(tensors, facts, self.args.process_index, self.args.world_size)

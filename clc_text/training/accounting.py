"""What an epoch adds up to: the mean loss, and what was seen of every row."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from torch import Tensor

from clc_text.artifacts.dynamics import EpochRecord, TrainingDynamics
from clc_text.artifacts.run_files import MethodFacts
from clc_text.errors import InputError
from clc_text.training import distributed

OWN = "own."  # before the name of what every process has of its own, [processes, ...]


def of_process(tensors: dict[str, Tensor], process: int, processes: int) -> dict[str, Tensor]:
    """A checkpoint's tensors for one of so many processes; what all have together where they were not so many."""
    own = {name: values for name, values in tensors.items() if name.startswith(OWN)}
    left = {name: values for name, values in tensors.items() if name not in own}
    return left | {name.removeprefix(OWN): each[process] for name, each in own.items() if len(each) == processes}


class EpochAccounts:
    """The loss of the epoch under way and the training dynamics of its rows.

    Args:
        rows: N.
        peers: P.
        dynamics_dir: where the training dynamics' files go; None keeps it in memory for one epoch.

    Attributes:
        closed: epochs that have ended and been told to the listeners.
        steps: micro-batches of this epoch so far.
    """

    def __init__(self, rows: int, peers: int, dynamics_dir: Path | None) -> None:
        self.dynamics = TrainingDynamics(rows, peers, dynamics_dir)
        self.closed = 0
        self.steps = 0
        self._loss_sum: Tensor | None = None
        self._unwritten: tuple[int, EpochRecord] | None = None

    def observe(self, loss: Tensor) -> None:
        """The loss of one micro-batch, without gradient."""
        self._loss_sum = loss if self._loss_sum is None else self._loss_sum + loss
        self.steps += 1

    def mean_loss(self, accelerator: Accelerator, epoch: int) -> float:
        """Of the epoch so far, over all processes.

        Raises:
            InputError: it is no number, which is never passed over.
        """
        loss = math.nan
        if self._loss_sum is not None:
            mean = self._loss_sum / self.steps
            if distributed.several(accelerator):
                mean = distributed.of_every_process(accelerator, mean).mean()
            loss = float(mean)
        if not math.isfinite(loss):
            raise InputError(
                f"the training loss became {loss} in epoch {epoch}; lower training.learning_rate, or set "
                "training.max_grad_norm",
                key="training.learning_rate",
            )
        return loss

    def gather(self, accelerator: Accelerator, memory: dict[str, Tensor], of_rows: Sequence[str]) -> None:
        """Puts together what several processes have seen of the rows in an epoch; afterwards each has it all.

        Args:
            memory: the method's, changed in place.
            of_rows: the names in it that hold something for every row, [..., N, ·].
        """
        if distributed.several(accelerator):
            whole = self._together(accelerator, self._own(memory, of_rows))
            self.dynamics.load_state_dict(whole)
            memory |= {name: whole[f"memory.{name}"] for name in of_rows if name in memory}

    def _own(self, memory: dict[str, Tensor], of_rows: Sequence[str]) -> dict[str, Tensor]:
        """What this process has seen of the rows, by the names that it has in a checkpoint."""
        return self.dynamics.state_dict() | {f"memory.{name}": memory[name] for name in of_rows if name in memory}

    def _together(self, accelerator: Accelerator, own: dict[str, Tensor]) -> dict[str, Tensor]:
        whole, seen = {}, own["dynamics.seen"]
        together = distributed.rows_together(accelerator, seen)
        for name, values in own.items():
            if name.startswith("memory."):  # of rows, where the dynamics may be of pairs of a row and a class
                each = seen.view(values.shape[-2], -1).any(-1)
                whole[name] = distributed.rows_together(accelerator, each)(values, -2)
            else:
                whole[name] = together(values, -1)
        return whole

    def close(self, epoch: int, write: bool) -> EpochRecord:
        """Ends an epoch; `write` says whether its part of the training dynamics goes to its file now."""
        self._loss_sum, self.steps = None, 0
        record = self.dynamics.close_epoch(epoch, write=write)
        self._unwritten = None if write else (epoch, record)
        self.closed = epoch
        return record

    def end(self, write: bool) -> None:
        """When training is over: the last epoch always has a file in the dynamics."""
        if self._unwritten is not None and write:
            self.dynamics.write(*self._unwritten)
        self._unwritten = None

    def tensors(
        self, accelerator: Accelerator, device: torch.device, memory: dict[str, Tensor], of_rows: Sequence[str]
    ) -> dict[str, Tensor]:
        """What a checkpoint keeps; every process must ask, since each has its own.

        Of several processes it keeps what they have seen of the rows together, and beside it what each has, by names
        with `OWN`: a row that two of them are given in an epoch, to fill the last batches, is to each what it was
        without the checkpoint.
        """
        loss_sum = torch.zeros((), device=device) if self._loss_sum is None else self._loss_sum
        own = self._own(memory, of_rows)
        if not distributed.several(accelerator):
            return own | {"loss_sum": loss_sum}
        each = {OWN + name: distributed.of_every_process(accelerator, values) for name, values in own.items()}
        return (
            self._together(accelerator, own) | each | {"loss_sum": distributed.of_every_process(accelerator, loss_sum)}
        )

    @property
    def facts(self) -> dict[str, Any]:
        return {"loss_steps": self.steps, "epochs_closed": self.closed}

    def load(self, tensors: dict[str, Tensor], facts: MethodFacts, process: int, processes: int) -> None:
        """What `tensors` and `facts` gave, for one of so many processes."""
        self.dynamics.load_state_dict({name: value.cpu() for name, value in tensors.items()})
        self.steps, self.closed = facts["loss_steps"], facts["epochs_closed"]
        sums = tensors["loss_sum"]
        if sums.dim() and len(sums) == processes:
            sums = sums[process]
        self._loss_sum = sums.mean() if self.steps else None

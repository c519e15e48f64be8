"""What an epoch adds up to: the mean loss, and what was seen of every row."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from torch import Tensor

from clc_text.artifacts.ledger import EpochRecord, Ledger
from clc_text.errors import InputError
from clc_text.training import across


class EpochAccounts:
    """The loss of the epoch under way and the ledger of its rows.

    Args:
        rows: N.
        peers: P.
        ledger_dir: where the ledger's files go; None keeps it in memory for one epoch.

    Attributes:
        closed: epochs that have ended and been told to the listeners.
        steps: micro-batches of this epoch so far.
    """

    def __init__(self, rows: int, peers: int, ledger_dir: Path | None) -> None:
        self.ledger = Ledger(rows, peers, ledger_dir)
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
            if across.several(accelerator):
                mean = across.of_every_process(accelerator, mean).mean()
            loss = float(mean)
        if not math.isfinite(loss):
            raise InputError(
                f"the training loss became {loss} in epoch {epoch}; lower training.learning_rate, or set "
                "training.max_grad_norm"
            )
        return loss

    def gather(self, accelerator: Accelerator, memory: dict[str, Tensor], of_rows: Sequence[str]) -> None:
        """Puts together what several processes have seen of the rows; afterwards each has it all.

        Args:
            memory: the method's, changed in place.
            of_rows: the names in it that hold something for every row, [..., N, ·].
        """
        if not across.several(accelerator):
            return
        state = self.ledger.state_dict()
        together = across.rows_together(accelerator, state["ledger.seen"])
        for name in of_rows:
            if name in memory:
                memory[name] = together(memory[name], -2)
        self.ledger.load_state_dict({name: together(values, -1) for name, values in state.items()})

    def close(self, epoch: int, write: bool) -> EpochRecord:
        """Ends an epoch; `write` says whether its part of the ledger goes to its file now."""
        self._loss_sum, self.steps = None, 0
        record = self.ledger.close_epoch(epoch, write=write)
        self._unwritten = None if write else (epoch, record)
        self.closed = epoch
        return record

    def end(self, write: bool) -> None:
        """When training is over: the last epoch always has a file in the ledger."""
        if self._unwritten is not None and write:
            self.ledger.write(*self._unwritten)
        self._unwritten = None

    def tensors(self, accelerator: Accelerator, device: torch.device) -> dict[str, Tensor]:
        """What a checkpoint keeps; every process must ask, since each has its own sum."""
        loss_sum = torch.zeros((), device=device) if self._loss_sum is None else self._loss_sum
        if across.several(accelerator):
            loss_sum = across.of_every_process(accelerator, loss_sum)
        return self.ledger.state_dict() | {"loss_sum": loss_sum}

    @property
    def facts(self) -> dict[str, Any]:
        return {"loss_steps": self.steps, "epochs_closed": self.closed}

    def load(self, tensors: dict[str, Tensor], facts: dict[str, Any], process: int, processes: int) -> None:
        """What `tensors` and `facts` gave, for one of so many processes."""
        self.ledger.load_state_dict({name: value.cpu() for name, value in tensors.items()})
        self.steps, self.closed = facts["loss_steps"], facts["epochs_closed"]
        sums = tensors["loss_sum"]
        if sums.dim() and len(sums) == processes:
            sums = sums[process]
        self._loss_sum = sums.mean() if self.steps else None

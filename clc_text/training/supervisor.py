"""What a training on noisy labels keeps beside the networks: who supervises a batch, by what, and what was seen."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any

import torch
from accelerate import Accelerator
from torch import Tensor, nn

from clc_text.artifacts.dynamics import EpochRecord
from clc_text.artifacts.run_files import MethodFacts
from clc_text.errors import InputError
from clc_text.methods.base import Looks, Method, Supervision, TrainingState
from clc_text.models.peers import at_least_float32
from clc_text.training.accounting import EpochAccounts, of_process
from clc_text.training.answer_targets import AnswerTargets
from clc_text.training.data import as_classes
from clc_text.training.notices import Notice
from clc_text.training.problem_type import SingleLabel
from clc_text.training.targets import RowTargets
from clc_text.training.warm_up import WarmUp

_MEMORY = "memory."  # before the name of a tensor that the method remembers


@dataclass
class Supervisor:
    """Supervises batches, from the first of a training to its last; a checkpoint keeps `tensors` and `facts`.

    Attributes:
        method: who supervises after the warm-up.
        problem: what is asked of a row.
        state: what the method knows of the training.
        warm_up: plain training until then.
        targets: what the rows are taught.
        answers: rows whose label people have told; None: none.
        accounts: the loss of the epoch, and what was seen of every row.
        needs_numbers: what knows a row by its number, in words; None: nothing does.
        unseen: labels that nobody could check before training: made row by row, or of classes that no model tells.
        notices: what was decided since the last epoch was told to the listeners.
        made_loss: whether the last batch's loss is of `loss`.
    """

    method: Method
    problem: SingleLabel
    state: TrainingState
    warm_up: WarmUp
    targets: RowTargets
    answers: AnswerTargets | None
    accounts: EpochAccounts
    needs_numbers: str | None
    unseen: bool
    notices: list[Notice] = field(default_factory=list)
    made_loss: bool = False

    # ---- one batch ----

    def loss(self, logits: Tensor, labels: Tensor, rows: Tensor | None, looks: Looks | None = None) -> Tensor:
        """The loss of a batch, the sum over its peers.

        Args:
            logits: [P, B, C], at least float32.
            labels: [B], or [B, C].
            rows: int64 [B], their numbers; None where they have none.
            looks: what else the peers make of them, for a method that mixes rows.

        Raises:
            InputError: labels that are no classes, or rows without numbers.
        """
        if self.problem.multi_label or not self.accounts.steps or (self.unseen and not self.accounts.closed):
            labels = self.problem.checked(labels, logits.shape[-1], rows)
        if rows is None and self.needs_numbers is not None:
            raise InputError(
                f"the batches of get_train_dataloader have no numbers of their rows ('index'), and "
                f"{self.needs_numbers}; take what super().get_train_dataloader() gives, or another method",
                key="index",
            )
        self.state.rows, self.state.logits = rows, self.problem.logits_of_classes(logits)
        log_probs, self.state.looks = self.problem.log_probs(logits), looks
        supervision = self.supervise(log_probs, self.problem.in_front(self.targets.of(labels, rows)))
        self.state.looks = None
        loss = supervision.loss / self.problem.asked
        if rows is not None:
            self.accounts.dynamics.observe(*self.problem.of_rows(rows, log_probs.detach(), supervision))
        self.accounts.observe(loss.detach() / len(logits))
        self.made_loss = True
        return loss

    def look(self, loss: Tensor, logits: Tensor | None, labels: Tensor | None, rows: Tensor | None) -> None:
        """Notes what a batch showed whose loss a script has made."""
        self.accounts.observe(loss)
        if rows is not None and labels is not None and logits is not None:
            logits = at_least_float32(logits.detach())
            self.state.rows = rows = rows.to(logits.device)
            log_probs = self.problem.log_probs(logits)
            labels = self.problem.checked(as_classes(labels).to(logits.device), logits.shape[-1], rows)
            supervision = self.supervise(log_probs, self.problem.in_front(labels))
            self.accounts.dynamics.observe(*self.problem.of_rows(rows, log_probs, supervision))

    def supervise(self, log_probs: Tensor, labels: Tensor) -> Supervision:
        """The method's supervision of one batch, or the warm-up's as long as that lasts."""
        state, active = self.state, self.warm_up.active
        state.class_weights = self.targets.weights(log_probs.detach()) if active.weighs_classes else None
        supervision, rows = self.warm_up.supervise(log_probs, labels, state), state.rows
        if self.answers is not None and rows is not None:
            supervision = self.answers.held_in(supervision, log_probs, rows, state)
        return supervision if active.weighs_classes else self.targets.weighed(supervision)

    # ---- between epochs ----

    def take_over(
        self, logits: Tensor, labels: Tensor, given: Tensor | None, model: nn.Module, rows: slice | None = None
    ) -> None:
        """Asks the peers whether the warm-up may end.

        Args:
            logits: [P, N, C] of the training rows, and their labels.
            rows: which of the rows these are; None: all.
            given, model: see `WarmUp.take_over`.
        """
        labels = self.problem.checked(labels, logits.shape[-1])
        log_probs, distributions = self.problem.log_probs(logits), self.targets.distributions
        if distributions is not None and (rows is not None or not isinstance(distributions, Tensor)):
            distributions = distributions[slice(None) if rows is None else rows]
        targets = self.problem.in_front(labels if distributions is None else distributions)
        self.state.num_classes, self.state.logits = log_probs.shape[-1], self.problem.logits_of_classes(logits)
        self.notices += self.warm_up.take_over(self.state, log_probs, targets, given, model)

    def close(self, accelerator: Accelerator, epoch: int, write: bool) -> tuple[float, EpochRecord]:
        """Ends an epoch: its mean loss, and what was seen of every row, by all processes.

        Args:
            epoch: epochs completed.
            write: whether this process writes the epoch's part of the training dynamics.

        Raises:
            InputError: the loss is no number.
        """
        loss = self.accounts.mean_loss(accelerator, epoch)
        self.accounts.gather(accelerator, self.state.memory, self.method.row_memory)
        return loss, self.accounts.close(epoch, write)

    def after_epoch(self, epoch: int, record: EpochRecord, given: Tensor, model: nn.Module, optimizer: Any) -> None:
        """Where the peers have collapsed: back to the end of the warm-up; see `WarmUp.after_epoch`."""
        self.notices += self.warm_up.after_epoch(epoch, record, given, self.state, model, optimizer)

    # ---- checkpoints ----

    def tensors(self, accelerator: Accelerator, device: torch.device) -> dict[str, Tensor]:
        """What a checkpoint keeps; every process must ask, since each has its own."""
        of_accounts = self.accounts.tensors(accelerator, device, self.state.memory, self.method.row_memory)
        memory = {_MEMORY + name: values for name, values in self.state.memory.items()}
        return memory | of_accounts | self.warm_up.tensors

    @property
    def facts(self) -> dict[str, Any]:
        return {
            "method": self.method.name,
            "num_classes": self.state.num_classes,
            "notices": [dataclasses.asdict(notice) for notice in self.notices],
            **self.accounts.facts,
            **self.warm_up.facts,
        }

    def load(self, tensors: dict[str, Tensor], facts: MethodFacts, process: int, processes: int) -> None:
        """What `tensors` and `facts` gave, for one of so many processes."""
        tensors = of_process(tensors, process, processes)
        memory = {name.removeprefix(_MEMORY): value for name, value in tensors.items() if name.startswith(_MEMORY)}
        self.state.memory = memory
        self.state.num_classes = facts.get("num_classes", self.state.num_classes)
        self.notices = [Notice(**notice) for notice in facts.get("notices", [])]
        self.accounts.load(tensors, facts, process, processes)
        self.warm_up.load(tensors, facts)
        self.state.began = self.warm_up.began

"""The warm-up: plain training until the method takes over, and again where it has led to a collapse."""

from __future__ import annotations

import dataclasses
from typing import Any

from torch import Tensor, nn

from clc_text.artifacts.dynamics import EpochRecord
from clc_text.artifacts.run_files import MethodFacts
from clc_text.errors import InputError
from clc_text.methods.base import Method, Supervision, TrainingState
from clc_text.methods.standard import Standard
from clc_text.training.notices import Notice, warm_up_ended
from clc_text.training.recovery import Recovery


class WarmUp:
    """Who supervises: `Standard` as long as the warm-up lasts, then the method.

    Args:
        recover: notice collapse, and go back to the end of the warm-up.

    Attributes:
        over: whether the method has taken over.
        began: epochs completed when it did; 0 before, and without a warm-up.

    Raises:
        InputError: there is no warm-up to go back to.
    """

    def __init__(self, method: Method, recover: bool) -> None:
        self.method, self.plain = method, Standard()
        simple = type(method).prepare is Method.prepare and not method.cross_fits
        self.over = method.warmup_epochs == 0 and simple
        self.began = 0
        self.recovery = Recovery() if recover else None
        self._asked = -1  # the epoch before which it was last asked whether the warm-up may end
        if recover and self.over:
            raise InputError(
                f"recover goes back to the end of the warm-up, and {method.name} has none; set its warmup_epochs "
                "(method.warmup_epochs), or leave recover (monitor: recover) out",
                key="recover",
            )

    @property
    def lasts(self) -> bool:
        """Whether the networks are still taught as before the method: for `Standard` there is nothing else."""
        return not self.over and not isinstance(self.method, Standard)

    @property
    def active(self) -> Method:
        """Who supervises now."""
        return self.method if self.over else self.plain

    def supervise(self, log_probs: Tensor, labels: Tensor, state: TrainingState) -> Supervision:
        """The supervision of one batch; see `Method.supervise`."""
        supervision = self.active.supervise(log_probs, labels, state)
        left_out = None if self.over or state.rows is None else self.method.warm_up_without(state.rows)
        if left_out is None:
            return supervision
        return dataclasses.replace(
            supervision,
            weights=supervision.weights.masked_fill(left_out, 0),
            selected=supervision.selected & ~left_out,
        )

    def asks_before(self, state: TrainingState) -> bool:
        """Whether the peers are to be asked before epoch `state.epoch` (from 0): if they are ready, or, by a method
        that divides the rows anew in every epoch, what they say of them."""
        asked, self._asked = self._asked, state.epoch
        if asked == state.epoch:
            return False  # resumed in the middle of this epoch, before which the question was answered
        if self.over:
            return self.method.divides
        held_back = self.recovery is not None and state.epoch < self.recovery.hold_until
        return not held_back and self.method.warmed_up(state)

    def take_over(
        self, state: TrainingState, log_probs: Tensor, targets: Tensor, given: Tensor | None, model: nn.Module
    ) -> list[Notice]:
        """Ends the warm-up, unless the method finds the peers too unsure for that; what is to be said of it.

        After its end, the method takes anew what it needs of the peers.

        Args:
            log_probs: [P, N, C] of the training rows.
            targets: [N] or [N, C], what they are taught.
            given: int64 [C], rows of each given class; needed to recover.
            model: the peers, which are remembered to recover.
        """
        if self.over:
            self.method.prepare(log_probs, targets, state)
            return []
        why_not = self.method.not_yet(log_probs, state)
        if why_not is None and self.recovery is not None:
            why_not = self.recovery.not_yet(log_probs)
        if why_not is not None:
            return [Notice("warm-up goes on", f"the warm-up goes on after epoch {state.epoch}: {why_not}")]
        if self.recovery is not None and given is not None:
            self.recovery.remember(model, state.epoch, log_probs, given)
        self.method.prepare(log_probs, targets, state)
        self.over, self.began = True, state.epoch
        state.began = self.began
        return [warm_up_ended(state.epoch, log_probs)] if self.method.cross_fits else []

    def after_epoch(
        self, epoch: int, record: EpochRecord, given: Tensor, state: TrainingState, model: nn.Module, optimizer: Any
    ) -> list[Notice]:
        """Where the peers have collapsed: back to the end of the warm-up, and on with that."""
        note = None if self.recovery is None else self.recovery.after_epoch(epoch, record, given)
        if self.recovery is None or note is None:
            return []
        self.recovery.restore(model, optimizer)
        self.over = False
        state.memory.pop("threshold", None)
        return [note]

    @property
    def tensors(self) -> dict[str, Tensor]:
        """What a checkpoint keeps."""
        return {} if self.recovery is None else self.recovery.tensors

    @property
    def facts(self) -> dict[str, Any]:
        facts: dict[str, Any] = {"prepared": self.over, "began": self.began, "asked": self._asked}
        return facts if self.recovery is None else facts | {"recovery": self.recovery.facts}

    def load(self, tensors: dict[str, Tensor], facts: MethodFacts) -> None:
        """What `tensors` and `facts` gave."""
        self.over, self._asked = facts["prepared"], facts.get("asked", -1)
        # Checkpoints of earlier versions do not say it; then only a recovery made it another number.
        self.began = facts.get("began", self.method.warmup_epochs if self.over else 0)
        if self.recovery is not None and "recovery" in facts:
            self.recovery.load(tensors, facts["recovery"])

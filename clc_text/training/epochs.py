"""What is told of an epoch."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from clc_text.artifacts.dynamics import EpochRecord
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
        notices: what the run decided since the epoch before.
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
    notices: tuple[Notice, ...] = ()

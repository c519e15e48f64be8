"""Standard training: cross-entropy on the given labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from clc_text.methods.base import (
    Method,
    Supervision,
    TrainingState,
    as_distribution,
    cross_entropy,
    method,
    row_mean,
)


@method("standard")
@dataclass(frozen=True)
class Standard(Method):
    """L(f) = (1/B) Σ CE(y, p_f): what training without any defence against noise gives."""

    citation: ClassVar[str] = ""

    def supervise(self, log_probs: Tensor, labels: Tensor, state: TrainingState) -> Supervision:
        targets = as_distribution(labels, log_probs)
        losses = cross_entropy(targets, log_probs)
        everything = torch.ones_like(losses, dtype=torch.bool)
        return Supervision(losses, row_mean(losses), targets.expand_as(log_probs), everything)

"""Standard training: cross-entropy on the given labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from clc_text.methods.base import (
    Method,
    Supervision,
    TrainingState,
    as_distribution,
    cross_entropy,
    method,
    supervise_all,
)


@method("standard")
@dataclass(frozen=True)
class Standard(Method):
    """L(f) = (1/B) Σ CE(y, p_f): what training without any defence against noise gives.

    Source: the textbook loss of multi-class logistic regression, Bishop 2006, section 4.3.4.
    """

    citation: ClassVar[str] = "Bishop, Pattern Recognition and Machine Learning, 2006, section 4.3.4"
    weighs_classes: ClassVar[bool] = True
    multi_label: ClassVar[bool] = True

    def supervise(self, log_probs: Tensor, labels: Tensor, state: TrainingState) -> Supervision:
        targets = as_distribution(labels, log_probs)
        return supervise_all(cross_entropy(state.weigh(targets), log_probs), targets, log_probs)

"""Decoupling: two networks learn only where they disagree."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from clc_text.config.components import option
from clc_text.errors import InputError
from clc_text.methods.base import (
    Method,
    Supervision,
    TrainingState,
    as_distribution,
    cross_entropy,
    from_teacher,
    method,
)


@method("decouple")
@dataclass(frozen=True)
class Decouple(Method):
    """L(f) = Σ_D CE(y, p_f) / max(m B, |D|), where D holds the rows whose first classes differ between f and its peer.

    The floor m B keeps a handful of rows from counting as much as a whole batch; a batch without disagreement gives a
    loss of zero. With more than two peers, each is compared with the one before it, in a circle.

    Source: Malach & Shalev-Shwartz, NeurIPS 2017, Algorithm 1. The floor is not in the algorithm: the code that the
    comparisons in this field use has it.
    """

    citation: ClassVar[str] = 'Malach & Shalev-Shwartz, Decoupling "when to update" from "how to update", NeurIPS 2017'
    weighs_classes: ClassVar[bool] = True
    default_peers: ClassVar[int] = 2

    floor: float = option(0.1, "m: the sum is divided by at least this share of the batch", at_least=0, at_most=1)

    def check(self, peers: int, rate_known: bool) -> None:
        if peers < 2:
            raise InputError("decouple compares networks and there is only one; set `peers: 2`", key="peers")

    @property
    def by_batch(self) -> bool:
        return True

    def supervise(self, log_probs: Tensor, labels: Tensor, state: TrainingState) -> Supervision:
        self.check(log_probs.shape[-3], state.noise_rate is not None)
        targets = as_distribution(labels, log_probs)
        predicted = log_probs.detach().argmax(-1)
        differ = predicted != from_teacher(predicted, -2)
        weights = differ.to(log_probs.dtype)
        # The second bound only keeps 0/0 away: a row that counts makes the sum at least 1.
        weights = weights / weights.sum(-1, keepdim=True).clamp(min=max(self.floor * differ.shape[-1], 0.5))
        return Supervision(
            losses=cross_entropy(state.weigh(targets), log_probs),
            weights=weights,
            targets=targets.expand_as(log_probs),
            selected=differ,
        )

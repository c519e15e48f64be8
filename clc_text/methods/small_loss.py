"""Selection by small loss: a network learns easy rows first, so rows of small loss are likely to be labelled right."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor

from clc_text.config.components import option
from clc_text.errors import InputError
from clc_text.methods.base import Method, Supervision, TrainingState, as_distribution, cross_entropy
from clc_text.noise.draws import whole


@dataclass(frozen=True)
class SmallLoss(Method):
    """Base of the methods that learn the K rows of smallest loss of each batch:

        L(f) = (1/K) Σ_{kept} CE(y, p_f),   K = int((1 - R(t)) B),   R(t) = τ min(t / T_k, 1)

    for t epochs completed since the method began: since the warm-up's end, or, with ``ramp_from: start``, since the
    training began, so that a warm-up as long as T_k is followed by the whole rate at once. Without a warm-up both are
    the same. τ is the noise rate that the method is told, times `rate_scale`. Of rows with the same loss the first in
    the batch is kept. K is rounded down as in Co-teaching's code; where it is 0 (a batch of one row) nothing is
    learnt.
    """

    needs_noise_rate: ClassVar[bool] = True
    weighs_classes: ClassVar[bool] = True
    multi_label: ClassVar[bool] = True

    ramp_epochs: int = option(10, "T_k: epochs until the whole noise rate is left out", at_least=1)
    ramp_from: Literal["warmup_end", "start"] = option(
        "warmup_end", "what these epochs are counted from: the end of the warm-up, or the start of the training"
    )
    rate_scale: float = option(
        1.0, "τ is the noise rate times this; 0.5 for asymmetric noise, where half the classes are clean", at_least=0
    )

    def check(self, peers: int, rate_known: bool) -> None:
        if not rate_known:
            raise InputError(
                f"the method {self.name} must be told how many labels are wrong; "
                "set method.noise_rate to estimate, true (of noise that is injected) or a number",
                key="noise_rate",
            )

    @property
    def by_batch(self) -> bool:
        return True

    def left_out(self, state: TrainingState) -> float:
        """R(t), the share of each batch that is not learnt."""
        self.check(0, state.noise_rate is not None)
        assert state.noise_rate is not None
        rate = min(state.noise_rate * self.rate_scale, 1.0)
        completed = state.epoch - (state.began if self.ramp_from == "warmup_end" else 0)
        return rate * min(completed / self.ramp_epochs, 1.0)

    def kept(self, kept: Tensor) -> Tensor:
        """[P, B], the rows each peer learns, given those of smallest loss of each peer."""
        return kept

    def supervise(self, log_probs: Tensor, labels: Tensor, state: TrainingState) -> Supervision:
        targets = as_distribution(labels, log_probs)
        losses = cross_entropy(targets, log_probs)
        count = whole((1 - self.left_out(state)) * losses.shape[-1])
        kept = self.kept(smallest(losses.detach(), count))
        weights = kept.to(losses.dtype) / max(count, 1)
        if state.class_weights is not None:  # rows are chosen by their plain loss
            losses = cross_entropy(state.weigh(targets), log_probs)
        return Supervision(losses, weights, targets.expand_as(log_probs), kept)


def smallest(losses: Tensor, count: int) -> Tensor:
    """Marks the `count` smallest of the last dimension, [..., B] -> bool [..., B]; of equal ones the first."""
    order = losses.argsort(dim=-1, stable=True)
    return torch.zeros_like(losses, dtype=torch.bool).scatter_(-1, order[..., :count], True)

"""Early-learning regularization: a network is held to what it predicted before it began to memorise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from clc_text.config.components import option
from clc_text.errors import InputError
from clc_text.methods.base import (
    Method,
    Supervision,
    TrainingState,
    as_distribution,
    cross_entropy,
    method,
    supervise_all,
)


@method("elr")
@dataclass(frozen=True)
class ELR(Method):
    """L(f) = (1/B) Σ [ CE(y, p_f) + λ log(1 - <t_n, p_f>) ], each peer for itself.

    t_n is the running average of the predictions for row n, brought up to date before the loss from the batch at hand:
    t <- β t + (1-β) p / Σp. It starts at zero and lives in ``state.memory["average"]`` [P, N, C]; no gradient flows
    through it. Probabilities are clamped to [1e-4, 1 - 1e-4], as in the original code. The row's target, for the
    dynamics, is the given label.

    Source: Liu et al., NeurIPS 2020, the regularized loss with targets by temporal ensembling.
    """

    citation: ClassVar[str] = (
        "Liu et al., Early-Learning Regularization Prevents Memorization of Noisy Labels, NeurIPS 2020"
    )
    weighs_classes: ClassVar[bool] = True
    multi_label: ClassVar[bool] = True
    row_memory: ClassVar[tuple[str, ...]] = ("average",)

    beta: float = option(0.7, "β, how slowly the average of a row's predictions moves", at_least=0, at_most=1)
    lam: float = option(3.0, "λ, the weight of the regularizer", at_least=0, at_most=1_000_000)

    def prepare(self, log_probs: Tensor, labels: Tensor, state: TrainingState) -> None:
        state.memory["average"] = torch.zeros_like(log_probs)

    def supervise(self, log_probs: Tensor, labels: Tensor, state: TrainingState) -> Supervision:
        if state.rows is None:
            raise InputError(
                "elr remembers every row's predictions; give the batch a column `index` of row numbers", key="index"
            )
        memory = state.memory["average"]
        places = state.rows[..., None, :, None].expand(log_probs.shape)
        probs = log_probs.exp().clamp(1e-4, 1 - 1e-4)
        now = probs.detach()
        average = memory.gather(-2, places) * self.beta + (1 - self.beta) / now.sum(-1, keepdim=True) * now
        memory.scatter_(-2, places, average)

        targets = as_distribution(labels, log_probs)
        agreement = (average * probs).sum(-1)
        losses = cross_entropy(state.weigh(targets), log_probs) + self.lam * torch.log1p(-agreement)
        return supervise_all(losses, targets, log_probs)

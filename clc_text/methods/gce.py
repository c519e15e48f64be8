"""Generalized cross-entropy: between cross-entropy and mean absolute error, so that misfits pull less."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from clc_text.config.components import option
from clc_text.methods.base import Method, Supervision, TrainingState, as_distribution, method, supervise_all


@method("gce")
@dataclass(frozen=True)
class GCE(Method):
    """L(f) = (1/B) Σ (1 - p_f[y]^q) / q: q -> 0 is cross-entropy, q = 1 the mean absolute error (halved).

    A soft label takes the expectation, Σ_c y_c (1 - p_f[c]^q) / q. This is the loss without the paper's truncation.

    Source: Zhang & Sabuncu, NeurIPS 2018, the L_q loss.
    """

    citation: ClassVar[str] = (
        "Zhang & Sabuncu, Generalized Cross Entropy Loss for Training Deep Neural Networks with Noisy Labels, "
        "NeurIPS 2018"
    )
    multi_label: ClassVar[bool] = True

    q: float = option(
        0.7, "how far from cross-entropy (near 0) towards the mean absolute error (1)", at_least=1e-6, at_most=1
    )

    def supervise(self, log_probs: Tensor, labels: Tensor, state: TrainingState) -> Supervision:
        targets = as_distribution(labels, log_probs)
        # 1 - p^q as -expm1(q log p) keeps its digits for small q.
        losses = (targets * torch.expm1(self.q * log_probs)).sum(-1) / -self.q
        return supervise_all(losses, targets, log_probs)

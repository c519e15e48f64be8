"""Sparse over-parameterization: every row has numbers of its own that may explain its label away."""

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
    one_hot,
    supervise_all,
)

LEAST = 1e-4  # ε of the normalisation φ
START = 1e-8  # of u and v, whose squares count: from there only what a label keeps asking for grows


@method("sop")
@dataclass(frozen=True)
class SOP(Method):
    """L(f) = (1/B) Σ CE(y, φ(p_f + s)),   s = u² y - v² (1 - y),   φ(w) = max(w, ε) / Σ max(w, ε)

    Each row has u and v in [-1, 1]^C, which live in ``state.memory`` [P, N, C], each peer's for itself. Both take a
    step of gradient descent after each batch: u down L, and v down (1/B) Σ ‖ŷ + s - y‖², ŷ the predicted class as one
    of C. The two are small in the beginning and grow by what they explain, so that only few of them ever matter, those
    of wrong labels. The paper draws them from N(0, 10⁻¹⁶); here all are 10⁻⁸. No gradient of the network flows through
    s. The row's target, for the training dynamics, is the given label.

    Source: Liu, Zhu, Qu and You, ICML 2022, section 2 and Algorithm 1.
    """

    citation: ClassVar[str] = "Liu et al., Robust Training under Label Noise by Over-parameterization, ICML 2022"
    row_memory: ClassVar[tuple[str, ...]] = ("u", "v")

    # The paper: 10, for images and five times the epochs. On TREC (symmetric 0.5 with GloVe, pairwise 0.2 with MiniLM;
    # recipes/results/real_noise.md) SOP memorises with 10, as Standard does, and does not with 100.
    rate_u: float = option(100.0, "the learning rate of u, which explains a label", at_least=0, at_most=1_000_000)
    rate_v: float = option(
        100.0, "the learning rate of v, which explains what is missing", at_least=0, at_most=1_000_000
    )

    def prepare(self, log_probs: Tensor, labels: Tensor, state: TrainingState) -> None:
        for name in self.row_memory:
            state.memory[name] = torch.full_like(log_probs, START)

    def supervise(self, log_probs: Tensor, labels: Tensor, state: TrainingState) -> Supervision:
        if state.rows is None:
            raise InputError(
                "sop has numbers for every row; give the batch a column `index` of row numbers", key="index"
            )
        places = state.rows[..., None, :, None].expand(log_probs.shape)
        u, v = (state.memory[name].gather(-2, places) for name in self.row_memory)
        targets = as_distribution(labels, log_probs)
        shift = u.square() * targets - v.square() * (1 - targets)
        raised = log_probs.exp() + shift
        clamped = raised.clamp(min=LEAST)
        sums = clamped.sum(-1, keepdim=True)
        losses = cross_entropy(targets, (clamped / sums).log())

        rows = log_probs.shape[-2]
        with torch.no_grad():
            down = (1 / sums - targets / clamped) * (raised >= LEAST)  # of CE by the raised prediction
            missed = one_hot(log_probs.argmax(-1), log_probs) + shift - targets
            u = u - self.rate_u * down * 2 * u * targets / rows
            v = v + self.rate_v * 4 * missed * v * (1 - targets) / rows
            for name, values in (("u", u), ("v", v)):
                state.memory[name].scatter_(-2, places, values.clamp(-1, 1))
        return supervise_all(losses, targets, log_probs)

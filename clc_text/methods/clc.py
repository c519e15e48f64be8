"""CLC: collaborative label correction via entropy thresholding, the paper's method."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from clc_text.components import option
from clc_text.criteria import CRITERIA, Criterion, mean_threshold
from clc_text.methods.base import (
    Method,
    Supervision,
    TrainingState,
    as_distribution,
    cross_entropy,
    method,
)


@method("clc")
@dataclass(frozen=True)
class CLC(Method):
    """Each peer learns its peer's sure predictions, and the given labels where the peer is unsure.

    For a threshold Γ_f of each peer (its mean entropy over the training set when the warm-up ends),

        L(f) = [ Σ_{low(g)} CE(p_g, p_f)  +  α Σ_{low(f)} H(p_f)  +  β Σ_{high(g)} CE(y, p_f) ] / B

    where g is the peer of f, low(g) = {n : H(p_g,n) <= Γ_g} and high(g) the rest. The peer's prediction is a constant:
    no gradient flows through it. With one peer it is its own teacher (SLC); with more than two, each learns from the
    next one in a circle.

    Source: Wu et al., "Collaborative Label Correction via Entropy Thresholding", ICDM 2019, the objective of its
    method section. The paper leaves the divisor open; with the batch size (``reduction="batch"``) the third term
    shrinks as the low-entropy set grows, as the paper says it does.
    """

    citation: ClassVar[str] = "Wu et al., Collaborative Label Correction via Entropy Thresholding, ICDM 2019"
    default_peers: ClassVar[int] = 2

    warmup_epochs: int = option(10, "epochs of plain training before Γ is taken (the paper: 10, Clothing1M 2)")
    alpha: float = option(0.1, "α, the weight of entropy minimisation on a peer's own sure rows")
    beta: float = option(0.5, "β, the weight of the given labels where the peer is unsure")
    supervision: Literal["soft", "hard"] = option("soft", "teach the peer's whole prediction, or only its first class")
    reduction: Literal["batch", "subset"] = option("batch", "divide each sum by the batch, or by its own subset")
    criterion: Criterion = option("entropy", "what measures how unsure a prediction is")
    threshold_scale: float = option(1.0, "Γ is multiplied by this")

    def prepare(self, log_probs: Tensor, labels: Tensor, state: TrainingState) -> None:
        doubts = CRITERIA[self.criterion](log_probs)
        state.memory["threshold"] = self.threshold_scale * mean_threshold(doubts)

    def supervise(self, log_probs: Tensor, labels: Tensor, state: TrainingState) -> Supervision:
        threshold = state.memory["threshold"].unsqueeze(-1)
        prediction = log_probs.detach().exp()
        own_entropy = -torch.special.xlogy(prediction, prediction).sum(-1)
        if self.criterion == "entropy":
            doubt = own_entropy
        else:
            doubt = CRITERIA[self.criterion](log_probs.detach())
        low = doubt <= threshold
        peer_low = low.roll(1, -2)
        teaching = prediction.roll(1, -3)
        if self.supervision == "hard":
            teaching = F.one_hot(teaching.argmax(-1), teaching.shape[-1]).to(teaching.dtype)

        targets = torch.where(peer_low.unsqueeze(-1), teaching, as_distribution(labels, log_probs))
        taught = torch.where(peer_low, 1.0, self.beta)
        sharpened = low * self.alpha
        if self.reduction == "subset":
            taught = taught / torch.where(peer_low, _count(peer_low), _count(~peer_low))
            sharpened = sharpened / _count(low)
        losses = taught * cross_entropy(targets, log_probs)
        if self.alpha:
            losses = losses + sharpened * -(log_probs.exp() * log_probs).sum(-1)
        weight = 1.0 if self.reduction == "subset" else 1.0 / losses.shape[-1]
        return Supervision(losses, torch.full_like(taught, weight), targets, peer_low)


def _count(rows: Tensor) -> Tensor:
    """How many of the rows [..., B] are marked, at least 1: [..., 1]."""
    return rows.sum(-1, keepdim=True).clamp(min=1)

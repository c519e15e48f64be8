"""Forward correction: the network's prediction is passed through the noise before it meets the given label."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from clc_text.components import option
from clc_text.methods.base import (
    Method,
    Supervision,
    TrainingState,
    as_distribution,
    cross_entropy,
    method,
    supervise_all,
)


@method("forward")
@dataclass(frozen=True)
class Forward(Method):
    """L(f) = -(1/B) Σ log (p_f T)[y], with T[i, j] = P(given label j | true class i).

    T is ``state.memory["transition"]`` [C, C] where one is given (side information, or a dataset's own confusion
    matrix), otherwise each peer's own estimate from its predictions when the warm-up ends (`anchor_transition`). An
    entry of 0 counts as the smallest positive number, so that a label that T rules out costs much and not infinity.
    The row's target, for the ledger, is the given label.

    Source: Patrini et al., CVPR 2017, Theorem 2 (the loss) and Theorem 3 (the anchors).
    """

    citation: ClassVar[str] = (
        "Patrini et al., Making Deep Neural Networks Robust to Label Noise: a Loss Correction Approach, CVPR 2017"
    )

    warmup_epochs: int = option(10, "epochs of plain training before T is estimated", at_least=0)
    anchor_percentile: float | None = option(
        97.0,
        "leave out rows whose probability is at or above this percentile when looking for anchors; null: leave out "
        "none, for classes of few rows (CIFAR-100)",
        at_least=0,
        at_most=100,
    )

    def prepare(self, log_probs: Tensor, labels: Tensor, state: TrainingState) -> None:
        if "transition" not in state.memory:
            state.memory["estimated_transition"] = anchor_transition(log_probs, self.anchor_percentile)

    def supervise(self, log_probs: Tensor, labels: Tensor, state: TrainingState) -> Supervision:
        given = "transition" in state.memory
        transition = state.memory["transition" if given else "estimated_transition"].to(log_probs)
        log_transition = transition.clamp(min=torch.finfo(log_probs.dtype).tiny).log()
        targets = as_distribution(labels, log_probs)
        if labels.is_floating_point():
            noisy = (log_probs.unsqueeze(-1) + log_transition.unsqueeze(-3)).logsumexp(-2)
            losses = cross_entropy(targets, noisy)
        else:
            # Only the given label's column of T matters: C sums a row instead of C².
            classes = log_probs.shape[-1]
            columns = log_transition.mT.expand(*log_probs.shape[:-2], classes, classes)
            wanted = labels[..., None, :, None].expand(log_probs.shape)
            losses = -(log_probs + columns.gather(-2, wanted)).logsumexp(-1)
        return supervise_all(losses, targets, log_probs)


def anchor_transition(log_probs: Tensor, percentile: float | None = 97.0) -> Tensor:
    """T estimated from predictions alone: row i is the prediction at the anchor of class i.

    The anchor is the row surest of class i among those whose probability of i is below the given percentile (the
    value at that rank or the next above it), since the very surest are outliers. Where that leaves no row, as when all
    are equal, it is the first.

    Args:
        log_probs: [..., N, C] predictions over the training set.
        percentile: 0 … 100, or None to leave out no row.

    Returns:
        [..., C, C], every row of it summing to 1.
    """
    probs = log_probs.softmax(-1)
    candidates = probs
    if percentile is not None:
        rank = math.ceil(percentile * (probs.shape[-2] - 1) / 100)
        limit = probs.sort(-2).values[..., rank : rank + 1, :]
        candidates = probs.masked_fill(probs >= limit, -1.0)
    anchors = candidates.argmax(-2)
    return probs.gather(-2, anchors.unsqueeze(-1).expand(*anchors.shape, probs.shape[-1]))

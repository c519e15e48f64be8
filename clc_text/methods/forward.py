"""Forward correction: the network's prediction is passed through the noise before it meets the given label."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
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
from clc_text.noise.estimation.anchors import anchor_matrix

QUANTILE = 0.97  # the paper's


@method("forward")
@dataclass(frozen=True)
class Forward(Method):
    """L(f) = -(1/B) Σ log (p_f T)[y], with T[i, j] = P(given label j | true class i).

    T is ``state.memory["transition"]`` [C, C] where one is given (side information, a dataset's own confusion matrix,
    what cross-fitting found), otherwise each peer's own estimate from its predictions when the warm-up ends
    (`anchor_matrix`). An entry of 0 counts as the smallest positive number, so that a label that T rules out costs
    much and not infinity. The row's target, for the training dynamics, is the given label.

    Source: Patrini et al., CVPR 2017, Theorem 2 (the loss) and Theorem 3 (the anchors).
    """

    citation: ClassVar[str] = (
        "Patrini et al., Making Deep Neural Networks Robust to Label Noise: a Loss Correction Approach, CVPR 2017"
    )

    warmup_epochs: int = option(
        10, "epochs of plain training before T is used; 0 will do where T is given", at_least=0
    )
    matrix: Literal["anchors", "true", "estimate"] = option(
        "anchors",
        "T: each network's own estimate when the warm-up ends, counted from the true labels (side information), or "
        "what cross-fitting finds",
    )
    matrix_file: str | None = option(
        None,
        "T from a file instead (.csv without header, .json or .npy; row = true class): Clothing1M comes with one",
    )
    anchor_quantile: float | Literal["auto"] | None = option(
        "auto",
        "leave out rows whose probability is at or above this quantile when looking for anchors; null: none; auto: "
        "0.97 (Patrini et al.), or none where that would leave out more rows than a class has on average",
        at_least=0,
        at_most=1,
    )

    @property
    def transition_source(self) -> Literal["true", "estimate", "file"] | None:
        if self.matrix_file is not None:
            return "file"
        return None if self.matrix == "anchors" else self.matrix

    def prepare(self, log_probs: Tensor, labels: Tensor, state: TrainingState) -> None:
        if "transition" in state.memory:
            return
        if self.transition_source is not None:
            name, shown = ("matrix_file", self.matrix_file) if self.matrix_file else ("matrix", f"'{self.matrix}'")
            raise InputError(
                f"method.{name} is {shown}, but no matrix was given; pass `transition=` to the trainer, or set matrix "
                "to anchors",
                key=f"method.{name}",
            )
        quantile = self.anchor_quantile
        if quantile == "auto":
            quantile = QUANTILE if (1 - QUANTILE) * log_probs.shape[-1] <= 1 else None
        peers = log_probs.exp().flatten(0, -3).cpu().numpy()
        matrix = torch.from_numpy(np.stack([anchor_matrix(probs, quantile) for probs in peers]))
        state.memory["estimated_transition"] = matrix.to(log_probs).unflatten(0, log_probs.shape[:-2])

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

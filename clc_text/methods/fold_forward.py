"""How the networks of the folds learn: each on the rows of the other folds, through the noise known so far."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from clc_text.config.components import option
from clc_text.methods.base import Method, Supervision, TrainingState, as_distribution, cross_entropy

SMALLEST = 1e-8  # a probability of noise that is not seen is small, not 0: one row must not cost infinity


@dataclass(frozen=True)
class FoldForward(Method):
    """K peers, peer k blind to the rows of fold k: L(k) = - mean over the other folds of log (p_k T)[y].

    Of a given distribution g it is - log Σ_y g(y) (p_k T)[y] (see `noise.estimation.noise_fit`), without T CE(g, p_k).

    ``state.memory`` holds ``fold`` int64 [N] and, once it is known, ``transition`` [C, C] (with leading dimensions one
    of each problem); without it T is the identity, which makes the loss the plain cross-entropy. Where every row has a
    noise matrix of its own, ``columns`` [N, C] holds log P(y | c, x) of its given label by each class, and counts in
    place of T. Where people have answered, ``trusted`` int64 [..., N] has the class that they told (-1: none) and
    ``trusted_weight`` how many rows each of them counts as; its loss is - log p_k[c] (gold loss correction: Hendrycks
    et al., NeurIPS 2018). No part of a recipe: `cross_fit` trains with it.

    Source of the loss: Patrini et al., CVPR 2017, Theorem 2.
    """

    name: ClassVar[str] = "fold_forward"
    citation: ClassVar[str] = "Patrini et al., Making Deep Neural Networks Robust to Label Noise, CVPR 2017"

    multi_label: ClassVar[bool] = True

    warmup_epochs: int = option(0, "none: without T the loss is the plain cross-entropy")

    def supervise(self, log_probs: Tensor, labels: Tensor, state: TrainingState) -> Supervision:
        assert state.rows is not None
        if labels.is_floating_point() and bool((labels.amax(-1) == 1).all()):
            labels = labels.argmax(-1)  # to the bit what classes are
        fold = state.memory["fold"][state.rows]
        blind = fold == torch.arange(log_probs.shape[-3], device=fold.device).unsqueeze(-1)
        weights = (~blind).to(log_probs) / (~blind).sum(-1, keepdim=True).clamp(min=1)
        weights, blind = weights.expand(log_probs.shape[:-1]), blind.expand(log_probs.shape[:-1])
        targets = as_distribution(labels, log_probs).expand_as(log_probs)
        if "columns" in state.memory:
            losses = -(log_probs + state.memory["columns"][state.rows].unsqueeze(-3)).logsumexp(-1)
        elif "transition" in state.memory:
            transition = state.memory["transition"]
            if labels.is_floating_point():
                columns = (labels.to(transition) @ transition.mT).clamp(min=SMALLEST).log()
            else:
                columns = torch.take_along_dim(transition.mT, labels.unsqueeze(-1), -2)  # [..., B, C], T[:, y]
                columns = columns.clamp(min=SMALLEST).log()
            losses = -(log_probs + columns.unsqueeze(-3)).logsumexp(-1)
        elif labels.is_floating_point():
            losses = cross_entropy(targets, log_probs)
        else:
            losses = -log_probs.gather(-1, _of_each_peer(labels, log_probs)).squeeze(-1)
        if "trusted" in state.memory:
            told = state.memory["trusted"][..., state.rows]
            known = (told >= 0).unsqueeze(-2)
            of_told = -log_probs.gather(-1, _of_each_peer(told.clamp(min=0), log_probs)).squeeze(-1)
            losses = torch.where(known, of_told, losses)
            weights = torch.where(known, weights * state.memory["trusted_weight"], weights)
        return Supervision(losses, weights, targets, ~blind)


def _of_each_peer(classes: Tensor, log_probs: Tensor) -> Tensor:
    """Classes [..., B] as places in log_probs [..., P, B, C]: int64 [..., P, B, 1]."""
    return classes.unsqueeze(-2).expand(log_probs.shape[:-1]).unsqueeze(-1)

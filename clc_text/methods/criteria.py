"""How sure a prediction is, and where the line between sure and unsure is drawn.

Every criterion maps log-probabilities [..., C] (the energy: logits) to a *doubt* [...]: the smaller, the surer. So one
comparison, ``doubt <= threshold``, serves them all.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor

Criterion = Literal["entropy", "margin", "confidence", "energy"]


def entropy(log_probs: Tensor) -> Tensor:
    """H(p) = -Σ p log p in nats, 0 … log C."""
    return -(log_probs.exp() * log_probs).sum(-1)


def margin(log_probs: Tensor) -> Tensor:
    """1 - (p of the first class - p of the second), 0 … 1; 0 where there is only one class."""
    top = log_probs.exp().topk(min(2, log_probs.shape[-1]), dim=-1).values
    if top.shape[-1] == 1:
        return torch.zeros_like(top[..., 0])
    return 1 - (top[..., 0] - top[..., 1])


def confidence(log_probs: Tensor) -> Tensor:
    """1 - max p, 0 … 1 - 1/C."""
    return 1 - log_probs.exp().amax(-1)


def energy(logits: Tensor) -> Tensor:
    """The free energy -log Σ exp(logit), any number: low where the network has seen much evidence for some class.

    It lives in what softmax throws away, the sum before normalising: of log-probabilities it is 0 everywhere, so this
    criterion alone takes logits. A constant added to a row's logits changes its energy and not its prediction; hence
    only differences between rows of one network mean anything, not the zero or the scale.

    Source: Liu et al., "Energy-based Out-of-distribution Detection", NeurIPS 2020, equation 4 at temperature 1.
    """
    return -logits.logsumexp(-1)


CRITERIA: dict[str, Callable[[Tensor], Tensor]] = {
    "entropy": entropy,
    "margin": margin,
    "confidence": confidence,
    "energy": energy,
}


def mean_threshold(doubts: Tensor) -> Tensor:
    """The paper's threshold: the mean doubt over the training set, [..., N] -> [...]."""
    return doubts.mean(-1)


def share_of_maximum(threshold: float, num_classes: int) -> float:
    """An entropy threshold as a share of log C, the entropy of knowing nothing; with one class 0.

    CLC collapses when it begins close to 1.
    """
    return threshold / math.log(num_classes) if num_classes > 1 else 0.0

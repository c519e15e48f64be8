"""How sure a prediction is, and where the line between sure and unsure is drawn.

Every criterion maps log-probabilities [..., C] (or logits, for the energy) to a *doubt* [...]: the smaller, the surer.
So one comparison, ``doubt <= threshold``, serves them all.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor

Criterion = Literal["entropy", "margin", "confidence"]


def entropy(log_probs: Tensor) -> Tensor:
    """H(p) = -Σ p log p in nats, 0 … log C; a class of probability 0 contributes 0."""
    return -torch.special.xlogy(log_probs.exp(), log_probs.exp()).sum(-1)


def margin(log_probs: Tensor) -> Tensor:
    """1 - (p of the first class - p of the second), 0 … 1."""
    top = log_probs.exp().topk(2, dim=-1).values
    return 1 - (top[..., 0] - top[..., 1])


def confidence(log_probs: Tensor) -> Tensor:
    """1 - max p, 0 … 1 - 1/C."""
    return 1 - log_probs.exp().amax(-1)


CRITERIA: dict[str, Callable[[Tensor], Tensor]] = {"entropy": entropy, "margin": margin, "confidence": confidence}


def mean_threshold(doubts: Tensor) -> Tensor:
    """The paper's threshold: the mean doubt over the training set, [..., N] -> [...]."""
    return doubts.mean(-1)


def share_of_maximum(threshold: float, num_classes: int) -> float:
    """An entropy threshold as a share of log C; CLC collapses when it begins close to 1."""
    return threshold / math.log(num_classes)

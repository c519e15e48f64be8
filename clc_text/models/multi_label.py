"""Several classes true of one row at once: C yes-or-no questions, each answered by one logit.

A logit z of a class is its log-odds, P(it holds) = σ(z). Everywhere else in this package a prediction is a
distribution over classes that exclude each other; here it is C distributions over no and yes.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

PROBLEM = "multi_label_classification"  # as `transformers` calls it in a configuration


def is_multi_label(config: Any) -> bool:
    """Whether a model's configuration says that several of its classes may hold at once."""
    return getattr(config, "problem_type", None) == PROBLEM


def no_and_yes(logits: Tensor) -> Tensor:
    """[..., C] -> [..., C, 2], the log-probabilities that a class does not hold, and that it does."""
    return torch.stack([logsigmoid(-logits), logsigmoid(logits)], -1)


def log_odds_together(logits: Tensor) -> Tensor:
    """[P, B, C] -> [B, C], the log-odds of the peers' mean probability."""
    if len(logits) == 1:
        return logits[0]
    together = no_and_yes(logits).logsumexp(0) - math.log(len(logits))
    return together[..., 1] - together[..., 0]

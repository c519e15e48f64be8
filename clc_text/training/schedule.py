"""The schedule of Co-teaching's code: a constant learning rate, then a linear fall, with another momentum."""

from __future__ import annotations

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR

from clc_text.errors import InputError


def share_before_decay(begin: int, epochs: float) -> float:
    """Of the steps, before the epoch in which the fall begins.

    Raises:
        InputError: training ends before that.
    """
    if begin >= epochs:
        raise InputError(
            f"decay_from_epoch is {begin}, but there are {epochs:g} epochs; let it begin earlier",
            key="decay_from_epoch",
        )
    return begin / epochs


def constant_then_linear(optimizer: Optimizer, steps: int, share: float) -> LambdaLR:
    """Constant for the first `share` of the steps, then linearly down to 0 at the last."""
    begin = steps * share

    def factor(step: int) -> float:
        return 1.0 if step < begin else max(0.0, (steps - step) / (steps - begin))

    return LambdaLR(optimizer, factor)


def set_momentum(optimizer: Optimizer, momentum: float) -> None:
    """Sets β1 of Adam and its kin, the momentum of SGD."""
    for group in optimizer.param_groups:
        if "betas" in group:
            group["betas"] = (momentum, group["betas"][1])
        else:
            group["momentum"] = momentum

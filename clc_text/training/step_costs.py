"""What a training costs beside its arithmetic, where that can be had for less."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import accelerate.optimizer
import torch
import transformers.trainer

_BY_THEMSELVES = (torch.optim.Adam, torch.optim.AdamW, torch.optim.SGD)  # every number of a parameter alone
_LOOKED_UP: tuple[tuple[Any, str], ...] = (
    (accelerate.optimizer, "is_lomo_available"),
    (transformers.trainer, "is_sagemaker_mp_enabled"),
)
_collected = False  # for the training under way, and all that it makes on its way
_frozen_by_others = False  # asked until it is so: to count what is frozen is to go through all of it


@contextmanager
def looked_up_once() -> Iterator[None]:
    """While it lasts, what cannot change meanwhile is not asked again at every step.

    accelerate's optimizer asks twice a step whether `lomo_optim` is installed, for which Python searches the disk,
    since it remembers only modules that are there: a tenth of a small network's step. `Trainer` reads the environment
    for SageMaker.
    """
    with ExitStack() as stack:
        for module, name in _LOOKED_UP:
            stack.enter_context(_answered_once(module, name))
        yield


@contextmanager
def _answered_once(module: Any, name: str) -> Iterator[None]:
    ask = getattr(module, name, None)
    if ask is None:
        yield
        return
    answer = ask()
    setattr(module, name, lambda: answer)
    try:
        yield
    finally:
        setattr(module, name, ask)


@contextmanager
def collected_once() -> Iterator[None]:
    """Garbage is collected now; while this lasts, collections pass over what is there already.

    `Trainer` collects before each training, cross-fitting after each of its own, and each time all that was ever
    imported would be looked through: a quarter of a second. Where somebody else has frozen objects it is left at that,
    also later.
    """
    global _collected, _frozen_by_others
    _frozen_by_others = _frozen_by_others or (not _collected and gc.get_freeze_count() > 0)
    if _collected or _frozen_by_others:
        yield
        return
    gc.collect()
    gc.freeze()
    _collected = True
    try:
        yield
    finally:
        _collected = False
        gc.unfreeze()


def in_one_group(optimizer: torch.optim.Optimizer, by_checkpoint: bool = False) -> None:
    """Joins the groups of parameters of an optimizer that has not stepped yet, where all are treated alike.

    `Trainer` makes two, with weight decay and without, also where there is none: each is a call of the fused kernel of
    its own. The numbers stay the same to the bit.

    Args:
        by_checkpoint: a checkpoint that is loaded next has one group, whose options take the place of these.
    """
    first, *others = optimizer.param_groups
    options = {name: value for name, value in first.items() if name != "params"}
    alike = all({name: value for name, value in one.items() if name != "params"} == options for one in others)
    if isinstance(optimizer, _BY_THEMSELVES) and (alike or by_checkpoint):
        for one in others:
            first["params"].extend(one["params"])
        del optimizer.param_groups[1:]

"""What a step costs beside its arithmetic, where that can be had for less."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import accelerate.optimizer

_LOOKED_UP = "is_lomo_available"


@contextmanager
def looked_up_once() -> Iterator[None]:
    """While it lasts, accelerate does not search the disk for a package at every step.

    Its optimizer asks twice a step whether `lomo_optim` is installed, and Python remembers only modules that are
    there: a tenth of a small network's step.
    """
    module: Any = accelerate.optimizer
    ask = getattr(module, _LOOKED_UP, None)
    if ask is None:
        yield
        return
    found = ask()
    setattr(module, _LOOKED_UP, lambda: found)
    try:
        yield
    finally:
        setattr(module, _LOOKED_UP, ask)

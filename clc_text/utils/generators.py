"""Random numbers drawn aside: those of the caller stay what they were."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch


@contextmanager
def untouched_generators(seed: int | None = None) -> Iterator[None]:
    """The random generators of Python, NumPy and PyTorch go on afterwards as if nothing had been drawn.

    Args:
        seed: what they start from inside; None: as they are.
    """
    before = random.getstate(), np.random.get_state()
    devices = list(range(torch.cuda.device_count())) if torch.cuda.is_initialized() else []
    try:
        with torch.random.fork_rng(devices=devices):
            if seed is not None:
                random.seed(seed)
                np.random.seed(seed)
                torch.manual_seed(seed)
            yield
    finally:
        random.setstate(before[0])
        np.random.set_state(before[1])

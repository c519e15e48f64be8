"""Random numbers that depend on a key alone: the same for a row in an epoch, whichever batch or process asks.

Augmentation with them needs no generator whose state a checkpoint would have to hold, so a resumed run sees the very
images that an uninterrupted one sees.
"""

from __future__ import annotations

import torch
from torch import Tensor

MASK = (1 << 64) - 1
GOLDEN = 0x9E3779B97F4A7C15  # 2^64 / golden ratio, the step of SplitMix64 (Steele, Lea & Flood 2014)
FIRST, SECOND = 0xBF58476D1CE4E5B9, 0x94D049BB133111EB


def uniforms(seed: int, epoch: int, rows: Tensor, count: int) -> Tensor:
    """float32 [B, count] in [0, 1), on the device of `rows`.

    Number j of row r is made of the 24 highest bits of ``mix(mix(mix(seed) + epoch) ^ mix(r) + (j + 1) · GOLDEN)``,
    where `mix` is the last step of SplitMix64.

    Args:
        rows: int64 [B], numbers of training rows.
    """
    start = _mix_int((_mix_int(seed) + epoch) & MASK)
    key = torch.full_like(rows, _signed(start)) ^ _mix(rows)
    steps = torch.tensor([_signed((j + 1) * GOLDEN & MASK) for j in range(count)], device=rows.device)
    return _shift(_mix(key[:, None] + steps), 40).to(torch.float32) / (1 << 24)


def _mix(value: Tensor) -> Tensor:
    value = (value ^ _shift(value, 30)) * _signed(FIRST)
    value = (value ^ _shift(value, 27)) * _signed(SECOND)
    return value ^ _shift(value, 31)


def _shift(value: Tensor, bits: int) -> Tensor:
    """A shift to the right that fills with zeros: int64 alone would fill with the sign."""
    return (value >> bits) & ((1 << (64 - bits)) - 1)


def _mix_int(value: int) -> int:
    value = ((value ^ (value >> 30)) * FIRST) & MASK
    value = ((value ^ (value >> 27)) * SECOND) & MASK
    return value ^ (value >> 31)


def _signed(value: int) -> int:
    return value - (1 << 64) if value >> 63 else value

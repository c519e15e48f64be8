"""Random numbers that stay the same for good, and the two draws that every noise is made of.

NumPy keeps the raw stream of a bit generator stable across versions, but not what `Generator.choice` or `normal` make
of it. So only `PCG64.random_raw` is used here, and the rest is arithmetic of this file.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from clc_text.errors import InputError

BIT_GENERATOR = "PCG64"

Stream = Literal["flip", "target", "row-rate", "projection", "canary-row", "canary-target", "row-direction"]
# The numbers are part of every manifest's meaning: never renumber, only append.
_STREAMS: dict[Stream, int] = {
    "flip": 0,
    "target": 1,
    "row-rate": 2,
    "projection": 3,
    "canary-row": 4,
    "canary-target": 5,
    "row-direction": 6,
}


def bits(seed: int, stream: Stream) -> np.random.PCG64:
    """The bit generator of one purpose; different purposes of one seed are independent streams."""
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0:
        raise InputError(
            f"a noise seed must be a whole number of at least 0, and this one is {seed!r}", key="noise seed"
        )
    return np.random.PCG64(np.random.SeedSequence(int(seed), spawn_key=(_STREAMS[stream],)))


def next_uniforms(source: np.random.PCG64, count: int) -> np.ndarray:
    """float64 [count] in [0, 1): the upper 53 bits of each raw 64-bit number."""
    return (source.random_raw(count) >> np.uint64(11)) * 2.0**-53


def uniforms(seed: int, stream: Stream, count: int) -> np.ndarray:
    """float64 [count] in [0, 1); number i depends on `seed`, `stream` and i only."""
    return next_uniforms(bits(seed, stream), count)


def whole(expected: float) -> int:
    """The whole part of an expected number of rows, as if there were no rounding errors (0.29 · 100 is 29)."""
    return int(round(expected, 6))


def select_rows(rates: np.ndarray, u: np.ndarray, exactly: float | None = None) -> np.ndarray:
    """bool [N], the rows to redraw.

    Args:
        rates: float64 [N], each row's probability of being redrawn.
        u: float64 [N] uniform numbers.
        exactly: None draws each row on its own; otherwise ``int(exactly)`` rows are drawn without replacement, each
            with a chance in proportion to its rate (the smallest u/rate: sequential Poisson sampling, Ohlsson 1998),
            and never one whose rate is 0.
    """
    if exactly is None:
        return u < rates
    possible = np.flatnonzero(rates > 0)
    order = np.argsort(u[possible] / rates[possible], kind="stable")
    chosen = np.zeros(len(rates), dtype=bool)
    chosen[possible[order[: whole(exactly)]]] = True
    return chosen


def pick_targets(targets: np.ndarray, labels: np.ndarray, v: np.ndarray) -> np.ndarray:
    """int64 [N], row i a class drawn from targets[labels[i]] by the uniform number v[i].

    Args:
        targets: float64 [C, C], each row a distribution.
        labels: int64 [N].
        v: float64 [N] uniform numbers.
    """
    picked = np.empty(len(labels), dtype=np.int64)
    for true_class, distribution in enumerate(targets):
        rows = np.flatnonzero(labels == true_class)
        picked[rows] = np.searchsorted(cumulated(distribution), v[rows], side="right")
    return picked


def cumulated(distributions: np.ndarray) -> np.ndarray:
    """Cumulative sums [..., C] that end in exactly 1, at the last class of a probability above 0.

    So ``number of sums <= v`` is a class of positive probability for every v in [0, 1), whatever the rounding.
    """
    sums = np.cumsum(distributions, axis=-1)
    left = np.flip(np.cumsum(np.flip(distributions, -1), axis=-1), -1)  # probability of this class and all after it
    after = np.concatenate([left[..., 1:], np.zeros_like(left[..., :1])], axis=-1)
    return np.where(after > 0, np.minimum(sums, 1.0), 1.0)

"""Shares with their 95 % intervals."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from clc_text.artifacts.audit import Share

Z = 1.959963984540054  # 97.5 % quantile of the normal distribution


def wilson(count: float, of: float) -> tuple[float, float]:
    """The 95 % Wilson score interval of a share ``count / of``.

    Source: Wilson, "Probable inference, the law of succession, and statistical inference", JASA 1927.
    """
    share = count / of
    centre = share + Z**2 / (2 * of)
    reach = Z * math.sqrt(share * (1 - share) / of + Z**2 / (4 * of**2))
    scale = 1 + Z**2 / of
    return max(0.0, (centre - reach) / scale), min(1.0, (centre + reach) / scale)


def metric(count: int, of: int) -> Share | None:
    """A share as audit.json states it; None where there is nothing to take a share of."""
    if of == 0:
        return None
    low, high = wilson(count, of)
    return {"value": count / of, "low": low, "high": high, "count": int(count), "of": int(of)}


def percent(share: Mapping[str, Any] | None) -> str:
    """Such as ``83.1 % (79.0 to 86.5)``, for people."""
    if share is None:
        return "not known"
    return f"{100 * share['value']:.1f} % ({100 * share['low']:.1f} to {100 * share['high']:.1f})"

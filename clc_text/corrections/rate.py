"""The estimated share of wrong labels for people: one figure, or the range of several readings and each of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

METHODS = {
    "doubt": "mean doubt",
    "half": "mean doubt, labels half trusted",
    "em": "expectation-maximisation",
    "confident_joint": "confident joint",
}


def rate_in_words(noise: Mapping[str, Any]) -> str:
    """Args: the entry ``noise`` of an audit."""
    if noise["interval"] is None:
        return f"{100 * noise['rate']:.1f} %"
    low, high = (f"{100 * bound:.1f}" for bound in noise["interval"])
    return f"{low} %" if low == high else f"{low} to {high} %"


def rates(noise: Mapping[str, Any]) -> list[tuple[str, float]]:
    """What each reading of the evidence says: its name in words, and the share; nothing where there is one alone."""
    readings = noise.get("readings") or []
    return [(f"{one['of']}: {METHODS.get(one['method'], one['method'])}", one["rate"]) for one in readings]

"""What the method of a run asked for: to be told the noise, to cross-fit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from clc_text.artifacts.run_directory import RunDirectory
from clc_text.errors import InputError


def told_the_noise(recipe: Mapping[str, Any]) -> bool:
    """Whether a run's method was told a noise rate, true or typed in, and uses it, or a matrix."""
    described = recipe.get("method") or {}
    if described.get("matrix") in ("true", True) or described.get("matrix_file"):
        return True
    if recipe.get("noise_rate") in (None, "estimate"):
        return False
    from clc_text.methods.base import method

    try:
        return method.get(str(described.get("name"))).needs_noise_rate
    except InputError:
        return True  # a method that is not installed here


def cross_fits(run: RunDirectory) -> bool:
    """Whether the run's method cross-fits; no, where only the training knew it, as a user's own."""
    from clc_text.methods.base import method

    try:
        return method.get(run.environment()["method"]["name"]).cross_fits
    except InputError:
        return False

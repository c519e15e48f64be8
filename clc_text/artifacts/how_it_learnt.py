"""How a run has learnt: what of its recipe decides the result, and what its method asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from clc_text.artifacts.run_directory import RunDirectory
from clc_text.config.recipe import TRAINING_WITHOUT_EFFECT, WITHOUT_EFFECT, from_dict
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


def result_settings(run: RunDirectory) -> dict[str, Any]:
    """What of a run's recipe decides the result, the seeds left out."""
    recipe = _resolved(run)
    plain = {key: value for key, value in recipe.items() if key not in (*WITHOUT_EFFECT, "seeds")}
    # On another device the numbers differ in their last digits only.
    left_out = (*TRAINING_WITHOUT_EFFECT, "device")
    plain["training"] = {key: value for key, value in (plain.get("training") or {}).items() if key not in left_out}
    return plain


def _resolved(run: RunDirectory) -> dict[str, Any]:
    """The recipe with the defaults of options that came after the run; as it stands where it no longer loads."""
    try:
        return from_dict(run.recipe()).to_dict()
    except InputError:
        return run.recipe()

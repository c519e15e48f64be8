"""Which runs a sweep has, and from which recipe each must be: `sweep.yaml` and `cells.json`, which it leaves there.

The sweep's file names recipes by their paths from where it stood, which its copy in the directory cannot follow.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from clc_text.artifacts.run_directory import RunDirectory
from clc_text.config.recipe import Recipe, from_dict, left_open
from clc_text.config.typed_yaml import convert, read_yaml
from clc_text.errors import InputError
from clc_text.utils.files import write_json

CELLS = "cells.json"


def named_cells(directory: Path) -> tuple[list[str], list[str], list[int]]:
    """Recipes, variants and seeds as the sweep's file names them: texts as they are written, as the sweep reads them.

    (To YAML a variant `on` is a truth value and `0.10` the number 0.1; the folders have the written names.)
    """
    path = directory / "sweep.yaml"
    try:
        tree = read_yaml(path, "sweep").value
        recipes = [Path(recipe).stem for recipe in convert(tree["recipes"], list[str], "sweep.recipes")]
        variants = list(tree["variants"].value) if "variants" in tree else []
        seeds = convert(tree["seeds"], list[int], "sweep.seeds") if "seeds" in tree else [0]
    except (KeyError, TypeError, InputError) as error:
        raise InputError(
            f"{path} is not the file that a sweep writes ({error}); run the sweep again", where=path
        ) from None
    return recipes, variants or ["as_written"], seeds


def write_plan(directory: Path, recipes: Mapping[str, Recipe]) -> None:
    """Args: recipes by the run's path, RECIPE/VARIANT/seed-N."""
    write_json(
        directory / CELLS,
        {path: {"recipe": recipe.fingerprint(), "text": _hash(recipe.dump())} for path, recipe in recipes.items()},
    )


def read_plan(directory: Path) -> dict[str, dict[str, str]]:
    """What `write_plan` wrote; empty for a directory of a sweep that did not write it yet."""
    path = directory / CELLS
    try:
        return {str(name): dict(cell) for name, cell in json.loads(path.read_text(encoding="utf-8")).items()}
    except FileNotFoundError:
        return {}
    except (ValueError, TypeError, AttributeError):
        raise InputError(f"{path} is not as a sweep writes it; run the sweep again", where=path) from None


def is_planned(run: Path, planned: dict[str, str] | None) -> bool:
    """Whether a run is of the planned recipe, as far as anybody knows.

    Args:
        planned: the run's entry of `read_plan`.
    """
    if planned is None:
        return True
    try:
        # Equal texts, the usual case, need no reading of YAML, which takes seconds for the cells of a large sweep.
        if _hash((run / "recipe.yaml").read_text(encoding="utf-8")) == planned.get("text"):
            return True
    except (OSError, UnicodeDecodeError):
        pass  # `recipe_of` says what is wrong with it
    plain = recipe_of(run)
    try:
        recipe = from_dict(plain)
        return planned.get("recipe") in (recipe.fingerprint(), left_open(recipe).fingerprint())
    except InputError:
        return False  # of another version of this package, or of parts that are not installed here


def recipe_of(run: Path) -> dict[str, Any]:
    """The run's recipe as plain values."""
    try:
        return RunDirectory(run).recipe()
    except InputError:
        raise InputError(
            f"{run / 'recipe.yaml'} is not as a run writes it; remove {run}, and `clc-text sweep` runs the cell again",
            where=run / "recipe.yaml",
        ) from None


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()

"""How a cell of a sweep ended, and what its directory says of that: all of a cell that a plan needs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal, NamedTuple

from clc_text.config.recipe import Recipe, is_run_of, load
from clc_text.errors import InputError


class Outcome(NamedTuple):
    """How a cell ended; `sentence` says why where it is not done."""

    kind: Literal["done", "failed", "elsewhere"]
    sentence: str = ""


def is_done(directory: Path) -> bool:
    """Whether the run has a result that can be read: one that a full disk or a person damaged is none."""
    try:
        return isinstance(json.loads((directory / "result.json").read_text(encoding="utf-8")), dict)
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return False


def check_done(recipe: Recipe, directory: Path) -> None:
    """Refuses a run that has ended and is not this recipe's.

    Raises:
        InputError: it was run from another recipe, or nobody knows from which.
    """
    stored = directory / "recipe.yaml"
    try:
        # Equal texts, the usual case, need no reading of YAML, which takes seconds for the cells of a large sweep.
        if stored.is_file() and stored.read_text(encoding="utf-8") == recipe.dump():
            return
        same = is_run_of(load(stored), recipe)
    except (InputError, UnicodeDecodeError):
        state = "cannot be read" if stored.exists() else "is gone"
        raise InputError(
            f"{directory} has a result, but its recipe.yaml {state}, so nobody knows what was run; remove the folder, "
            "and the sweep runs this cell anew",
            where=directory,
            key="recipe.yaml",
        ) from None
    if not same:
        raise InputError(
            f"{directory} was run from another recipe than the sweep now gives; remove it, or choose another "
            "directory with --out",
            where=directory,
            key="recipe",
        )

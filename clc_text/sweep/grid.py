"""What a sweep is: a YAML file that names recipes, variants of them and seeds, and so a list of cells.

recipes: [../trec_sym05.yaml, ../trec_pair045.yaml]     # beside the sweep's own file
variants:                                               # each a name and the keys it changes
  standard: {method.name: standard}
  co_teaching: {method.name: co_teaching, noise_rate: true}
seeds: [0, 1, 2, 3, 4]                                  # all three seeds of a run get this number
set: {keep_data: false}                                 # keys changed in every cell
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from clc_text.components import option
from clc_text.errors import InputError
from clc_text.recipe import Recipe, load
from clc_text.typed_yaml import read_yaml, to_dataclass

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]*")


@dataclass(frozen=True)
class Sweep:
    """A sweep file as it is written."""

    recipes: list[str] = option(help="recipe files, relative to the sweep's own")
    seeds: list[int] = option([0], "numbers; each becomes the data, noise and network seed of a cell")
    variants: dict[str, Any] = option({}, "name -> {key: value}; one variant that changes nothing when empty")
    set: dict[str, Any] = option({}, "keys changed in every cell")
    name: str = option("", "what the table calls it; the file's name when empty")

    def __post_init__(self) -> None:
        for what, values in (("recipes", self.recipes), ("seeds", self.seeds)):
            if not values:
                raise InputError(f"'{what}' is empty; name at least one")
            if len(set(values)) < len(values):
                raise InputError(f"'{what}' names one of them twice")
        for variant, changes in self.variants.items():
            if not _NAME.fullmatch(variant):
                raise InputError(f"the variant '{variant}' must be made of letters, digits, '_', '-', '+' and '.'")
            if not isinstance(changes, dict):
                raise InputError(f"the variant '{variant}' must be a section of `key: value` lines")


@dataclass(frozen=True)
class Cell:
    """One run of a sweep.

    Attributes:
        path: the run directory, relative to the sweep's: recipe/variant/seed-N.
        recipe: the recipe file's name without its ending.
    """

    path: str
    recipe: str
    variant: str
    seed: int
    resolved: Recipe


def read_sweep(path: Path) -> tuple[Sweep, list[Cell]]:
    """The sweep and its cells, every recipe of them read and checked.

    Raises:
        InputError: a key is unknown, a recipe is missing or wrong, two recipes have one name.
    """
    sweep: Sweep = to_dataclass(Sweep, read_yaml(path, "sweep"), "sweep")
    stems = [Path(recipe).stem for recipe in sweep.recipes]
    if len(set(stems)) < len(stems):
        raise InputError(f"{path}: two recipes have the same file name; rename one")
    cells = []
    variants = sweep.variants or {"as_written": {}}
    # One seed of everything comes before the next seed of anything, so that a table is whole early, and cells of the
    # same data stand together.
    for seed in sweep.seeds:
        seeds = {f"seeds.{key}": seed for key in ("data", "noise", "network")}
        for recipe_file, stem in zip(sweep.recipes, stems, strict=True):
            for variant, changes in variants.items():
                overrides = [_override(key, value) for key, value in (sweep.set | changes | seeds).items()]
                try:
                    resolved = load(path.parent / recipe_file, [*overrides, f"name={stem}"])
                except InputError as error:
                    raise InputError(f"{path}, variant '{variant}': {error}") from None
                cells.append(Cell(f"{stem}/{variant}/seed-{seed}", stem, variant, seed, resolved))
    return sweep, cells


def _override(key: str, value: Any) -> str:
    text = yaml.safe_dump(value, default_flow_style=True, allow_unicode=True, width=100_000).strip()
    return f"{key}={text.removesuffix('...').strip()}"


def part_of(cells: list[Cell], part: str | None) -> list[Cell]:
    """The cells of ``"2/3"``, the second of three equal parts; all of them for None."""
    if part is None:
        return cells
    match = re.fullmatch(r"(\d+)/(\d+)", part)
    if not match or not 1 <= int(match[1]) <= int(match[2]):
        raise InputError(f"--part is '{part}'; write it as 2/3, the second of three parts")
    return cells[int(match[1]) - 1 :: int(match[2])]

"""What a sweep is: a YAML file that names recipes, variants of them and seeds, and so a list of cells.

recipes: [../trec_sym05.yaml, ../trec_pair045.yaml]     # beside the sweep's own file
variants:                                               # each a name and the keys it changes
  standard: {method.name: standard}
  co_teaching: {method.name: co_teaching, noise_rate: "true"}
seeds: [0, 1, 2, 3, 4]                                  # all three seeds of a run get this number, but for those
                                                        # that `set` or a variant gives: seeds.noise: 0 compares
                                                        # networks on the same flipped labels
set: {keep_data: false}                                 # keys changed in every cell; a variant's own come after
"""

from __future__ import annotations

import copy
import dataclasses
import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from clc_text.config.components import option
from clc_text.config.recipe import Recipe, Seeds, from_tree, read_tree
from clc_text.config.typed_yaml import Node, put, read_yaml, to_dataclass
from clc_text.errors import InputError

_SEEDS = tuple(f"seeds.{field.name}" for field in dataclasses.fields(Seeds))
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]*")


@dataclass(frozen=True)
class Sweep:
    """A sweep file as it is written."""

    recipes: list[str] = option(help="recipe files, relative to the sweep's own")
    seeds: list[int] = option([0], "numbers; each becomes those seeds of a cell that nothing else sets")
    variants: dict[str, dict[str, Node]] = option({}, "name -> {key: value}; the recipe as it is written when empty")
    set: dict[str, Node] = option({}, "keys changed in every cell")
    name: str = option("", "what the sweep's directory is called; the file's name when empty")

    def __post_init__(self) -> None:
        for what, values in (("recipes", self.recipes), ("seeds", self.seeds)):
            if not values:
                raise InputError(f"'{what}' is empty; name at least one", key=what)
            if len(set(values)) < len(values):
                raise InputError(f"'{what}' names one of them twice", key=what)
        stems = [Path(recipe).stem for recipe in self.recipes]
        for stem in stems:
            if stems.count(stem) > 1:
                raise InputError(
                    f"two recipes are called {stem}.yaml, and their cells would share a folder; rename one", key=stem
                )
        for what, names in (("recipe", stems), ("variant", self.variants)):
            for name in names:
                if not _NAME.fullmatch(name):
                    raise InputError(
                        f"the {what} '{name}' names a folder, so it must be made of letters, digits, '_', '-', '+' "
                        "and '.'",
                        key=name,
                    )
        if self.name and not _NAME.fullmatch(self.name):
            raise InputError(
                f"the name '{self.name}' must be made of letters, digits, '_', '-', '+' and '.'", key=self.name
            )


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

    One seed of everything comes before the next seed of anything, so that a table is whole early; cells of the same
    data stand together.

    Raises:
        InputError: a key is unknown, a recipe is missing or wrong, two recipes have one name, a variant leaves the
            sweep's seeds nothing to change.
    """
    tree = read_yaml(path, "sweep")
    sweep: Sweep = to_dataclass(Sweep, tree, "sweep")
    recipes = {Path(name).stem: read_tree(path.parent / name) for name in sweep.recipes}
    seed_nodes = (
        tree.value["seeds"].value if "seeds" in tree.value else [Node(seed, str(path)) for seed in sweep.seeds]
    )
    everywhere = _dotted(sweep.set)
    variants = {name: everywhere | _dotted(own) for name, own in (sweep.variants or {"as_written": {}}).items()}
    for name, changes in variants.items():
        if len(sweep.seeds) > 1 and changes.keys() >= set(_SEEDS):
            raise InputError(
                f"{changes[_SEEDS[-1]].where}: the variant '{name}' has all three seeds set, so its cells of the "
                f"{len(sweep.seeds)} seeds would be one run again and again; leave a seed out, or name one in 'seeds'",
                where=changes[_SEEDS[-1]].where,
                key=name,
            )
    cells = []
    for seed, node in zip(sweep.seeds, seed_nodes, strict=True):
        for stem, recipe in recipes.items():
            for variant, changes in variants.items():
                left = {key: node for key in _SEEDS if key not in changes}
                resolved = _changed(recipe, stem, changes | left)
                cells.append(Cell(f"{stem}/{variant}/seed-{seed}", stem, variant, seed, resolved))
    return sweep, cells


def _dotted(changes: dict[str, Node]) -> dict[str, Node]:
    """The changes with a section of seeds as its single keys, which the sweep's own numbers then leave alone."""
    dotted: dict[str, Node] = {}
    for key, node in changes.items():
        if key == "name":
            raise InputError(
                f"{node.where}: a sweep calls its runs by their recipes' files; leave 'name' out here",
                where=node.where,
            )
        if key == "seeds" and isinstance(node.value, dict):
            dotted |= {f"seeds.{kind}": seed for kind, seed in node.value.items()}
        else:
            dotted[key] = node
    return dotted


def _changed(recipe: Node, stem: str, changes: dict[str, Node]) -> Recipe:
    tree = copy.deepcopy(recipe)
    # Another part forgets the options of the one before, so parts are named before their options are set.
    for key in sorted(changes, key=lambda key: not key.endswith(".name")):
        put(tree, key, copy.deepcopy(changes[key]))
    return dataclasses.replace(from_tree(tree), name=stem)


def part_of(cells: list[Cell], part: str | None) -> list[Cell]:
    """The cells of ``"2/3"``, the second of three equal parts; all of them for None.

    Each variant, of which one may take ten times as long as another, is dealt evenly among the parts; which of its
    recipes and seeds a part gets is drawn, the same on every machine: by a hash, which no version of Python changes.

    Raises:
        InputError: it is written otherwise, or there are more parts than cells.
    """
    if part is None:
        return cells
    match = re.fullmatch(r"(\d+)/(\d+)", part)
    if not match or not 1 <= int(match[1]) <= int(match[2]):
        raise InputError(f"--part is '{part}'; write it as 2/3, the second of three parts", key="--part")
    if int(match[2]) > len(cells):
        raise InputError(
            f"--part is '{part}', but there are only {len(cells)} cells, so some parts would be empty; make at most "
            f"{len(cells)} parts",
            key="--part",
        )
    dealt = sorted(cells, key=lambda cell: (cell.variant, hashlib.sha256(cell.path.encode()).digest()))
    mine = {cell.path for cell in dealt[int(match[1]) - 1 :: int(match[2])]}
    return [cell for cell in cells if cell.path in mine]

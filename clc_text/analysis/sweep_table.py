"""The table of a sweep: one line a variant, one column a recipe, mean and deviation over the seeds."""

from __future__ import annotations

import json
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clc_text.analysis.compare import WHO, told_the_noise
from clc_text.analysis.paper import paper_figure
from clc_text.analysis.significance import Test, compare, holm
from clc_text.errors import InputError, nearest
from clc_text.run_directory import RunDirectory


@dataclass(frozen=True)
class Cell:
    """The runs of one variant of one recipe, by seed.

    Attributes:
        values: seed -> measure -> test accuracy in percent.
        method: its name.
        told: whether the method was told the noise rate or matrix.
        paper: the paper's figure in percent, None where it has none.
    """

    values: dict[int, dict[str, float]]
    method: str
    told: bool
    paper: float | None

    def of(self, measure: str) -> list[float]:
        return [self.values[seed][measure] for seed in sorted(self.values)]

    def mean(self, measure: str) -> float:
        return statistics.fmean(self.of(measure))

    def deviation(self, measure: str) -> float | None:
        """Sample standard deviation over the seeds; None with one seed."""
        return statistics.stdev(self.of(measure)) if len(self.values) > 1 else None


@dataclass(frozen=True)
class Lead:
    """The reference variant beside the best of the others, in one column.

    Attributes:
        other: that variant's name.
        difference: reference minus other, means of the measure, in points.
        test: paired where both have the same seeds.
        p: its p value after Holm's correction over all the others, since which of them is best is read off the same
            figures; None without a test.
    """

    other: str
    difference: float
    test: Test
    p: float | None


@dataclass(frozen=True)
class SweepTable:
    """All cells that are done.

    Attributes:
        recipes: columns, in the order of the sweep.
        variants: lines, in the order of the sweep.
        cells: (variant, recipe) -> cell; those without any run are missing.
        missing: planned runs without a result.
        of: "peers" (their mean, the paper's figure) or "ensemble".
    """

    recipes: list[str]
    variants: list[str]
    cells: dict[tuple[str, str], Cell]
    missing: int
    of: str

    def best(self, recipe: str, measure: str) -> str:
        """The variant with the highest mean of a column."""
        return max(self._in(recipe), key=lambda variant: self.cells[variant, recipe].mean(measure))

    def lead(self, recipe: str, reference: str, measure: str = "last10") -> Lead | None:
        """How far the reference is from the best of the others; None where either is missing."""
        others = [variant for variant in self._in(recipe) if variant != reference]
        if (reference, recipe) not in self.cells or not others:
            return None
        mine = self.cells[reference, recipe]
        tests = [_test(mine, self.cells[other, recipe], measure) for other in others]
        corrected = dict(zip(others, holm([test.p for test in tests]), strict=True))
        other = max(others, key=lambda variant: self.cells[variant, recipe].mean(measure))
        difference = mine.mean(measure) - self.cells[other, recipe].mean(measure)
        return Lead(other, difference, tests[others.index(other)], corrected[other])

    def _in(self, recipe: str) -> list[str]:
        return [variant for variant in self.variants if (variant, recipe) in self.cells]


def _test(mine: Cell, theirs: Cell, measure: str) -> Test:
    paired = mine.values.keys() == theirs.values.keys()
    return compare(mine.of(measure), theirs.of(measure), paired)


def read_table(directory: Path, of: str = "peers") -> SweepTable:
    """Reads the runs of a sweep's directory, whatever wrote it: RECIPE/VARIANT/seed-N.

    Raises:
        InputError: it is no sweep's directory, or no run of it has ended with test rows.
    """
    if of not in WHO:
        raise InputError(f"there is no accuracy of '{of}'{nearest(of, WHO)}")
    if not (directory / "sweep.yaml").is_file():
        raise InputError(f"{directory} is no sweep's directory: it has no sweep.yaml; `clc-text sweep` makes one")
    runs = sorted(path for path in directory.glob("*/*/seed-*") if path.is_dir())
    found: dict[tuple[str, str], list[Path]] = {}
    for run in runs:
        if (run / "result.json").is_file():
            found.setdefault((run.parent.name, run.parent.parent.name), []).append(run)
    cells = {key: cell for key, paths in found.items() if (cell := _cell(paths, of)) is not None}
    if not cells:
        raise InputError(f"no run in {directory} has ended with test rows; `clc-text sweep` goes on with it")
    recipes, variants, seeds = _order(directory)
    planned = {f"{recipe}/{variant}/seed-{seed}" for recipe in recipes for variant in variants for seed in seeds}
    planned |= {run.relative_to(directory).as_posix() for run in runs}
    recipes = _known_first(recipes, [recipe for _, recipe in cells])
    variants = _known_first(variants, [variant for variant, _ in cells])
    done = sum(len(cell.values) for cell in cells.values())
    return SweepTable(recipes, variants, cells, len(planned) - done, of)


def _cell(runs: Sequence[Path], of: str) -> Cell | None:
    values, result = {}, None
    for run in runs:
        result = json.loads((run / "result.json").read_text(encoding="utf-8"))
        if result["accuracy"] is None:
            return None
        accuracy = {measure: figures[WHO[of]] for measure, figures in result["accuracy"].items()}
        values[int(run.name.removeprefix("seed-"))] = accuracy
    assert result is not None
    recipe: dict[str, Any] = RunDirectory(runs[0]).recipe()
    noise = result["noise"]
    paper = None
    if _as_in_the_paper(recipe):
        paper = paper_figure(result["dataset"], noise["name"], noise["rate"], result["method"])
    return Cell(values, result["method"], told_the_noise(recipe), paper)


def _as_in_the_paper(recipe: dict[str, Any]) -> bool:
    """Whether rows and classes are those of the paper: it has no pre-trained encoder, and TREC's six classes."""
    encoder, data = recipe.get("encoder") or {}, recipe.get("data") or {}
    return encoder.get("name", "word_vectors") in ("word_vectors", "pixels") and data.get("labels") != "fine"


def _order(directory: Path) -> tuple[list[str], list[str], list[int]]:
    """Recipes, variants and seeds as the sweep's file names them."""
    import yaml

    try:
        plain = yaml.safe_load((directory / "sweep.yaml").read_text(encoding="utf-8"))
        recipes = [Path(recipe).stem for recipe in plain["recipes"]]
        variants = [str(variant) for variant in plain.get("variants") or ["as_written"]]
        return recipes, variants, list(plain.get("seeds") or [0])
    except (yaml.YAMLError, KeyError, TypeError) as error:
        raise InputError(f"{directory / 'sweep.yaml'} is not the file that a sweep writes ({error})") from None


def _known_first(order: list[str], present: list[str]) -> list[str]:
    return [name for name in order if name in present] + sorted(set(present) - set(order))

"""The table of a sweep: one line a variant, one column a recipe, mean and deviation over the seeds."""

from __future__ import annotations

import re
import statistics
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from clc_text.analysis.compare import MEASURES, WHO
from clc_text.analysis.paper import paper_accuracy
from clc_text.analysis.significance import Test, compare, holm
from clc_text.analysis.sweep_data import check_same_data
from clc_text.analysis.test_rows import RowInterval, hits, row_interval
from clc_text.artifacts.how_it_learnt import told_the_noise
from clc_text.artifacts.run_directory import RunDirectory
from clc_text.artifacts.run_files import Result
from clc_text.artifacts.sweep_plan import is_planned, named_cells, read_plan, recipe_of
from clc_text.errors import InputError, nearest


@dataclass(frozen=True)
class Cell:
    """The runs of one variant of one recipe, by seed.

    Attributes:
        values: seed -> measure -> test accuracy in percent.
        runs: seed -> run directory.
        method: its name.
        told: whether the method was told the noise rate or matrix.
        paper: the paper's figure in percent, None where it has none.
    """

    values: dict[int, dict[str, float]]
    method: str
    told: bool
    paper: float | None
    runs: dict[int, Path] = field(default_factory=dict)

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
            figures; None without a test. It is over the seeds, and of these test rows alone.
        over_rows: of the accuracy at the end, with its interval over test rows; None where the runs do not say which
            rows they have right, or have other test rows.
    """

    other: str
    difference: float
    test: Test
    p: float | None
    over_rows: RowInterval | None = None


@dataclass(frozen=True)
class SweepTable:
    """All cells that are done, of those that the sweep's file names.

    Attributes:
        recipes: columns, in the order of the sweep.
        variants: lines, in the order of the sweep, those without any run among them.
        cells: (variant, recipe) -> cell; those without any run that was tested are missing.
        missing: planned runs that have neither a result nor failed.
        untested: planned runs that have ended without test rows.
        failed: planned runs without a result of which the sweep wrote down why.
        foreign: paths of planned runs that have ended, but were run from another recipe than the sweep gives.
        others: runs in the directory that the sweep's file does not name: of variants, recipes or seeds it had once.
        of: "peers" (their mean, the paper's figure) or "ensemble".
    """

    recipes: list[str]
    variants: list[str]
    cells: dict[tuple[str, str], Cell]
    missing: int
    untested: int
    failed: int
    foreign: list[str]
    others: int
    of: str

    def best(self, recipe: str, measure: str) -> str | None:
        """The variant with the highest mean of a column; None in an empty one."""
        return max(self._in(recipe), key=lambda variant: self.cells[variant, recipe].mean(measure), default=None)

    @property
    def absent(self) -> list[str]:
        """Of which runs the table shows nothing, and why: clauses with their numbers."""
        such = f", such as {self.foreign[0]}" if self.foreign else ""
        counts = {
            "planned runs have no result yet": self.missing,
            "have failed (the *.error.txt beside their folders say why)": self.failed,
            "have ended without test rows": self.untested,
            f"were run from another recipe than the sweep now gives{such} (remove their folders, and `clc-text sweep` "
            "runs them anew)": len(self.foreign),
            "further runs here are not of this sweep": self.others,
        }
        return [f"{count} {what}" for what, count in counts.items() if count]

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
        over_rows = _over_rows(mine, self.cells[other, recipe], self.of)
        return Lead(other, difference, tests[others.index(other)], corrected[other], over_rows)

    @property
    def most_seeds(self) -> int:
        """Of a cell; those with fewer are means over other seeds than the rest."""
        return max(len(cell.values) for cell in self.cells.values())

    def _in(self, recipe: str) -> list[str]:
        return [variant for variant in self.variants if (variant, recipe) in self.cells]


def _over_rows(mine: Cell, theirs: Cell, of: str) -> RowInterval | None:
    one, other = (hits([RunDirectory(cell.runs[seed]) for seed in sorted(cell.runs)], of) for cell in (mine, theirs))
    if one is None or other is None or not np.array_equal(one[1], other[1]):
        return None
    return row_interval(one[0], other[0])


def _test(mine: Cell, theirs: Cell, measure: str) -> Test:
    paired = mine.values.keys() == theirs.values.keys()
    return compare(mine.of(measure), theirs.of(measure), paired)


def read_table(directory: Path, of: str = "peers") -> SweepTable:
    """Reads those runs of a sweep's directory that its sweep.yaml names, whatever ran them: RECIPE/VARIANT/seed-N.

    Raises:
        InputError: it is no sweep's directory, a result is damaged, no run that sweep.yaml names has ended with test
            rows, or those of one recipe were made on different data.
    """
    if of not in WHO:
        raise InputError(f"there is no accuracy of '{of}'{nearest(of, WHO)}", key=of)
    if not (directory / "sweep.yaml").is_file():
        raise InputError(
            f"{directory} is no sweep's directory: it has no sweep.yaml; `clc-text sweep` makes one",
            where=directory,
            key="sweep.yaml",
        )
    recipes, variants, seeds = named_cells(directory)
    plan = read_plan(directory)
    cells: dict[tuple[str, str], Cell] = {}
    planned: set[Path] = set()
    foreign: list[str] = []
    untested = failed = tested = 0
    for recipe in recipes:
        column: list[Path] = []
        for variant in variants:
            runs = [directory / recipe / variant / f"seed-{seed}" for seed in seeds]
            planned |= set(runs)
            ended = [run for run in runs if (run / "result.json").is_file()]
            failed += sum(run not in ended and run.with_name(f"{run.name}.error.txt").is_file() for run in runs)
            own = [run for run in ended if is_planned(run, plan.get(f"{recipe}/{variant}/{run.name}"))]
            foreign += [f"{recipe}/{variant}/{run.name}" for run in ended if run not in own]
            results = {run: result for run in own if (result := _result(run))["accuracy"] is not None}
            untested += len(own) - len(results)
            tested += len(results)
            column += results
            if results:
                cells[variant, recipe] = _cell(results, of)
        check_same_data(column)
    missing = len(planned) - tested - untested - failed - len(foreign)
    others = sum(
        run not in planned for run in directory.glob("*/*/seed-*") if _SEED.fullmatch(run.name) and run.is_dir()
    )
    table = SweepTable(recipes, variants, cells, missing, untested, failed, foreign, others, of)
    if not cells:
        raise InputError(
            f"no run in {directory} that its sweep.yaml names has ended with test rows ({'; '.join(table.absent)}); "
            "`clc-text sweep` goes on with it",
            where=directory,
            key="test rows",
        )
    return table


_SEED = re.compile(r"seed-\d+")  # a copy that somebody put aside, seed-0.bak, is no run of the sweep


def _result(run: Path) -> Result:
    """result.json, with what is read of it here.

    Raises:
        InputError: it is damaged.
    """
    try:
        result = RunDirectory(run).result()
        _ = result["method"], result["dataset"], result["noise"]["name"], result["noise"]["rate"]
        if result["accuracy"] is not None:
            _ = [float(result["accuracy"][measure][who]) for measure in MEASURES for who in WHO.values()]
    except (InputError, KeyError, TypeError, ValueError, AttributeError):
        # Whatever it is, in a sweep the remedy is another than in a run of one's own.
        raise InputError(
            f"{run / 'result.json'} is not as a run writes it; remove that file, and `clc-text sweep` runs the cell "
            "again",
            where=run / "result.json",
        ) from None
    return result


def _cell(results: dict[Path, Result], of: str) -> Cell:
    """Args: results by run directory, none of them without test rows."""
    values: dict[int, dict[str, float]] = {}
    for run, result in results.items():
        accuracy = result["accuracy"]
        assert accuracy is not None
        values[int(run.name.removeprefix("seed-"))] = {measure: accuracy[measure][WHO[of]] for measure in MEASURES}
    run, result = next(iter(results.items()))
    recipe = recipe_of(run)
    noise = result["noise"]
    paper = None
    if _as_in_the_paper(recipe, result["dataset"]):
        paper = paper_accuracy(result["dataset"], noise["name"], noise["rate"], result["method"])
    runs = {int(run.name.removeprefix("seed-")): run for run in results}
    return Cell(values, result["method"], told_the_noise(recipe), paper, runs)


def _as_in_the_paper(recipe: dict[str, Any], title: str) -> bool:
    """Whether rows and classes are those of the paper: it has no pre-trained encoder, and TREC's six classes.

    Args:
        title: of the data, as the result calls it; a user's own files may be called as a dataset of the paper.
    """
    encoder, data = recipe.get("encoder") or {}, recipe.get("data") or {}
    own = encoder.get("name", "word_vectors") not in ("word_vectors", "pixels") or data.get("labels") == "fine"
    return data.get("name") == title and not own

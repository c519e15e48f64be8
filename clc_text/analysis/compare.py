"""The table of `clc-text compare`: groups of runs with mean and deviation over seeds, and whether they differ."""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from clc_text.analysis.groups import Group, group
from clc_text.analysis.significance import Test, compare, holm
from clc_text.analysis.test_rows import RowInterval, hits, row_interval
from clc_text.analysis.unfinished import begun, epochs_planned, not_ended
from clc_text.artifacts.how_it_learnt import told_the_noise
from clc_text.artifacts.results import summarise
from clc_text.artifacts.run_directory import RunDirectory
from clc_text.artifacts.run_files import Measure, Predictor, Seeds
from clc_text.errors import InputError, nearest, some_of

TITLES = {
    "last10": "mean of the last 10 epochs",
    "last": "last epoch",
    "best_oracle": "best epoch (oracle: chosen by the test labels, no honest result)",
}
MEASURES: tuple[Measure, ...] = ("last10", "last", "best_oracle")
WHO: dict[str, Predictor] = {"peers": "peers_mean", "ensemble": "ensemble"}


@dataclass(frozen=True)
class Line:
    """One group of runs.

    Attributes:
        title: the group's.
        seeds: of each run, ``{"data", "noise", "network"}``, in the order of `values`.
        values: measure -> test accuracy in percent of each run.
        told: whether the method was told the noise rate or matrix, which nobody knows of real data.
        test: of the last-10 mean against the best group's; None for the best itself.
        p: its p value after Holm's correction over all pairs of groups, since which of them is best is read off the
            same figures.
        over_rows: of the accuracy at the end against the best group's, with its interval over test rows; None where
            that cannot be told.
    """

    title: str
    seeds: list[Seeds]
    values: dict[str, list[float]]
    told: bool = False
    test: Test | None = None
    p: float | None = None
    over_rows: RowInterval | None = None

    @property
    def n(self) -> int:
        return len(self.seeds)

    def mean(self, measure: str) -> float:
        return statistics.fmean(self.values[measure])

    def deviation(self, measure: str) -> float | None:
        """Sample standard deviation over the runs; None with one run."""
        return statistics.stdev(self.values[measure]) if self.n > 1 else None


@dataclass(frozen=True)
class Comparison:
    """All groups, best first by the mean of the last ten epochs (never by the oracle).

    Attributes:
        of: "peers" or "ensemble", whose accuracy it is.
        remarks: sentences on runs that were left out.
        warnings: sentences on why runs cannot be compared fairly.
    """

    lines: list[Line]
    of: str
    remarks: list[str]
    warnings: list[str]


def compare_runs(runs: Sequence[RunDirectory], of: str = "peers") -> Comparison:
    """Groups the runs and compares every group with the best one.

    The test is paired where both groups have the same seeds, otherwise Welch's.

    Args:
        of: "peers" for the mean of the peers (the paper's figure), "ensemble" for their mean probability.

    Raises:
        InputError: a run has no test rows, or no epoch has ended in any run.
    """
    if of not in WHO:
        raise InputError(f"there is no accuracy of '{of}'{nearest(of, WHO)}", key=of)
    kept, remarks = begun(runs)
    groups = sorted(((_line(one, of), one) for one in group(kept)), key=lambda both: -both[0].mean("last10"))
    lines = [line for line, _ in groups]
    best = lines[0]
    pairs = list(itertools.combinations(lines, 2))  # those of the best come first
    tests = [_test(first, second) for first, second in pairs]
    corrected = holm([test.p for test in tests])
    over_rows = _over_rows([one for _, one in groups], of)
    rest = [
        replace(line, test=test, p=p, over_rows=rows)
        for line, test, p, rows in zip(lines[1:], tests, corrected, over_rows, strict=False)
    ]
    return Comparison([best, *rest], of, remarks, incomparable(kept))


def _line(group_: Group, of: str) -> Line:
    # By seeds, so that paired tests meet run for run.
    runs = sorted(group_.runs, key=lambda run: _seeds(run.environment()["seeds"]))
    values: dict[str, list[float]] = {measure: [] for measure in MEASURES}
    for run in runs:
        summary = summarise(run.metrics())
        if summary is None:
            raise InputError(
                f"{run.path} has no test rows, so there is no test accuracy to compare",
                where=run.path,
                key="test rows",
            )
        for measure in MEASURES:
            values[measure].append(summary[measure][WHO[of]])
    told = told_the_noise(group_.runs[0].recipe())
    return Line(group_.title, [run.environment()["seeds"] for run in runs], values, told)


def _over_rows(groups: list[Group], of: str) -> list[RowInterval | None]:
    """Of all groups but the first against the first."""
    best, *others = (hits(one.runs, of) for one in groups)
    return [
        None
        if best is None or other is None or not np.array_equal(best[1], other[1])
        else row_interval(other[0], best[0])
        for other in others
    ]


def _test(best: Line, other: Line) -> Test:
    mine, theirs = ([_seeds(seeds) for seeds in line.seeds] for line in (best, other))
    paired = mine == theirs and len(set(mine)) == len(mine)
    return compare(best.values["last10"], other.values["last10"], paired)


def _seeds(seeds: Seeds) -> tuple[int, ...]:
    return seeds["data"], seeds["noise"], seeds["network"]


def incomparable(runs: Sequence[RunDirectory]) -> list[str]:
    """Sentences on what differs between the runs beside method and seeds, and on runs that have not ended."""
    sentences = []
    for title, reading in (
        ("data", _data), ("noise", _noise), ("epochs", _epochs), ("test rows", _test_rows), ("encoder", _encoder),
    ):  # fmt: skip
        kinds: dict[str, list[str]] = {}
        for run in runs:
            kinds.setdefault(reading(run), []).append(str(run.path))
        if len(kinds) > 1:
            told = "; ".join(f"{kind}: {some_of(names)}" for kind, names in kinds.items())
            sentences.append(f"the runs differ in their {title} ({told})")
    sentences += [sentence for run in runs if (sentence := not_ended(run))]
    for one in group(runs):
        taken = [_seeds(seeds) for seeds in one.seeds]
        if len(set(taken)) < len(taken):
            sentences.append(f"{one.title} has runs of the same seeds on other data, which are no repetitions")
    return sentences


def _data(run: RunDirectory) -> str:
    environment = run.environment()
    hashes = [str(source.get("sha256"))[:8] for source in environment["sources"]]
    drawn = f", data seed {environment['seeds']['data']}" if not hashes else ""
    return f"{environment['dataset']}, {environment['rows']['train']:,} rows{drawn}" + (
        f", sha256 {'+'.join(hashes)}" if hashes else ""
    )


def _noise(run: RunDirectory) -> str:
    manifest = run.noise_manifest()
    rate = "" if manifest["rate"] is None else f" {manifest['rate']:g}"
    canaries = run.recipe().get("canaries") or 0
    return f"{manifest['name']}{rate}" + (f" with {canaries:.0%} canaries" if canaries else "")


def _epochs(run: RunDirectory) -> str:
    return f"{epochs_planned(run)} epochs"


def _test_rows(run: RunDirectory) -> str:
    return f"{run.environment()['rows']['test']:,} test rows"


def _encoder(run: RunDirectory) -> str:
    encoder: dict[str, Any] = run.recipe().get("encoder") or {}
    return " ".join(str(encoder[key]) for key in ("name", "vectors", "model") if encoder.get(key))

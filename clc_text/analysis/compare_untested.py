"""A comparison of runs without test rows: by held-out given labels, by canaries, and by what the runs would change."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from clc_text.analysis.compare import incomparable
from clc_text.analysis.groups import group
from clc_text.analysis.unfinished import begun
from clc_text.artifacts.cross_fit import CrossFit
from clc_text.artifacts.run_directory import RunDirectory
from clc_text.artifacts.run_files import Seeds
from clc_text.noise.canaries import count_canaries

MEASURES = ("log_likelihood", "rate", "changed", "found", "repaired")


@dataclass(frozen=True)
class Line:
    """One group of runs; `values` holds a measure's figure of each run that has it."""

    title: str
    seeds: list[Seeds]
    values: dict[str, list[float]]

    @property
    def n(self) -> int:
        return len(self.seeds)

    def mean(self, measure: str) -> float | None:
        return statistics.fmean(self.values[measure]) if self.values[measure] else None


@dataclass(frozen=True)
class Untested:
    """All groups, the likeliest first; see `Comparison` for the sentences."""

    lines: list[Line]
    remarks: list[str]
    warnings: list[str]


def without_test_rows(runs: Sequence[RunDirectory]) -> list[RunDirectory]:
    """Those of which no accuracy can be told."""
    return [run for run in runs if run.environment()["rows"]["test"] == 0]


def compare_untested(runs: Sequence[RunDirectory]) -> Untested:
    """Groups the runs.

    Raises:
        InputError: no epoch has ended in any run.
    """
    kept, remarks = begun(runs)
    lines = [_line(one.title, one.runs) for one in group(kept)]
    lines.sort(key=lambda line: (line.mean("log_likelihood") is None, -(line.mean("log_likelihood") or 0.0)))
    return Untested(lines, remarks, incomparable(kept))


def _line(title: str, runs: Sequence[RunDirectory]) -> Line:
    values: dict[str, list[float]] = {measure: [] for measure in MEASURES}
    for run in runs:
        for measure, value in figures(run).items():
            values[measure].append(value)
    return Line(title, [run.environment()["seeds"] for run in runs], values)


def figures(run: RunDirectory) -> dict[str, float]:
    """What can be said of a run without test rows: a part of `MEASURES`; shares are 0 … 1."""
    values: dict[str, float] = {}
    labels = run.labels()
    fitted = CrossFit.load(run.path)
    if fitted is not None:
        values["log_likelihood"] = float(fitted.facts["log_likelihood"])
        if not fitted.learnt_nothing:
            values["rate"] = fitted.noise_of_given(labels)[0]
    if run.file("predictions.safetensors").is_file():
        judged = run.first_classes()
        fair = ~labels.canary
        values["changed"] = float((judged != labels.trained)[fair].mean())
        counted = count_canaries(labels.given, labels.trained, labels.canary, judged)
        if counted.planted:
            values["found"] = counted.found / counted.planted
        if counted.found:
            values["repaired"] = counted.repaired / counted.found
    return values

"""Figures over the epochs: of one run, and as mean and deviation over the runs of a group."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from clc_text.analysis.groups import Group
from clc_text.artifacts.run_directory import RunDirectory
from clc_text.artifacts.run_files import Epoch

Reading = Callable[[Epoch], float]


@dataclass(frozen=True)
class Curve:
    """One line of a picture.

    Attributes:
        epochs: int [E], those that every run has reached.
        mean: float [E], over the runs; NaN where a run has no value.
        deviation: float [E], sample standard deviation over the runs; None with one run.
        n: number of runs.
    """

    epochs: np.ndarray
    mean: np.ndarray
    deviation: np.ndarray | None
    n: int


def mean_of_peers(values: Sequence[float | None] | None) -> float:
    """The mean over the peers that have a value; NaN where none has."""
    known = [value for value in values or [] if value is not None]
    return sum(known) / len(known) if known else math.nan


def curve(runs: Group | Sequence[RunDirectory], reading: Reading) -> Curve:
    """What `reading` takes from each entry of metrics.jsonl, over the epochs that all the runs have reached."""
    members = runs.runs if isinstance(runs, Group) else runs
    columns = [{entry["epoch"]: reading(entry) for entry in run.metrics()} for run in members]
    epochs = sorted(set.intersection(*(set(column) for column in columns)))
    values = np.array([[column[epoch] for epoch in epochs] for column in columns], dtype=float)
    deviation = values.std(0, ddof=1) if len(values) > 1 else None
    return Curve(np.array(epochs, dtype=int), values.mean(0), deviation, len(values))


def method_begins(run: RunDirectory) -> int | None:
    """The first epoch in which the method was at work; None while the warm-up lasts."""
    return next((entry["epoch"] for entry in run.metrics() if entry["phase"] == "method"), None)


def warm_up_ends(runs: Sequence[RunDirectory]) -> int | None:
    """The last epoch of the warm-up, where all the runs that have one agree on it; otherwise None."""
    ends = {begin - 1 for run in runs if (begin := method_begins(run)) is not None and begin > 1}
    return ends.pop() if len(ends) == 1 else None

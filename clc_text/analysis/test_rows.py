"""How far a difference between runs could be chance of which test rows there are: p values over seeds do not say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from clc_text.artifacts.run_directory import RunDirectory
from clc_text.errors import InputError

DRAWS = 2000
_CHUNK = 2_000_000  # numbers drawn at once


@dataclass(frozen=True)
class RowInterval:
    """A difference of accuracy at the end of training, in points, with its 95 % interval over test rows.

    Attributes:
        rows: of the test.
    """

    difference: float
    low: float
    high: float
    rows: int


def hits(runs: Sequence[RunDirectory], of: str) -> tuple[np.ndarray, np.ndarray] | None:
    """How often each test row is predicted right at the end, float64 [M] from 0 to 1, and its class, int64 [M].

    The mean over the runs and, with `of` "peers", over their peers. None where a run has not ended, does not know its
    test rows' labels any more, or where the runs have not the same test rows.
    """
    shares: list[np.ndarray] = []
    classes: np.ndarray | None = None
    for run in runs:
        try:
            log_probs = run.log_probs("test")
            labels = run.test_labels()
        except InputError:
            return None
        if classes is not None and not np.array_equal(classes, labels):
            return None
        classes = labels
        if of == "peers":
            shares.append((log_probs.argmax(-1) == labels).mean(0))
        else:
            mean = np.logaddexp.reduce(log_probs.astype(np.float64), axis=0)
            shares.append((mean.argmax(-1) == labels).astype(float))
    return None if classes is None else (np.mean(shares, axis=0), classes)


def row_interval(one: np.ndarray, other: np.ndarray, seed: int = 0) -> RowInterval:
    """The paired bootstrap over rows of the mean of ``one - other``, both [M] from 0 to 1, in points.

    Source: Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, percentile interval; paired by row as in
    Berg-Kirkpatrick et al., EMNLP 2012.
    """
    differences = 100 * (np.asarray(one, dtype=np.float64) - np.asarray(other, dtype=np.float64))
    rows = len(differences)
    generator = np.random.default_rng(seed)
    at_once = max(1, _CHUNK // rows)
    means = [
        differences[generator.integers(0, rows, (min(at_once, DRAWS - start), rows))].mean(1)
        for start in range(0, DRAWS, at_once)
    ]
    low, high = np.quantile(np.concatenate(means), [0.025, 0.975])
    return RowInterval(float(differences.mean()), float(low), float(high), rows)

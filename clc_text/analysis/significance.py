"""Whether the difference between two groups of runs could be chance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np


@dataclass(frozen=True)
class Test:
    """One t-test of the hypothesis that both groups have the same mean.

    Attributes:
        kind: "paired" where both groups have the same seeds, otherwise "Welch" (unequal variances).
        p: two-sided; None where the groups are too small, or do not vary at all.
    """

    kind: Literal["paired", "Welch"]
    p: float | None


def compare(values: Sequence[float], others: Sequence[float], paired: bool) -> Test:
    """A t-test between two groups; `paired` takes them in the same order of seeds."""
    from scipy import stats

    one, two = np.asarray(values, dtype=float), np.asarray(others, dtype=float)
    kind: Literal["paired", "Welch"] = "paired" if paired else "Welch"
    if min(len(one), len(two)) < 2:
        return Test(kind, None)
    # Without any variation there is no t statistic.
    still = np.ptp(one - two) < 1e-12 if paired else max(np.ptp(one), np.ptp(two)) < 1e-12
    if still:
        return Test(kind, None)
    test = stats.ttest_rel(one, two) if paired else stats.ttest_ind(one, two, equal_var=False)
    return Test(kind, float(test.pvalue))


def holm(values: Sequence[float | None]) -> list[float | None]:
    """The p values made larger for their number (Holm, 1979), so that one of many is not significant by chance."""
    known = sorted((value, index) for index, value in enumerate(values) if value is not None)
    adjusted: list[float | None] = [None] * len(values)
    largest = 0.0
    for rank, (value, index) in enumerate(known):
        largest = max(largest, min(1.0, value * (len(known) - rank)))
        adjusted[index] = largest
    return adjusted

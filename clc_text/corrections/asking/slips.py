"""How far people's slips may have moved the share of right labels that their answers tell.

A slip on a right label counts it as wrong, and one that repeats a wrong label counts it as right. Where at most a
share e of the answers to right labels, and of those to wrong ones, are slips, a share s by answers comes of a true one
between (s - e) / (1 - e) and s / (1 - e): Rogan and Gladen, American Journal of Epidemiology 1978, of a test of which
the least sensitivity and specificity are known.

How many slip is seen where rows drawn at random were answered more than once, as far as people slip one apart from the
other: errors that all of them share are none that they differ in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from clc_text.artifacts.audit import InferredShare, ShareByAnswers, Slips
from clc_text.corrections.asking.asked import Asked
from clc_text.corrections.intervals import wilson
from clc_text.data.trusted import ERR

ENOUGH = 30  # rows answered more than once, from which on they say how many slip


def slips(
    before: ShareByAnswers, after: ShareByAnswers | None, again: Mapping[int, Sequence[int]], classes: int
) -> Slips:
    """The entry ``answers.slips`` of audit.json.

    Args:
        before, after: the shares of right labels by answers, as given and as corrected.
        again: of rows answered more than once, how often each class was chosen.
    """
    rate = slip_rate(again, classes)
    most = ERR if rate is None else rate["high"]
    return {
        "most": most,
        "rate": rate,
        "rows": len(again),
        "differ": sum(len(counts) > 1 for counts in again.values()),
        "right_before": reach(before, most),
        "right_after": None if after is None else reach(after, most),
    }


def reach(share: ShareByAnswers, most: float) -> list[float]:
    """[low, high] of the true share where so many of the answers, at most, are slips."""
    if most >= 1:
        return [0.0, 1.0]
    return [max(0.0, (share["low"] - most) / (1 - most)), min(1.0, share["high"] / (1 - most))]


def in_words(allowed: Slips) -> str:
    """Such as ``each answer counts as right; where up to 5% are slips, 80.0 to 98.9 % of the labels were right as
    given``."""
    told = f"each answer counts as right; where up to {allowed['most']:.0%} are slips,"
    if allowed["rate"] is not None:
        told = (
            f"people differ on {allowed['differ']:,} of {allowed['rows']:,} rows that were answered more than once, "
            f"so that up to {allowed['most']:.1%} of the answers, each counted as right, may be slips; then"
        )
    after = allowed["right_after"]
    now = "" if after is None else f", {range_in_words(after)} as corrected"
    return f"{told} {range_in_words(allowed['right_before'])} of the labels were right as given{now}"


def range_in_words(ends: Sequence[float]) -> str:
    """Such as ``80.0 to 98.9 %``."""
    return f"{100 * ends[0]:.1f} to {100 * ends[1]:.1f} %"


def slip_rate(again: Mapping[int, Sequence[int]], classes: int) -> InferredShare | None:
    """The share of answers that are slips, and its 95 % interval, by the pairs of answers to one row that differ, of
    each row alike: of two answers that slip with probability e each, to any other class, d = 2e - e² C / (C - 1). None
    where too few rows were answered more than once."""
    if len(again) < ENOUGH:
        return None
    differ = float(np.mean([_differ(counts) for counts in again.values()]))
    ends = (differ, *wilson(differ * len(again), len(again)))
    evenly = classes / max(classes - 1, 1)
    value, low, high = ((1 - max(0.0, 1 - one * evenly) ** 0.5) / evenly for one in ends)
    return {"value": value, "low": low, "high": high}


def answered_again(asked: Mapping[int, Asked]) -> dict[int, tuple[int, ...]]:
    """Of rows drawn at random that were answered more than once, how often each class was chosen."""
    return {row: one.again for row, one in asked.items() if one.random and one.again}


def _differ(counts: Sequence[int]) -> float:
    """The share of all pairs of answers to a row that name two classes."""
    total = sum(counts)
    return 1 - sum(count * (count - 1) for count in counts) / (total * (total - 1))

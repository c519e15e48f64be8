"""What the labels that were flipped on purpose say of a policy: which share of wrong labels it finds, and so on.

A canary's label was right before it was flipped, and is wrong now; or it was wrong, and then the flip, to any of the
other C - 1 classes alike, has put it right in one of C - 1 cases. With ρ the rate of wrong given labels, a share
w = 1 - ρ / (C - 1) of the canaries therefore is wrong. Of these the policy changes a share r, its recall; of right
labels a share x, its false corrections. Both follow from what is seen,

    found   = w r + (1 - w) x      of the canaries
    changed = ρ r + (1 - ρ) x      of all other rows

as long as wrong labels are found as canaries are. Canaries are errors at random: of errors that follow a rule, which a
network may learn like a class, they say nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from clc_text.artifacts.audit import InferredShare
from clc_text.corrections.intervals import wilson

APART = 0.1  # least w - ρ: nearer, canaries are hardly more often wrong than other rows


@dataclass(frozen=True)
class CanaryCounts:
    """What was seen.

    Attributes:
        planted: canaries.
        found: of them, those that the policy would change.
        repaired: of these, those changed to the very label before the flip.
        changed: share of all other rows that the policy changes.
        rates: ρ, and the two ends of its interval; None where it has none: taken as exact it would make every interval
            here too narrow, so that nothing follows.
        classes: C.
        doubted: canaries whose flipped label is more probably wrong than right, changed or not; None where unknown.
    """

    planted: int
    found: int
    repaired: int
    changed: float
    rates: tuple[float, float, float] | None
    classes: int
    doubted: int | None = None


def recall(counts: CanaryCounts) -> InferredShare | None:
    """r: of wrong labels, changed."""
    return _inferred(counts, counts.found, lambda rate, share: _truly(counts, rate, share))


def false_corrections(counts: CanaryCounts) -> InferredShare | None:
    """x: of sound labels, changed."""

    return _inferred(counts, counts.found, lambda rate, share: _falsely(counts, rate, share))


def _wrong(counts: CanaryCounts, rate: float) -> float:
    """w: of the canaries, wrong now."""
    return 1 - rate / (counts.classes - 1)


def _truly(counts: CanaryCounts, rate: float, found: float) -> float:
    wrong = _wrong(counts, rate)
    return ((1 - rate) * found - (1 - wrong) * counts.changed) / (wrong - rate)


def _falsely(counts: CanaryCounts, rate: float, found: float) -> float:
    wrong = _wrong(counts, rate)
    return (wrong * counts.changed - rate * found) / (wrong - rate)


def precision(counts: CanaryCounts) -> InferredShare | None:
    """Of changed labels: right.

    Of the ρ of all labels that are wrong, a share R is put right. A canary whose label was right before, as 1 - ρ of
    them were, is repaired as often. One whose label was wrong can be "repaired" to that, too: where the flip put it
    right (ρ x / (C - 1)², with false corrections spread evenly), and where it is wrong still in another way, as
    ρ (C - 2) / (C - 1) are, changed but not put right with r - R, to one of C - 2 classes. So of all canaries are
    repaired

        s = (1 - ρ) R + ρ x / (C - 1)² + ρ (r - R) / (C - 1)

    Where labels are wrong pairwise, and right ones broken so, it is too high by .005 to .008: means of 32 simulated
    draws of 3, 6 and 10 classes, .3, .4 and .5 of the labels wrong, against -.001 to .001 where they are wrong evenly.

    None where more labels would have been put right than were changed at all, the whole interval above 1: then wrong
    labels are not found as canaries are.
    """
    if counts.changed == 0:
        return None
    others = counts.classes - 1

    def right(rate: float, share: float) -> float:
        found = counts.found / counts.planted
        falsely = min(1.0, max(0.0, _falsely(counts, rate, found)))
        changed = min(1.0, max(0.0, _truly(counts, rate, found)))
        still_wrong = 1 - rate - rate / others
        if others == 1:  # a label that is changed is put right: no canary is wrong in another way
            still_wrong, changed = 1 - rate, 0.0
        put_right = (share - rate * falsely / others**2 - rate * changed / others) / still_wrong
        return rate * put_right / counts.changed

    return _inferred(counts, counts.repaired, right)


def _inferred(counts: CanaryCounts, count: int, of: Callable[[float, float], float]) -> InferredShare | None:
    """A share that is inferred from ρ and from `count` of the canaries, at the corners of both intervals."""
    if counts.rates is None or not _tells(counts, max(counts.rates)):
        return None
    rate, *ends = counts.rates
    around = wilson(count, counts.planted)
    bounds = [of(end, share) for end in ends for share in around]
    if min(bounds) > 1 or max(bounds) < 0:
        return None
    value = of(rate, count / counts.planted)
    value, low, high = (min(1.0, max(0.0, number)) for number in (value, min(bounds), max(bounds)))
    return {"value": value, "low": low, "high": high}


def _tells(counts: CanaryCounts, highest: float) -> bool:
    """Whether canaries are wrong so much more often than other rows that anything follows from them, at the highest
    ρ."""
    return counts.planted > 0 and _wrong(counts, highest) - highest >= APART

"""Which class of CIFAR-100 is mistaken for which: two conventions that the literature calls by one name."""

from __future__ import annotations

from collections.abc import Sequence

from clc_text.data.cifar100 import CLASSES, SUPERCLASSES


def circle(groups: Sequence[Sequence[str]]) -> dict[str, str]:
    """Every class to the next one of its group, the last to the first."""
    return {name: group[(at + 1) % len(group)] for group in groups for at, name in enumerate(group)}


def superclass_circle() -> dict[str, str]:
    """The next class in the circle of its superclass, as Patrini et al. 2017 describe it."""
    return circle(list(SUPERCLASSES.values()))


def block_circle() -> dict[str, str]:
    """The next class in its block of five consecutive numbers, which are not the superclasses: what codes often do."""
    return circle([CLASSES[start : start + 5] for start in range(0, len(CLASSES), 5)])

"""What becomes of labels whose truth is known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Outcome:
    """Counts of rows.

    Attributes:
        rows: those whose true label is known.
        changed: labels that differ from the given ones.
        fixed: wrong ones made right.
        broken: right ones made wrong.
        missed: wrong ones left.
        altered: wrong ones changed to another wrong one.
    """

    rows: int
    right_before: int
    right_after: int
    changed: int
    fixed: int
    broken: int
    missed: int
    altered: int


def outcome(label: np.ndarray, given: np.ndarray, true: np.ndarray) -> Outcome:
    """Args: classes [N]; a true one below 0 is not known, and its row does not count."""
    known = true >= 0
    label, given, true = label[known], given[known], true[known]
    was_right, is_right, changed = given == true, label == true, label != given
    return Outcome(
        rows=len(true),
        right_before=int(was_right.sum()),
        right_after=int(is_right.sum()),
        changed=int(changed.sum()),
        fixed=int((is_right & ~was_right).sum()),
        broken=int((was_right & changed).sum()),
        missed=int((~was_right & ~changed).sum()),
        altered=int((~was_right & changed & ~is_right).sum()),
    )

"""Symmetric noise, exclusive: a flipped label is always wrong."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from clc_text.noise.base import RatedNoise, noise


@noise("symmetric")
@dataclass(frozen=True, kw_only=True)
class Symmetric(RatedNoise):
    """1 - r on the diagonal, r/(C-1) elsewhere (Co-teaching, Han et al. 2018; the CLC paper).

    Not to be mixed up with `symmetric_inclusive`, whose flipped label may be the true one again.
    """

    def matrix(self, label_names: list[str]) -> np.ndarray:
        self.require_another_class(label_names)
        classes = len(label_names)
        transition = np.full((classes, classes), self.rate / max(classes - 1, 1))
        np.fill_diagonal(transition, 1 - self.rate)
        return transition

    def convention(self, label_names: list[str]) -> str:
        return (
            f"Symmetric, exclusive: a label is wrong with probability {self.rate}, each of the other classes alike; "
            "the true class is never drawn."
        )

"""Symmetric noise, inclusive: a redrawn label may be the true one again."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from clc_text.noise.base import RatedNoise, noise


@noise("symmetric_inclusive")
@dataclass(frozen=True, kw_only=True)
class SymmetricInclusive(RatedNoise):
    """1 - r + r/C on the diagonal, r/C elsewhere (DivideMix, Li et al. 2020; ELR, Liu et al. 2020).

    A share r of the rows is redrawn from all classes, so that only r(1 - 1/C) of the labels is wrong. With
    `draw: exact`, exactly int(r * rows) rows are redrawn.
    """

    def matrix(self, label_names: list[str]) -> np.ndarray:
        rates, targets = self.redraws(label_names)
        return np.diag(1 - rates) + rates[:, None] * targets

    def redraws(self, label_names: list[str]) -> tuple[np.ndarray, np.ndarray]:
        self.require_another_class(label_names)
        classes = len(label_names)
        return np.full(classes, float(self.rate)), np.full((classes, classes), 1 / classes)

    def convention(self, label_names: list[str]) -> str:
        real = self.rate * (1 - 1 / len(label_names))
        return (
            f"Symmetric, inclusive: a label is redrawn with probability {self.rate} from all {len(label_names)} "
            f"classes, the true one among them, so that the real noise rate is {real:.6g}."
        )

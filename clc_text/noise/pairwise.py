"""Pairwise noise: each class is mistaken for the next one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from clc_text.noise.base import RatedNoise, noise


@noise("pairwise")
@dataclass(frozen=True, kw_only=True)
class Pairwise(RatedNoise):
    """1 - r on the diagonal, r on class (i + 1) mod C (pair flipping, Han et al. 2018)."""

    def matrix(self, label_names: list[str]) -> np.ndarray:
        self.require_another_class(label_names)
        identity = np.eye(len(label_names))
        return (1 - self.rate) * identity + self.rate * np.roll(identity, 1, axis=1)

    def convention(self, label_names: list[str]) -> str:
        return (
            f"Pairwise: a label is wrong with probability {self.rate}, and then it is the next class in the order of "
            "the label names (the last one's next is the first)."
        )

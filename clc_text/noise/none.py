"""No noise: the labels stay as they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from clc_text.noise.base import Noise, noise


@noise("none")
@dataclass(frozen=True)
class NoNoise(Noise):
    """No label is changed: for data whose labels are already noisy, and for the clean reference."""

    multi_label: ClassVar[bool] = True

    def matrix(self, label_names: list[str]) -> np.ndarray:
        return np.eye(len(label_names))

    def convention(self, label_names: list[str]) -> str:
        return "No label is changed."

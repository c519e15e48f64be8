"""What a noise is: it gives every row a transition row P(given label | true label), and labels are drawn from it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from clc_text.components import Registry, option


@dataclass(frozen=True)
class NoiseInput:
    """What a noise may look at.

    Attributes:
        labels: int64 [N] true classes.
        label_names: C names.
        features: float32 [N, D] encoded rows, for instance-dependent noise; None unless the noise asks for them.
        columns: the training rows' columns by name, for noise that a column holds.
    """

    labels: np.ndarray
    label_names: list[str]
    features: np.ndarray | None = None
    columns: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Noise(ABC):
    """Base of all noises; the fields of a subclass are what a recipe's `noise:` section may set."""

    name: ClassVar[str]
    needs_features: ClassVar[bool] = False

    draw: Literal["independent", "exact"] = option(
        "independent", "flip each row on its own, or exactly int(rate * rows) rows"
    )

    @abstractmethod
    def matrix(self, label_names: list[str]) -> np.ndarray | None:
        """float64 [C, C], row = true class, column = given class; None where it depends on the row."""


noise: Registry[Noise] = Registry("noise", "clc_text.noise")

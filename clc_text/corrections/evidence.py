"""What the networks and the noise matrix say of every row: a few numbers a row."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Evidence:
    """Arrays of n rows.

    Attributes:
        suggested: int32, the class of the greatest belief beside the given one.
        confidence: float32, the belief in it.
        probability_given: float32, the belief in the given class.
        entropy: float32, of the prediction, in nats.
        peers_agree: bool, whether every peer's first class is the same.
    """

    suggested: np.ndarray
    confidence: np.ndarray
    probability_given: np.ndarray
    entropy: np.ndarray
    peers_agree: np.ndarray

    @classmethod
    def empty(cls, count: int) -> Evidence:
        """Of so many rows, all zeros."""
        return cls(
            np.zeros(count, np.int32),
            np.zeros(count, np.float32),
            np.zeros(count, np.float32),
            np.zeros(count, np.float32),
            np.zeros(count, bool),
        )

    def put(self, part: slice, found: Evidence) -> None:
        """Writes the evidence of some rows into that of all."""
        for name, values in vars(found).items():
            getattr(self, name)[part] = values

"""What the networks and the noise matrix say of every row: a few numbers a row."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from clc_text.evidence.mixture import Judged


@dataclass(frozen=True)
class Evidence:
    """Arrays of n rows.

    Attributes:
        suggested: int32, the class of the greatest belief beside the given one.
        confidence: float32, the belief in it.
        probability_given: float32, the belief in the given class.
        entropy: float32, of the prediction, in nats.
        peers_agree: bool, whether every peer's first class is the same, or of views the suggested one, where of three
            or more one may differ; of a policy of `room`, whether there is.
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

    @classmethod
    def of_views(cls, judged: Judged, probs: np.ndarray) -> Evidence:
        """What a mixture of views says; its doubt takes the place of the belief in the given class.

        Args:
            probs: [n, C], the prediction whose entropy is told.
        """
        each = np.arange(len(judged.wrong))
        return cls(
            suggested=judged.suggested.astype(np.int32),
            confidence=judged.belief[each, judged.suggested].astype(np.float32),
            probability_given=(1 - judged.wrong).astype(np.float32),
            entropy=entropy_of(probs),
            peers_agree=judged.agree,
        )

    def put(self, part: slice | np.ndarray, evidence: Evidence) -> None:
        """Writes the evidence of some rows into that of all."""
        for name, values in vars(evidence).items():
            getattr(self, name)[part] = values


def entropy_of(probs: np.ndarray) -> np.ndarray:
    """float32 [n], of probabilities [n, C], in nats."""
    entropy: np.ndarray = -(probs * np.log(probs.clip(1e-300))).sum(1)
    return entropy.astype(np.float32)

"""Noise of multi-label sets: each class is given or left out wrongly by a rate of its own, one matrix a class."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from clc_text.config.components import option
from clc_text.errors import InputError, nearest
from clc_text.noise.base import NoiseInput, RatedNoise
from clc_text.noise.draws import select_rows, uniforms


@dataclass(frozen=True, kw_only=True)
class NoiseOfPairs(RatedNoise):
    """Base: whether a class is given is flipped, by a probability that depends on the class and on the truth."""

    multi_label: ClassVar[bool] = True
    single_label: ClassVar[bool] = False

    classes: dict[str, float] | None = option(None, "other rates than `rate`, by class (`sport: 0.1`)")

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, rate in (self.classes or {}).items():
            if not 0 <= rate < 1:
                raise InputError(
                    f"noise.classes gives '{name[:60]}' the rate {rate}; give one of at least 0 below 1",
                    key="noise.classes",
                )

    @abstractmethod
    def flips(self, rate: float) -> tuple[float, float]:
        """P(yes is given | no), P(no is given | yes) of a class of this rate."""

    def of_each(self, asked: tuple[str, ...]) -> np.ndarray:
        """float64 [K, 2], the probabilities of `flips` of each class.

        Raises:
            InputError: a class that is named is none.
        """
        for name in self.classes or {}:
            if name not in asked:
                raise InputError(
                    f"noise.classes names '{name[:60]}', which is no class{nearest(name, asked)}", key="noise.classes"
                )
        return np.array([self.flips((self.classes or {}).get(name, self.rate)) for name in asked])

    def matrix(self, label_names: list[str]) -> None:
        return None

    def matrices(self, given: NoiseInput) -> dict[str, list[list[float]]]:
        return {
            name: [[1 - no, no], [yes, 1 - yes]]
            for name, (no, yes) in zip(given.asked, self.of_each(given.asked).tolist(), strict=True)
        }

    def row_rates(self, given: NoiseInput) -> np.ndarray:
        """float64 [N · K], the probability that a pair's label is flipped."""
        labels = np.asarray(given.labels).reshape(-1, len(given.asked))
        rates: np.ndarray = self.of_each(given.asked)[np.arange(len(given.asked)), labels].reshape(-1)
        return rates

    def draw_labels(self, given: NoiseInput, seed: int) -> np.ndarray:
        rates = self.row_rates(given)
        exactly = float(rates.sum()) if self.draw == "exact" else None
        chosen = select_rows(rates, uniforms(seed, "flip", len(rates)), exactly)
        return np.where(chosen, 1 - np.asarray(given.labels, np.int64), given.labels).astype(np.int64)

    def told(self, given: NoiseInput) -> dict[str, Any]:
        return {
            "matrices": self.matrices(given),
            "expected_rate": float(self.row_rates(given).mean()),
        }

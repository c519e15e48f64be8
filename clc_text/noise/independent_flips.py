"""Independent flips: of every row and class, whether it is given is flipped by itself."""

from __future__ import annotations

from dataclasses import dataclass

from clc_text.noise.base import noise
from clc_text.noise.of_pairs import NoiseOfPairs


@noise("independent_flips")
@dataclass(frozen=True, kw_only=True)
class IndependentFlips(NoiseOfPairs):
    """Each class of each row is flipped with probability r, whether it holds or not.

    Of a class that holds of one row in ten, and a rate of 0.2, 18 of 26 given ones are wrong: rates are much smaller
    than those of noise on one class a row.
    """

    def flips(self, rate: float) -> tuple[float, float]:
        return rate, rate

    def convention(self, label_names: list[str]) -> str:
        return (
            f"Independent flips: whether a class is given is flipped with probability {self.rate} (but for those in "
            "`classes`), whether it holds or not."
        )

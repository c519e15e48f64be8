"""Missing positives: classes that hold and are not given, as where whoever labels names only some."""

from __future__ import annotations

from dataclasses import dataclass

from clc_text.noise.base import noise
from clc_text.noise.of_pairs import NoiseOfPairs


@noise("missing_positives")
@dataclass(frozen=True, kw_only=True)
class MissingPositives(NoiseOfPairs):
    """A class that holds is left out with probability r; one that does not hold is never given.

    The usual model of incomplete annotation: Cole et al., "Multi-Label Learning from Single Positive Labels", CVPR
    2021, in its independent form.
    """

    def flips(self, rate: float) -> tuple[float, float]:
        return 0.0, rate

    def convention(self, label_names: list[str]) -> str:
        return (
            f"Missing positives: a class that holds is not given with probability {self.rate} (but for those in "
            "`classes`); one that does not hold is never given."
        )

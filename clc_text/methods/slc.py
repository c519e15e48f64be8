"""SLC: CLC in which every network corrects itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from clc_text.methods.base import method
from clc_text.methods.clc import CLC


@method("slc")
@dataclass(frozen=True)
class SLC(CLC):
    """CLC's objective with p_g := p_f: the ablation that the paper calls self label correction.

    Several peers train side by side and never see each other's predictions.

    Source: Wu et al., ICDM 2019, the experiments' comparison of CLC with self label correction.
    """

    default_peers: ClassVar[int] = 1

    def teach(self, values: Tensor, dim: int) -> Tensor:
        return values

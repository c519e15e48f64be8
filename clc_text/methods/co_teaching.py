"""Co-teaching: each network learns the rows of smallest loss of its peer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from clc_text.methods.base import from_teacher, method
from clc_text.methods.small_loss import SmallLoss


@method("co_teaching")
@dataclass(frozen=True)
class CoTeaching(SmallLoss):
    """f learns the K rows of each batch whose loss its peer g finds smallest; see `SmallLoss` for K and R(t).

    The mean over the kept rows is taken once: the original code divides by their number a second time, which Adam
    hides and SGD does not. With more than two peers each learns from the one before it, in a circle; with one this is
    MentorNet.

    Source: Han et al., NeurIPS 2018, Algorithm 1.
    """

    citation: ClassVar[str] = (
        "Han et al., Co-teaching: Robust Training of Deep Neural Networks with Extremely Noisy Labels, NeurIPS 2018"
    )
    default_peers: ClassVar[int] = 2

    def kept(self, kept: Tensor) -> Tensor:
        return from_teacher(kept, -2)

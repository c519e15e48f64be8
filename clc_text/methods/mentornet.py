"""MentorNet, the self-paced variant: one network learns the rows of its own smallest loss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from clc_text.methods.base import method
from clc_text.methods.small_loss import SmallLoss


@method("mentornet")
@dataclass(frozen=True)
class MentorNet(SmallLoss):
    """A network learns the K rows of each batch whose loss it finds smallest; see `SmallLoss` for K and R(t).

    This is the predefined curriculum of self-paced learning, which is what comparisons in this field call MentorNet;
    the learnt curriculum (a second network that weighs the rows) needs clean labels and is not built here.

    Source: Jiang et al., ICML 2018; the schedule R(t) is that of Han et al., NeurIPS 2018.
    """

    citation: ClassVar[str] = (
        "Jiang et al., MentorNet: Learning Data-Driven Curriculum for Very Deep Neural Networks on Corrupted Labels, "
        "ICML 2018"
    )

"""SLC: CLC with one network that corrects itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from clc_text.methods.base import method
from clc_text.methods.clc import CLC


@method("slc")
@dataclass(frozen=True)
class SLC(CLC):
    """CLC's objective with p_g := p_f: the ablation that the paper calls self label correction."""

    default_peers: ClassVar[int] = 1

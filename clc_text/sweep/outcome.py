"""How a cell of a sweep ended."""

from __future__ import annotations

from typing import Literal, NamedTuple


class Outcome(NamedTuple):
    """How a cell ended; `sentence` says why where it is not done."""

    kind: Literal["done", "failed", "elsewhere"]
    sentence: str = ""

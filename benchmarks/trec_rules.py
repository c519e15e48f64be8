"""TREC as 68 rules labelled it, as it lies in CLC_TEXT_DATA."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np


@dataclass(frozen=True)
class TrecRules:
    """A part of the questions.

    Attributes:
        texts: of N questions.
        names: of the classes.
        true: int64 [N].
        weak: int64 [N], the majority of the rules; -1 where none fires.
        rows: as they are in the file, with `rules_fired`.
    """

    texts: list[str]
    names: list[str]
    true: np.ndarray
    weak: np.ndarray
    rows: list[dict[str, Any]]

    @property
    def spoken(self) -> np.ndarray:
        """int64, the questions that have a weak label."""
        return np.flatnonzero(self.weak >= 0)


def trec_rules(part: str = "train_5500") -> TrecRules:
    """Args: part: ``train_5500`` or ``test``."""
    path = Path(os.environ["CLC_TEXT_DATA"]) / f"trec_rules/weak_{part}.jsonl"
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    names = sorted({row["gold"] for row in rows})
    weak = np.array([-1 if row["majority"] is None else names.index(row["majority"]) for row in rows])
    true = np.array([names.index(row["gold"]) for row in rows])
    return TrecRules([row["text"] for row in rows], names, true, weak, rows)

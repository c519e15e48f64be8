"""What the slow, literal readings of losses share: tables of probabilities, row by row, and labels drawn for them."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

Table = list[list[list[Any]]]  # [peer][row][class], probabilities with gradient


def ce(target: list[Any], p: list[Any]) -> Any:
    return -sum(target[c] * p[c].log() for c in range(len(p)))


def constant(p: list[Any]) -> list[float]:
    return [float(torch.as_tensor(x).detach()) for x in p]


def tempered(row: list[Any], temperature: float) -> list[Any]:
    raised = [x ** (1 / temperature) for x in row]
    return [x / sum(raised) for x in raised]


def drawn_labels(rows: int, classes: int, soft: bool, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Labels as a method gets them, int64 [rows], or float64 [rows, classes] where they are soft; and the distribution
    float64 [rows, classes] that each means."""
    labels = torch.randint(classes, (rows,), generator=generator)
    if not soft:
        return labels, torch.eye(classes, dtype=torch.float64)[labels]
    spread = torch.randn(rows, classes, generator=generator, dtype=torch.float64).softmax(-1)
    return spread, spread

"""What the rows are taught: the given labels, or distributions in their place, and how much each row counts."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from clc_text.data.best_classes import BestClasses, Table
from clc_text.methods.base import Supervision
from clc_text.training.data import class_weights, label_column


class BestTargets:
    """Distributions [N, C] of which the best classes are kept; some rows are made whole when they are asked for."""

    def __init__(self, table: BestClasses, device: torch.device) -> None:
        self.classes = torch.from_numpy(table.classes).to(device)
        self.values = torch.from_numpy(table.values).to(device)
        self.rest = torch.from_numpy(table.rest).to(device)
        self.count = table.count

    def __getitem__(self, rows: Tensor | slice | None) -> Tensor:
        """float32 [n, C]."""
        rest = self.rest[rows].unsqueeze(-1).repeat(1, self.count)
        return rest.scatter_(-1, self.classes[rows].long(), self.values[rows])


def distributions_of(targets: Table, device: torch.device) -> Tensor | BestTargets:
    """A table [N, C] as `RowTargets` takes it."""
    if isinstance(targets, BestClasses):
        return BestTargets(targets, device)
    return torch.from_numpy(targets).float().to(device)


class RowTargets:
    """What is taught of a training set.

    Args:
        rows: the training set.
        distributions: float [N, C], to learn in place of the given labels; None: those.
        weights: ``"balanced"`` by the given labels, or one number a class; see `class_weights`.

    """

    def __init__(
        self,
        rows: Any,
        weights: str | Sequence[float] | None,
        distributions: Tensor | BestTargets | None = None,
    ) -> None:
        self.distributions = distributions
        self._rows, self._wanted = rows, weights
        self._weights: Tensor | None = None

    def of(self, labels: Tensor, rows: Tensor | None) -> Tensor:
        """The labels of some rows, or the distributions in their place."""
        return labels if self.distributions is None else self.distributions[rows]

    def weights(self, like: Tensor) -> Tensor | None:
        """[C], what each class counts, of the type and device of `like` [..., C]; None: all the same."""
        if self._wanted is None:
            return None
        if self._weights is None:
            self._weights = class_weights(self._wanted, label_column(self._rows), like.shape[-1]).to(like)
        return self._weights

    def weighed(self, supervision: Supervision) -> Supervision:
        """Every row's loss times the weights of what it is taught, for methods that weigh no classes themselves."""
        weights = self.weights(supervision.targets)
        if weights is None:
            return supervision
        return dataclasses.replace(supervision, weights=supervision.weights * (supervision.targets @ weights))

"""What the rows are taught: the given labels, or distributions in their place, and how much each row counts."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from torch import Tensor

from clc_text.methods.base import Supervision
from clc_text.training.data import class_weights, label_column


class RowTargets:
    """What is taught of a training set.

    Args:
        rows: the training set.
        distributions: float [N, C], to learn in place of the given labels; None: those.
        weights: ``"balanced"`` by the given labels, or one number a class; see `class_weights`.

    """

    def __init__(self, rows: Any, weights: str | Sequence[float] | None, distributions: Tensor | None = None) -> None:
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

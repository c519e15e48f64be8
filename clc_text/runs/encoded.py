"""Rows that were read and encoded, before anything is done with their labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from clc_text.data.checks.rare_labels import RareLabel
from clc_text.data.task import Task

if TYPE_CHECKING:
    from torch import Tensor


class EncodedRows(Protocol):
    """What has rows and the encoder that was fitted to them."""

    @property
    def task(self) -> Task: ...

    @property
    def encoder(self) -> Any: ...

    @property
    def train_inputs(self) -> dict[str, Tensor]: ...


@dataclass(frozen=True)
class Encoded:
    """The part of `prepare.Prepared` that variants of a run have in common, whatever their noise and method."""

    task: Task
    encoder: Any
    train_inputs: dict[str, Tensor]
    test_inputs: dict[str, Tensor] | None
    settled: Any  # the recipe's encoder, or what it settled on
    rare: Sequence[RareLabel] = ()  # `rare_labels` of the task

"""What an encoder is, of texts or of images: it turns rows into the tensors that a network reads."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from torch import Tensor

from clc_text.config.components import Options


class FittedEncoder(ABC):
    """An encoder that has seen the training rows and can encode any row.

    Attributes:
        facts: what the user should know (coverage, empty texts), as name -> number or sentence; goes into the
            run's environment and report.
        distances: whether those between `frozen` vectors were learnt from far more than the training rows, so that
            what is strange among these lies far from them.
        encodes_frozen: whether `encode` gives what `frozen` gives.
    """

    facts: dict[str, Any]
    distances: ClassVar[bool] = False
    encodes_frozen: ClassVar[bool] = False

    @abstractmethod
    def encode(self, rows: Sequence[Any]) -> dict[str, Tensor]:
        """Tensors by the name of the network's forward argument, each with len(rows) rows, on the CPU.

        Too many for the memory come as something that gives tensors when it is indexed.
        """

    def frozen(self, rows: Sequence[Any]) -> Tensor:
        """float32 [N, D] on the CPU, dense features that no label has shaped; see `clc_text.runs.frozen_features`."""
        return self.encode(rows)["features"]

    def augment(self, inputs: dict[str, Tensor], rows: Tensor, epoch: int) -> dict[str, Tensor]:
        """A training batch as this epoch sees it: the same for the same row, epoch and seed, whatever the batch."""
        return inputs

    @abstractmethod
    def save(self, directory: Path) -> None:
        """Writes all that `load` needs: JSON and safetensors only."""

    def save_beside(self, model: Path) -> None:
        """Writes into the networks' folder what `transformers` reads there: a tokenizer, where there is one."""
        return

    @classmethod
    @abstractmethod
    def load(cls, directory: Path) -> FittedEncoder:
        """The encoder that `save` wrote.

        Raises:
            InputError: a file is missing or damaged.
        """


@dataclass(frozen=True)
class Encoder(Options, ABC):
    """Base of all encoders; the fields of a subclass are what a recipe's `encoder:` section may set."""

    section: ClassVar[str] = "encoder"
    name: ClassVar[str]
    fitted: ClassVar[type[FittedEncoder]]
    settles: ClassVar[bool] = False  # whether `settle` gives another

    @abstractmethod
    def fit(self, train: Sequence[Any], test: Sequence[Any], seed: int) -> FittedEncoder:
        """Learns what it needs from the training rows; never from labels, which may not exist yet.

        Args:
            test: the test rows; only used to decide what is worth loading, never to learn from.
            seed: the recipe's network seed, for what is drawn or trained here.
        """

    def settle(self, rows: Sequence[Any]) -> tuple[Encoder, str]:
        """The encoder that is meant for these training rows, and why it was chosen: itself, unless it `settles`."""
        return self, ""

    def reading(self, rows: Sequence[Any]) -> dict[str, Any]:
        """What of these training rows is read and what is cut off, as facts, before anything is fitted.

        Raises:
            InputError: what the encoder reads with, such as a tokenizer, is not there.
        """
        return {}

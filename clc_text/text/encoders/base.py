"""What an encoder is: it turns texts into the tensors that a network reads."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from torch import Tensor

from clc_text.components import Registry


class FittedEncoder(ABC):
    """An encoder that has seen the training texts and can encode any text.

    Attributes:
        facts: what the user should know (coverage, empty texts), as name -> number or sentence; goes into the
            run's environment and report.
    """

    facts: dict[str, Any]

    @abstractmethod
    def encode(self, texts: Sequence[str]) -> dict[str, Tensor]:
        """Tensors by the name of the network's forward argument, each with len(texts) rows, on the CPU."""

    @abstractmethod
    def save(self, directory: Path) -> None:
        """Writes all that `load` needs: JSON and safetensors only."""

    @classmethod
    @abstractmethod
    def load(cls, directory: Path) -> FittedEncoder:
        """The encoder that `save` wrote."""


@dataclass(frozen=True)
class Encoder(ABC):
    """Base of all encoders; the fields of a subclass are what a recipe's `encoder:` section may set."""

    name: ClassVar[str]
    fitted: ClassVar[type[FittedEncoder]]

    @abstractmethod
    def fit(self, train: Sequence[str], test: Sequence[str], seed: int) -> FittedEncoder:
        """Learns what it needs from the training texts.

        Args:
            test: the test texts; only used to decide which word vectors are worth loading, never to learn from.
            seed: the recipe's network seed, for vectors that are trained here.
        """


encoder: Registry[Encoder] = Registry("encoder", "clc_text.text.encoders")

"""What an image encoder is: it turns images into the tensors that a network reads."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from torch import Tensor

from clc_text.config.components import Options, Registry


class FittedEncoder(ABC):
    """An encoder that can encode any image.

    Attributes:
        facts: what the user should know, as name -> number or sentence; goes into the run's environment and report.
    """

    facts: dict[str, Any]

    @abstractmethod
    def encode(self, images: Sequence[Any]) -> dict[str, Tensor]:
        """Tensors by the name of the network's forward argument, each with len(images) rows, on the CPU.

        Too many for the memory come as a `LazyImages`, which gives tensors when it is indexed.
        """

    @abstractmethod
    def frozen(self, images: Sequence[Any]) -> Tensor:
        """float32 [N, D] on the CPU, dense features that no label has shaped; see `clc_text.runs.frozen_features`."""

    @abstractmethod
    def augment(self, inputs: dict[str, Tensor], rows: Tensor, epoch: int) -> dict[str, Tensor]:
        """A training batch as this epoch sees it: the same for the same row, epoch and seed, whatever the batch."""

    @abstractmethod
    def save(self, directory: Path) -> None:
        """Writes all that `load` needs."""

    @classmethod
    @abstractmethod
    def load(cls, directory: Path) -> FittedEncoder:
        """The encoder that `save` wrote."""


@dataclass(frozen=True)
class Encoder(Options, ABC):
    """Base of all image encoders; the fields of a subclass are what a recipe's `encoder:` section may set."""

    section: ClassVar[str] = "encoder"
    name: ClassVar[str]
    fitted: ClassVar[type[FittedEncoder]]
    settles: ClassVar[bool] = False  # whether `settle` gives another

    @abstractmethod
    def fit(self, train: Sequence[Any], test: Sequence[Any], seed: int) -> FittedEncoder:
        """Looks at the training images; `seed` is the recipe's network seed, for augmentation."""

    def settle(self, images: Sequence[Any]) -> tuple[Encoder, str]:
        """The encoder that is meant for these training rows, and why it was chosen: itself, unless it `settles`."""
        return self, ""

    def reading(self, images: Sequence[Any]) -> dict[str, Any]:
        """What can be said of these images before anything is fitted."""
        return {}


encoder: Registry[Encoder] = Registry("encoder", "clc_text.vision.encoders")

"""What a network is, for texts or for images: it builds k peers behind one `PreTrainedModel`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from torch import Tensor

from clc_text.config.components import Options

if TYPE_CHECKING:
    from transformers import PreTrainedModel


@dataclass(frozen=True)
class Network(Options, ABC):
    """Base of all networks; the fields of a subclass are what a recipe's `network:` section may set."""

    section: ClassVar[str] = "network"
    name: ClassVar[str]

    @abstractmethod
    def build(self, inputs: Mapping[str, Tensor], label_names: list[str], peers: int, seed: int) -> PreTrainedModel:
        """Peers with initial weights drawn from `seed`, each its own.

        Args:
            inputs: the encoded training rows, for their shapes.

        Returns:
            A model whose `forward(**inputs)` gives an output with `logits` [P, B, C].
        """

    def numbers(self, inputs: Mapping[str, Tensor], classes: int) -> int:
        """How many weights one peer has at least, before any is made; 0 where only building it would tell."""
        return 0

    @abstractmethod
    def load(self, directory: Path) -> PreTrainedModel:
        """The model that `save_pretrained` wrote."""


def label_options(label_names: list[str]) -> dict[str, Any]:
    """The class names as a configuration of `transformers` holds them."""
    return {
        "id2label": dict(enumerate(label_names)),
        "label2id": {name: index for index, name in enumerate(label_names)},
    }

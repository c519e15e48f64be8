"""The paper's text network: a 3-layer perceptron on pooled word vectors, its peers stacked into batched products."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from clc_text.config.components import option
from clc_text.models.network import Network
from clc_text.text.networks.base import network

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel


@network("mlp")
@dataclass(frozen=True)
class MLP(Network):
    """Linear layers with ReLU between them; the paper's has two hidden layers of 300.

    Co-teaching+ (Yu et al. 2019) has batch normalisation and Softsign on 20 Newsgroups.
    """

    hidden: list[int] = option(
        [300, 300],
        "widths of the hidden layers (the paper: a 3-layer MLP, hidden size 300)",
        at_least=1,
        at_most=1_000_000,
        items_at_least=1,
        items_at_most=100,
        give="one width of at least 1 for each hidden layer, at most 100 of them",
    )
    dropout: float = option(
        0.0, "share of hidden units that are dropped while training", at_least=0, below=1, give="a share in [0, 1)"
    )
    activation: Literal["relu", "softsign"] = option("relu", "what follows a hidden layer; softsign: x / (1 + |x|)")
    normalization: Literal["none", "batch"] = option(
        "none",
        "batch: each hidden unit to mean 0, deviation 1 of the batch before its activation, and of what was seen "
        "while training when a text is asked about; held-out rows are in the batch, their labels are not",
    )

    def numbers(self, inputs: Mapping[str, Tensor], classes: int) -> int:
        widths = [inputs["features"].shape[1], *self.hidden, classes]
        normalised = 4 * sum(self.hidden) if self.normalization == "batch" else 0
        return normalised + sum(before * after + after for before, after in itertools.pairwise(widths))

    def build(self, inputs: Mapping[str, Tensor], label_names: list[str], peers: int, seed: int) -> PreTrainedModel:
        from clc_text.text.networks.stacked_mlp import StackedMLP, StackedMLPConfig

        names: dict[str, Any] = {
            "id2label": dict(enumerate(label_names)),
            "label2id": {name: index for index, name in enumerate(label_names)},
        }
        config = StackedMLPConfig(
            input_size=inputs["features"].shape[1],
            hidden_sizes=list(self.hidden),
            dropout=self.dropout,
            activation=self.activation,
            normalization=self.normalization,
            peers=peers,
            seed=seed,
            **names,
        )
        return StackedMLP(config)

    def load(self, directory: Path) -> PreTrainedModel:
        from clc_text.text.networks.stacked_mlp import StackedMLP

        return StackedMLP.from_pretrained(directory)

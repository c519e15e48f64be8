"""The model behind `MLP`; apart from it because importing `PreTrainedModel` takes seconds."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedConfig

from clc_text.models.peers import PeersModel, PeersOutput, StackedLinear, peer_generators


class StackedMLPConfig(PreTrainedConfig):
    """Sizes of a `StackedMLP`; `seed` is the one its weights were drawn from."""

    model_type = "clc_stacked_mlp"

    def __init__(
        self,
        input_size: int = 300,
        hidden_sizes: list[int] | None = None,
        dropout: float = 0.0,
        peers: int = 2,
        seed: int = 0,
        **more: Any,
    ) -> None:
        self.input_size = input_size
        self.hidden_sizes = list(hidden_sizes or [300, 300])
        self.dropout = dropout
        self.peers = peers
        self.seed = seed
        super().__init__(**more)


class StackedMLP(PeersModel):
    """P perceptrons in batched products: features [B, D] -> logits [P, B, C]."""

    config_class = StackedMLPConfig
    main_input_name = "features"

    def __init__(self, config: StackedMLPConfig) -> None:
        super().__init__(config)
        generators = peer_generators(config.seed, config.peers)
        sizes = [config.input_size, *config.hidden_sizes, config.num_labels]
        self.layers = nn.ModuleList(
            StackedLinear(generators, size_in, size_out) for size_in, size_out in pairwise(sizes)
        )
        self.dropout = nn.Dropout(config.dropout)
        self.post_init()

    def forward(self, features: Tensor, labels: Tensor | None = None) -> PeersOutput:
        """Args: features: float [B, D], or [P, B, D] where each peer has its own; labels: [B], for a loss."""
        hidden, drops = features, self.training and self.dropout.p > 0
        *layers, last = self.layers
        for layer in layers:
            hidden = torch.relu(layer(hidden))
            if drops:
                hidden = self.dropout(hidden)
        return self.output(last(hidden), hidden, labels)

    def train(self, mode: bool = True) -> StackedMLP:
        """As `nn.Module.train`, which is called at every step; nothing but dropout looks at it here."""
        return self if self.training == mode == self.dropout.training else super().train(mode)

    def zero_grad(self, set_to_none: bool = True) -> None:
        """As `nn.Module.zero_grad`, which is called at every step, and looks for parameters in all modules."""
        if not set_to_none:
            super().zero_grad(set_to_none)
            return
        for layer in self.layers:
            layer.weight.grad = layer.bias.grad = None

    def peer_logits(self, peer: int, **inputs: Tensor) -> Tensor:
        hidden = inputs["features"]
        for number, layer in enumerate(self.layers):
            hidden = layer.of_peer(peer, torch.relu(hidden) if number else hidden)  # type: ignore[operator]
        return hidden

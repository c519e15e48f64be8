"""The model behind `MLP`; apart from it because importing `PreTrainedModel` takes seconds."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
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
        activation: str = "relu",
        normalization: str = "none",
        peers: int = 2,
        seed: int = 0,
        **more: Any,
    ) -> None:
        self.input_size = input_size
        self.hidden_sizes = list(hidden_sizes or [300, 300])
        self.dropout = dropout
        self.activation = activation
        self.normalization = normalization
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
        batch = config.normalization == "batch"
        self.norms = nn.ModuleList(StackedBatchNorm(config.peers, size) for size in config.hidden_sizes if batch)
        self.activate = functional.softsign if config.activation == "softsign" else torch.relu
        self.dropout = nn.Dropout(config.dropout)
        self.post_init()

    def forward(self, features: Tensor, labels: Tensor | None = None) -> PeersOutput:
        """Args: features: float [B, D], or [P, B, D] where each peer has its own; labels: [B], for a loss."""
        hidden, drops = features, self.training and self.dropout.p > 0
        *layers, last = self.layers
        for number, layer in enumerate(layers):
            hidden = layer(hidden)
            hidden = self.activate(self.norms[number](hidden) if self.norms else hidden)
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
        for layer in (*self.layers, *self.norms):
            layer.weight.grad = layer.bias.grad = None

    def peer_logits(self, peer: int, **inputs: Tensor) -> Tensor:
        hidden = inputs["features"]
        for number, layer in enumerate(self.layers):
            if number:
                normed = self.norms[number - 1].of_peer(peer, hidden) if self.norms else hidden  # type: ignore[operator]
                hidden = self.activate(normed)
            hidden = layer.of_peer(peer, hidden)  # type: ignore[operator]
        return hidden


class StackedBatchNorm(nn.Module):
    """P batch normalisations side by side, each as `torch.nn.BatchNorm1d`: [P, B, H] -> [P, B, H].

    A batch of one row has no deviation: it is normalised by the running statistics, which it leaves as they are.
    """

    running_mean: Tensor
    running_var: Tensor

    def __init__(self, peers: int, size: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(peers, size))
        self.bias = nn.Parameter(torch.zeros(peers, size))
        self.register_buffer("running_mean", torch.zeros(peers, size))
        self.register_buffer("running_var", torch.ones(peers, size))

    def forward(self, inputs: Tensor) -> Tensor:
        peers, rows, size = inputs.shape
        # One layer of P · H units: what it makes of a unit, it makes of that unit alone.
        units = inputs.transpose(0, 1).reshape(rows, peers * size)
        normed = functional.batch_norm(
            units,
            self.running_mean.view(-1),
            self.running_var.view(-1),
            self.weight.view(-1),
            self.bias.view(-1),
            training=self.training and rows > 1,
        )
        return normed.view(rows, peers, size).transpose(0, 1)

    def of_peer(self, peer: int, inputs: Tensor) -> Tensor:
        """One peer's alone, by its running statistics or those of the batch: [B, H] -> [B, H]."""
        statistics = self.running_mean[peer], self.running_var[peer]
        training = self.training and len(inputs) > 1
        return functional.batch_norm(inputs, *statistics, self.weight[peer], self.bias[peer], training=training)

"""The model behind `cnn9`."""

from __future__ import annotations

import itertools
import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import PreTrainedConfig

from clc_text.models.peers import PeersModel, PeersOutput, StackedLinear, peer_generators
from clc_text.vision.normalisation import Normalise

WIDTHS = (1, 1, 1, 2, 2, 2, 4, 2, 1)  # channels of the nine layers, in units of `width`
UNPADDED = (6, 7, 8)  # layers without padding
POOL_AFTER = (2, 5)
SLOPE = 0.01  # of LeakyReLU below 0
MOMENTUM, EPSILON = 0.1, 1e-5  # of batch normalisation, PyTorch's defaults
SMALLEST = 28  # side of an image of which the last layer still sees one pixel


class StackedCNNConfig(PreTrainedConfig):
    """Sizes of a `StackedCNN`; `seed` is the one its weights were drawn from."""

    model_type = "clc_stacked_cnn"

    def __init__(
        self,
        width: int = 128,
        dropout: float = 0.25,
        dropout_when: str = "training",
        grouped: bool = True,
        mean: list[float] | None = None,
        std: list[float] | None = None,
        image_size: int | None = None,
        peers: int = 2,
        seed: int = 0,
        **more: Any,
    ) -> None:
        self.width = width
        self.dropout = dropout
        self.dropout_when = dropout_when
        self.grouped = grouped
        self.mean = list(mean or [0.5] * 3)
        self.std = list(std or [0.25] * 3)
        self.image_size = image_size
        self.peers = peers
        self.seed = seed
        super().__init__(**more)


class StackedCNN(PeersModel):
    """P nine-layer networks: pixels [B, 3, H, W] -> logits [P, B, C], hidden [P, B, width]."""

    config_class = StackedCNNConfig
    main_input_name = "pixels"

    def __init__(self, config: StackedCNNConfig) -> None:
        super().__init__(config)
        generators = peer_generators(config.seed, config.peers)
        sizes = [3, *(config.width * factor for factor in WIDTHS)]
        self.normalise = Normalise(config.mean, config.std, config.image_size)
        self.layers = nn.ModuleList(
            StackedConvolution(generators, size_in, size_out, 0 if layer in UNPADDED else 1)
            for layer, (size_in, size_out) in enumerate(itertools.pairwise(sizes))
        )
        self.classifier = StackedLinear(generators, config.width, config.num_labels)
        self.post_init()

    def forward(self, pixels: Tensor, labels: Tensor | None = None) -> PeersOutput:
        """Args: pixels: uint8, or float in 0 … 255, [B, 3, H, W]; labels: [B], for a loss."""
        images = self.normalise(pixels)
        if self.config.grouped:
            hidden = self._features(images, None)
            hidden = hidden.view(len(images), self.peers, -1).transpose(0, 1)
        else:
            hidden = torch.stack([self._features(images, peer) for peer in range(self.peers)])
        return self.output(self.classifier(hidden), hidden, labels)

    def _features(self, images: Tensor, peer: int | None) -> Tensor:
        """[B, width] of one peer, or [B, P · width] of all of them side by side."""
        drop = self.config.dropout if self.training or self.config.dropout_when == "always" else 0.0
        for number, layer in enumerate(self.layers):
            images = functional.leaky_relu(layer(images, peer, shared=number == 0), SLOPE)
            if number in POOL_AFTER:
                images = functional.max_pool2d(images, 2)
                if drop:
                    images = functional.dropout2d(images, drop)
        return images.mean((2, 3))


class StackedConvolution(nn.Module):
    """P convolutions of 3 x 3 side by side, each with batch normalisation.

    Weights are drawn as `nn.Conv2d` draws them, U(-1/√(9 · in), 1/√(9 · in)), from each peer's own generator.
    """

    running_mean: Tensor
    running_var: Tensor

    def __init__(self, generators: list[torch.Generator], channels_in: int, channels_out: int, padding: int) -> None:
        super().__init__()
        peers, bound = len(generators), 1 / math.sqrt(9 * channels_in)

        def draw(*shape: int) -> Tensor:
            drawn = [torch.empty(*shape).uniform_(-bound, bound, generator=generator) for generator in generators]
            return torch.stack(drawn)

        self.padding = padding
        self.weight = nn.Parameter(draw(channels_out, channels_in, 3, 3))
        self.bias = nn.Parameter(draw(channels_out))
        self.scale = nn.Parameter(torch.ones(peers, channels_out))
        self.shift = nn.Parameter(torch.zeros(peers, channels_out))
        self.register_buffer("running_mean", torch.zeros(peers, channels_out))
        self.register_buffer("running_var", torch.ones(peers, channels_out))

    def forward(self, images: Tensor, peer: int | None, shared: bool) -> Tensor:
        """[B, in, H, W] of one peer, or of all (`shared`), or [B, P · in, H, W] -> [B, out or P · out, H', W'].

        Args:
            peer: which one; None: all of them, as one grouped convolution.
            shared: whether all peers see the same channels, as they do in the first layer.
        """
        values = (self.weight, self.bias, self.scale, self.shift, self.running_mean, self.running_var)
        weight, bias, scale, shift, mean, var = (
            value.flatten(0, 1) if peer is None else value[peer] for value in values
        )
        groups = 1 if shared or peer is not None else len(self.weight)
        images = functional.conv2d(images, weight, bias, padding=self.padding, groups=groups)
        return functional.batch_norm(images, mean, var, scale, shift, self.training, MOMENTUM, EPSILON)

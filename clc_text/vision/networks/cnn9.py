"""The nine-layer CNN of Co-teaching (Han et al. 2018), which the paper uses for CIFAR."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from clc_text.config.components import option
from clc_text.errors import InputError
from clc_text.models.network import label_options
from clc_text.vision.networks.base import ImageNetwork, network

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel


@network("cnn9")
@dataclass(frozen=True)
class CNN9(ImageNetwork):
    """3 x 3 convolutions 128-128-128, pool, 256-256-256, pool, 512-256-128 without padding, mean, linear: 4.4 million.

    Batch normalisation and LeakyReLU (0.01) after each convolution; whole channels are dropped after each pool. The
    published code of Co-teaching calls `dropout2d` without saying whether it trains, so it drops channels in
    evaluation as well: `dropout_when: always` is that.
    """

    width: int = option(
        128,
        "channels of the first layers; the others have twice or four times as many (paper: 128)",
        at_least=1,
        at_most=100_000,
    )
    dropout: float = option(
        0.25,
        "share of the channels that are dropped after each pool; 0: none",
        at_least=0,
        below=1,
        give="a share in [0, 1)",
    )
    dropout_when: Literal["training", "always"] = option(
        "training", "training: as dropout is meant; always: also in evaluation, as in Co-teaching's published code"
    )
    grouped: bool = option(True, "all peers in one grouped convolution; false: one peer after the other")

    def numbers(self, inputs: Mapping[str, Tensor], classes: int) -> int:
        w = self.width
        channels = [3, w, w, w, 2 * w, 2 * w, 2 * w, 4 * w, 2 * w, w]
        return sum(9 * before * after for before, after in itertools.pairwise(channels)) + w * classes

    def build(self, inputs: Mapping[str, Tensor], label_names: list[str], peers: int, seed: int) -> PreTrainedModel:
        from clc_text.vision.models.stacked_cnn import SMALLEST, StackedCNN, StackedCNNConfig
        from clc_text.vision.normalisation import channel_statistics

        pixels = inputs["pixels"]
        side = self.image_size or min(pixels.shape[-2:])
        if side < SMALLEST:
            raise InputError(
                f"cnn9 needs images of {SMALLEST} x {SMALLEST} pixels or more, and these have {side}; set "
                "encoder.size",
                key="encoder.size",
            )
        mean, std = channel_statistics(pixels)
        config = StackedCNNConfig(
            width=self.width,
            dropout=self.dropout,
            dropout_when=self.dropout_when,
            grouped=self.grouped,
            mean=mean,
            std=std,
            image_size=self.image_size,
            peers=peers,
            seed=seed,
            **label_options(label_names),
        )
        return StackedCNN(config)

    def load(self, directory: Path) -> PreTrainedModel:
        from clc_text.vision.models.stacked_cnn import StackedCNN

        return StackedCNN.from_pretrained(directory)

"""ResNet-50 (He et al. 2016), which the paper uses for Clothing1M and Food-101N."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from clc_text.config.components import option
from clc_text.models.network import label_options
from clc_text.vision.networks.base import ImageNetwork, network

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel


@network("resnet50")
@dataclass(frozen=True)
class ResNet50(ImageNetwork):
    """ResNet-50 of `transformers`, pre-trained on ImageNet: 23.5 million parameters and the last layer a peer."""

    weights: str | None = option("microsoft/resnet-50", "a folder or Hub id with safetensors; null: initial weights")

    def build(self, inputs: Mapping[str, Tensor], label_names: list[str], peers: int, seed: int) -> PreTrainedModel:
        from transformers import ResNetConfig

        from clc_text.vision.models.pretrained import build_peers

        config = None if self.weights else ResNetConfig(**label_options(label_names))
        return build_peers(inputs, label_names, peers, seed, self.image_size, weights=self.weights, config=config)

    def load(self, directory: Path) -> PreTrainedModel:
        from clc_text.vision.models.separate_peers import SeparatePeers

        return SeparatePeers.from_pretrained(directory)

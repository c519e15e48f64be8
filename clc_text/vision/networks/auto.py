"""Any image classifier that `AutoModelForImageClassification` knows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from clc_text.config.components import option
from clc_text.vision.networks.base import ImageNetwork, network

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel


@network("auto")
@dataclass(frozen=True, kw_only=True)
class Auto(ImageNetwork):
    """A pre-trained image classifier by its folder or Hub id; its last layer is drawn anew, for each peer its own.

    Images must have the size that the model wants (`encoder.size`, `encoder.crop`, `network.image_size`).
    """

    weights: str = option(
        help="a folder, or a Hub id such as 'google/vit-base-patch16-224', with safetensors", not_empty=True
    )

    def build(self, inputs: Mapping[str, Tensor], label_names: list[str], peers: int, seed: int) -> PreTrainedModel:
        from clc_text.vision.models.pretrained import build_peers

        return build_peers(inputs, label_names, peers, seed, self.image_size, weights=self.weights)

    def load(self, directory: Path) -> PreTrainedModel:
        from clc_text.vision.models.separate_peers import SeparatePeers

        return SeparatePeers.from_pretrained(directory)

"""The networks for images, by name."""

from __future__ import annotations

from dataclasses import dataclass

from clc_text.config.components import Registry, option
from clc_text.models.network import Network


@dataclass(frozen=True)
class ImageNetwork(Network):
    """Base of all networks for images: its inputs are ``pixels``, uint8 [N, 3, H, W]."""

    image_size: int | None = option(
        None, "side of the middle square that evaluation looks at; null: the whole image", at_least=1, at_most=16_384
    )


network: Registry[ImageNetwork] = Registry("network", "clc_text.vision.networks")

"""k whole image classifiers of `transformers` side by side, which see pixels as they are stored."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn

from clc_text.models.peers import PeersOutput
from clc_text.models.peers_of import PeersOf, PeersOfConfig
from clc_text.vision.normalisation import Normalise


class SeparatePeersConfig(PeersOfConfig):
    """`PeersOfConfig` with what `Normalise` needs."""

    model_type = "clc_separate_images"

    def __init__(
        self,
        mean: list[float] | None = None,
        std: list[float] | None = None,
        image_size: int | None = None,
        **more: Any,
    ) -> None:
        self.mean = list(mean or [0.5] * 3)
        self.std = list(std or [0.25] * 3)
        self.image_size = image_size
        super().__init__(**more)


class SeparatePeers(PeersOf):
    """P image classifiers: pixels [B, 3, H, W] -> logits [P, B, C], hidden [P, B, H] in evaluation."""

    config_class = SeparatePeersConfig  # type: ignore[assignment]
    one_is_ordinary = False  # it takes pixels that are normalised already

    def __init__(self, config: SeparatePeersConfig, networks: Sequence[nn.Module] | None = None) -> None:
        super().__init__(config, networks)
        self.main_input_name = "pixels"
        self.normalise = Normalise(config.mean, config.std, config.image_size)

    def forward(self, pixels: Tensor, labels: Tensor | None = None) -> PeersOutput:  # type: ignore[override]
        """Args: pixels: uint8, or float in 0 … 255, [B, 3, H, W]; labels: [B], for a loss."""
        return super().forward(labels, pixel_values=self.normalise(pixels))

    def network_signature(self) -> list[str]:
        return ["pixels"]

"""k whole networks of `transformers` side by side, each with its own parameters."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AutoConfig, AutoModelForImageClassification, PreTrainedConfig

from clc_text.peers import PeersModel, PeersOutput
from clc_text.vision.normalisation import Normalise


class SeparatePeersConfig(PreTrainedConfig):
    """`inner` is the configuration of each peer, as plain values."""

    model_type = "clc_separate_images"

    def __init__(
        self,
        inner: dict[str, Any] | None = None,
        mean: list[float] | None = None,
        std: list[float] | None = None,
        image_size: int | None = None,
        peers: int = 2,
        **more: Any,
    ) -> None:
        self.inner = dict(inner or {})
        self.mean = list(mean or [0.5] * 3)
        self.std = list(std or [0.25] * 3)
        self.image_size = image_size
        self.peers = peers
        super().__init__(**more)


class SeparatePeers(PeersModel):
    """P image classifiers: pixels [B, 3, H, W] -> logits [P, B, C]."""

    config_class = SeparatePeersConfig
    main_input_name = "pixels"

    def __init__(self, config: SeparatePeersConfig) -> None:
        super().__init__(config)
        self.normalise = Normalise(config.mean, config.std, config.image_size)
        inner = {key: value for key, value in config.inner.items() if key != "model_type"}
        self.networks = nn.ModuleList(
            AutoModelForImageClassification.from_config(AutoConfig.for_model(config.inner["model_type"], **inner))
            for _ in range(config.peers)
        )
        self.post_init()

    def forward(self, pixels: Tensor, labels: Tensor | None = None) -> PeersOutput:
        """Args: pixels: uint8, or float in 0 … 255, [B, 3, H, W]; labels are ignored here."""
        images = self.normalise(pixels)
        found = [_with_hidden(network, images, self.config.num_labels) for network in self.networks]
        hidden = [values for _, values in found if values is not None]
        return PeersOutput(
            logits=torch.stack([logits for logits, _ in found]),
            hidden=torch.stack(hidden) if len(hidden) == self.peers else None,
        )

    def peer_parameters(self, peer: int) -> Iterator[Tensor]:
        yield from (parameter for parameter in self.networks[peer].parameters() if parameter.requires_grad)

    def peer_grad_norms(self) -> Tensor:
        norms = []
        for peer in range(self.peers):
            grads = [values.grad for values in self.peer_parameters(peer) if values.grad is not None]
            norms.append(nn.utils.get_total_norm(grads) if grads else torch.zeros((), device=self.device))
        return torch.stack(norms)

    @torch.no_grad()
    def clip_peer_grad_norms_(self, max_norm: float) -> Tensor:
        norms = self.peer_grad_norms()
        for peer, scale in enumerate((max_norm / (norms + 1e-6)).clamp(max=1.0)):
            for parameter in self.peer_parameters(peer):
                if parameter.grad is not None:
                    parameter.grad.mul_(scale)
        return norms


def _with_hidden(network: nn.Module, images: Tensor, classes: int) -> tuple[Tensor, Tensor | None]:
    """Logits, and what the last linear layer before them is fed; None where a network has no such layer."""
    heads = [part for part in network.modules() if isinstance(part, nn.Linear) and part.out_features == classes]
    fed: list[Tensor] = []
    handle = heads[-1].register_forward_pre_hook(lambda _, given: fed.append(given[0])) if heads else None
    try:
        logits = network(pixel_values=images).logits
    finally:
        if handle is not None:
            handle.remove()
    return logits, fed[-1].flatten(1) if fed else None

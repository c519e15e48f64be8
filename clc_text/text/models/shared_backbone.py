"""k peers on one pre-trained backbone: frozen, or with a low-rank adapter for each peer.

In memory there is one backbone, and for each peer a head and, with LoRA, an adapter of a few per cent of its size.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AutoConfig, AutoModel, PreTrainedConfig, PreTrainedModel

from clc_text.models.peers import PeersModel, PeersOutput, StackedLinear, peer_generators, peer_seeds
from clc_text.models.peers_of import seeded
from clc_text.text.encoders.features.compute import pooled
from clc_text.text.models.adapted import lora_config, no_such_layers


class SharedBackboneConfig(PreTrainedConfig):
    """`inner` is the backbone's configuration as plain values, `lora` {rank, alpha, layers} or None: frozen."""

    model_type = "clc_shared_backbone"

    def __init__(
        self,
        inner: dict[str, Any] | None = None,
        lora: dict[str, Any] | None = None,
        hidden_sizes: list[int] | None = None,
        dropout: float = 0.1,
        peers: int = 2,
        seed: int = 0,
        **more: Any,
    ) -> None:
        # Where it was read from is a folder of this machine, and nobody's business.
        self.inner = {key: value for key, value in (inner or {}).items() if key != "_name_or_path"}
        self.lora = lora
        self.hidden_sizes = list(hidden_sizes or [])
        self.dropout = dropout
        self.peers = peers
        self.seed = seed
        super().__init__(**more)


class SharedBackbone(PeersModel):
    """Tokens [B, L] -> the mean of the backbone's token vectors -> logits [P, B, C], hidden [P, B, H].

    Args:
        backbone: the pre-trained model, which becomes part of this one; None: made from the configuration alone, for
            `from_pretrained`.
    """

    config_class = SharedBackboneConfig
    main_input_name = "input_ids"

    def __init__(self, config: SharedBackboneConfig, backbone: PreTrainedModel | None = None) -> None:
        super().__init__(config)
        if backbone is None:
            inner = {key: value for key, value in config.inner.items() if key != "model_type"}
            backbone = AutoModel.from_config(AutoConfig.for_model(config.inner["model_type"], **inner))
        self.backbone = backbone
        generators = peer_generators(config.seed, config.peers)
        sizes = [backbone.config.hidden_size, *config.hidden_sizes, config.num_labels]
        self.heads = nn.ModuleList(
            StackedLinear(generators, size_in, size_out) for size_in, size_out in pairwise(sizes)
        )
        self.dropout = nn.Dropout(config.dropout)
        self.post_init()
        self._adapted: list[Any] = []
        if config.lora is not None:  # after `post_init`, which would draw the adapters' weights as the backbone's
            self._adapted = _add_adapters(backbone, config)
        self._freeze()

    @classmethod
    def from_pretrained(cls, *positional: Any, **named: Any) -> Any:
        """As usual; what is frozen is so again, which `transformers` forgets."""
        given = super().from_pretrained(*positional, **named)
        for model in given[:1] if isinstance(given, tuple) else [given]:
            model._freeze()
        return given

    def _freeze(self) -> None:
        for name, parameter in self.backbone.named_parameters():
            parameter.requires_grad_(".lora_" in name)

    def train(self, mode: bool = True) -> SharedBackbone:
        super().train(mode)
        if self.config.lora is None:
            self.backbone.eval()  # what is frozen gives the same features every time
        return self

    def forward(self, input_ids: Tensor, attention_mask: Tensor, labels: Tensor | None = None) -> PeersOutput:
        """Args: input_ids, attention_mask: int [B, L]; labels: [B], for a loss."""
        if self.config.lora is None:
            with torch.no_grad():
                hidden = self._read(input_ids, attention_mask)
        else:
            outputs = []
            for peer in range(self.peers):
                self._wear(peer)
                outputs.append(self._read(input_ids, attention_mask))
            hidden = torch.stack(outputs)
        for head in self.heads[:-1]:
            hidden = torch.relu(head(self.dropout(self._each(hidden))))
        hidden = self._each(hidden)
        return self.output(self.heads[-1](self.dropout(hidden)), hidden, labels)

    def _each(self, hidden: Tensor) -> Tensor:
        """[P, B, H]: one row a peer, so that dropout strikes each peer differently."""
        return hidden if hidden.dim() == 3 else hidden.expand(self.peers, *hidden.shape)

    def _read(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        read = self.backbone(input_ids=input_ids, attention_mask=attention_mask)
        return pooled(read.last_hidden_state, attention_mask, "mean")

    def _wear(self, peer: int) -> None:
        for layer in self._adapted:
            layer.set_adapter(_adapter(peer))
        self._freeze()  # peft freezes the adapters that are not worn, and here each is worn in turn

    # ---- one peer's parameters ----

    def peer_parameters(self, peer: int) -> Iterator[Tensor]:
        yield from (parameter[peer] for parameter in self.heads.parameters())
        yield from self._adapter_parameters(peer)

    def _adapter_parameters(self, peer: int) -> Iterator[nn.Parameter]:
        mark = f".{_adapter(peer)}."
        yield from (values for name, values in self.backbone.named_parameters() if mark in name)

    def peer_grad_norms(self) -> Tensor:
        squares = torch.zeros(self.peers, device=self.device)
        for parameter in self.heads.parameters():
            if parameter.grad is not None:
                squares = squares + parameter.grad.flatten(1).square().sum(1)
        for peer in range(self.peers):
            for values in self._adapter_parameters(peer):
                if values.grad is not None:
                    squares[peer] += values.grad.square().sum()
        return squares.sqrt()

    @torch.no_grad()
    def clip_peer_grad_norms_(self, max_norm: float) -> Tensor:
        norms = self.peer_grad_norms()
        scales = (max_norm / (norms + 1e-6)).clamp(max=1.0)
        for parameter in self.heads.parameters():
            if parameter.grad is not None:
                parameter.grad.mul_(scales.view(-1, *[1] * (parameter.grad.dim() - 1)))
        for peer in range(self.peers):
            for values in self._adapter_parameters(peer):
                if values.grad is not None:
                    values.grad.mul_(scales[peer])
        return norms


def _adapter(peer: int) -> str:
    return f"peer_{peer}"


def _add_adapters(backbone: PreTrainedModel, config: SharedBackboneConfig) -> list[Any]:
    """Puts one adapter a peer into the backbone, each drawn from its own seed; gives the layers that hold them.

    Raises:
        InputError: peft is not installed, or knows no such layers.
    """
    assert config.lora is not None
    # The mean of the tokens passes the pooler by.
    wanted = lora_config(config.lora, exclude_modules=None if config.lora["layers"] else r".*\bpooler\b.*")
    from peft import inject_adapter_in_model
    from peft.tuners.tuners_utils import BaseTunerLayer

    try:
        for peer, drawn in enumerate(peer_seeds(config.seed, config.peers)):
            with seeded(drawn), warnings.catch_warnings():
                warnings.simplefilter("ignore")  # several adapters are meant
                inject_adapter_in_model(wanted, backbone, adapter_name=_adapter(peer))
    except ValueError as error:
        raise no_such_layers(config.lora["layers"], error) from None
    return [module for module in backbone.modules() if isinstance(module, BaseTunerLayer)]

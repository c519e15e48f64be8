"""k whole networks of `transformers` on one backbone in memory, each with low-rank adapters and a head of its own.

Each peer is what peft makes of a model with a classification head: the backbone's weights stay as they are and are the
same tensors for all peers, its linear layers get adapters, and the head learns whole. Merged, a peer is an ordinary
model, of the size of the one it was made from.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from torch import nn
from transformers import PreTrainedModel

from clc_text.errors import InputError
from clc_text.models.peers import peer_seeds
from clc_text.models.peers_of import PeersOf, seeded


def adapted_peers(
    make: Callable[[], tuple[PreTrainedModel, Mapping[str, Any]]], lora: Mapping[str, Any], peers: int, seed: int
) -> PeersOf:
    """k networks, each from a call of `make` with a seed of its own; the first's frozen weights serve all of them.

    Args:
        make: gives a model with a classification head, and what `from_pretrained` tells of its loading.
        lora: {rank, alpha, layers}; layers None: all linear ones of the backbone.

    Raises:
        InputError: peft is not installed, or knows no such layers.
    """
    networks: list[Any] = []
    for drawn in peer_seeds(seed, peers):
        with seeded(drawn):
            network, told = make()
            network = _adapted(network, told["missing_keys"], lora)
        if networks:
            _share_frozen(networks[0], network)
        networks.append(network)
    return PeersOf.around(networks)


def lora_config(lora: Mapping[str, Any], **more: Any) -> Any:
    """peft's configuration of adapters.

    Raises:
        InputError: peft is not installed.
    """
    try:
        from peft import LoraConfig
    except ImportError:
        raise InputError("backbone lora needs peft; `pip install 'clc-text[peft]'`", key="peft") from None
    return LoraConfig(r=lora["rank"], lora_alpha=lora["alpha"], target_modules=lora["layers"] or "all-linear", **more)


def _adapted(network: PreTrainedModel, drawn: Collection[str], lora: Mapping[str, Any]) -> nn.Module:
    """The network with adapters.

    Args:
        drawn: names of the weights that its files lack.
    """
    body = network.base_model
    head = [name for name, part in network.named_children() if part is not body and [*part.parameters()]]
    # What the files lack of the backbone is as new as the head, and would otherwise stay as it was drawn.
    new = (name.rpartition(".")[0] for name in drawn if name.partition(".")[0] not in head)
    whole = sorted({*head, *new})
    config = lora_config(lora, task_type="SEQ_CLS", modules_to_save=whole)
    from peft import get_peft_model

    try:
        return get_peft_model(network, config)
    except ValueError as error:
        raise no_such_layers(lora["layers"], error) from None


def no_such_layers(layers: list[str] | None, error: ValueError) -> InputError:
    """What peft says of layers that it cannot adapt."""
    reason = str(error).partition(". ")[0].rstrip(".")
    named = "null" if layers is None else ", ".join(layers)
    return InputError(
        f"network.lora_layers is {named}, of which peft can adapt nothing ({reason}); name linear layers of the "
        "model's body",
        key="network.lora_layers",
    )


def _share_frozen(first: nn.Module, other: nn.Module) -> None:
    """Puts the first network's frozen weights in the place of the other's, which are equal."""
    parts = dict(first.named_modules())
    for name, part in other.named_modules():
        for key, values in part.named_parameters(recurse=False):
            if not values.requires_grad:
                part.register_parameter(key, parts[name].get_parameter(key))

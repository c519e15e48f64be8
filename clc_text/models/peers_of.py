"""`PeersOf`: k networks of any architecture whose output has `logits`, side by side behind one model."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedConfig, PreTrainedModel

from clc_text.errors import InputError
from clc_text.models.peers import PeersOutput, SeparatePeersModel, peer_seeds
from clc_text.utils.memory import check_memory


class PeersOfConfig(PreTrainedConfig):
    """`inner` is the configuration of each network as plain values, `architecture` its class in `transformers`.

    Both are None for networks that are no `PreTrainedModel`: those cannot be made from a folder alone.
    """

    model_type = "clc_peers"

    def __init__(
        self, inner: dict[str, Any] | None = None, architecture: str | None = None, peers: int = 2, **more: Any
    ) -> None:
        self.inner = inner
        self.architecture = architecture
        self.peers = peers
        super().__init__(**more)


class PeersOf(SeparatePeersModel):
    """k networks that see the same batch: whatever they take -> logits [P, B, C], hidden [P, B, H] where there is one.

    Their parameters are saved as ``peer_0.…``, ``peer_1.…``; `export_peer` gives one network back as it was.

    Args:
        config: what `save_pretrained` wrote, or `PeersOf.around` made.
        networks: the networks; None: made anew from `config`.
        network_class: their class, where `transformers` does not know it; for networks that are no
            `PreTrainedModel`, what makes one when it is called without arguments.
    """

    config_class = PeersOfConfig

    def __init__(
        self,
        config: PeersOfConfig,
        networks: Sequence[nn.Module] | None = None,
        network_class: Callable[[], nn.Module] | type[PreTrainedModel] | None = None,
    ) -> None:
        super().__init__(config)
        if networks is None:
            networks = _networks(config, network_class)
        for peer, network in enumerate(networks):
            self.add_module(f"peer_{peer}", network)
        self.main_input_name = getattr(networks[0], "main_input_name", "input_ids")
        self.supports_gradient_checkpointing = all(
            getattr(network, "supports_gradient_checkpointing", False) for network in networks
        )
        self.post_init()

    @classmethod
    def from_pretrained(cls, *positional: Any, **named: Any) -> Any:
        """As `PreTrainedModel.from_pretrained`, with the `network_class` of this class."""
        found = super().from_pretrained(*positional, **named)
        loaded, make = (found[0] if isinstance(found, tuple) else found), named.get("network_class")
        if make is not None and loaded.config.inner is None:
            # It fills in what is saved and nothing else, so a plain network would lose the buffers that are not.
            fresh = dict(make().named_buffers())
            for network in loaded.networks:
                saved = network.state_dict()
                for name, values in network.named_buffers():
                    if name not in saved:
                        values.data.copy_(fresh[name])
        return found

    @classmethod
    def around(cls, networks: Sequence[nn.Module]) -> PeersOf:
        """The model around networks that exist; they are not copied."""
        first = networks[0]
        if not isinstance(first, PreTrainedModel):
            classes = getattr(getattr(first, "config", None), "num_labels", None)
            return cls(PeersOfConfig(peers=len(networks), **({"num_labels": classes} if classes else {})), networks)
        config = PeersOfConfig(
            inner=first.config.to_dict(),
            architecture=type(first).__name__,
            peers=len(networks),
            id2label=dict(first.config.id2label),
            label2id=dict(first.config.label2id),
        )
        return cls(config, networks)

    @property
    def networks(self) -> list[nn.Module]:  # type: ignore[override]
        return [getattr(self, f"peer_{peer}") for peer in range(self.peers)]

    def forward(self, labels: Tensor | None = None, **inputs: Any) -> PeersOutput:
        """`inputs` are what one network takes; `labels` are ignored here, since the trainer makes the loss."""
        found = [self._of(network, inputs) for network in self.networks]
        hidden = [values for _, values in found if values is not None]
        return PeersOutput(
            logits=torch.stack([logits for logits, _ in found]),
            hidden=torch.stack(hidden) if len(hidden) == self.peers else None,
        )

    def peer_logits(self, peer: int, **inputs: Any) -> Tensor:
        return logits_of(self.networks[peer](**inputs))

    def _of(self, network: nn.Module, inputs: dict[str, Any]) -> tuple[Tensor, Tensor | None]:
        """One network's logits and, when nothing is learnt, what its last linear layer is fed."""
        if self.training:
            return logits_of(network(**inputs)), None
        fed: list[Tensor] = []
        heads = [part for part in network.modules() if isinstance(part, nn.Linear)]
        handle = heads[-1].register_forward_pre_hook(lambda _, given: fed.append(given[0])) if heads else None
        try:
            logits = logits_of(network(**inputs))
        finally:
            if handle is not None:
                handle.remove()
        shown = bool(fed) and heads[-1].out_features == logits.shape[-1] and fed[-1].shape[:-1] == logits.shape[:-1]
        return logits, fed[-1] if shown else None

    def network_signature(self) -> list[str]:
        """The names of the columns that a network takes, for `remove_unused_columns`."""
        network = self.networks[0]
        inner = getattr(network, "get_base_model", lambda: network)()  # a peft model hides its network's signature
        return list(inspect.signature(inner.forward).parameters)

    def align_special_tokens(self, tokenizer: Any) -> None:
        """Each network's padding and the like as the tokenizer has them."""
        from transformers.trainer_utils import align_special_tokens

        for network in self.networks:
            if isinstance(network, PreTrainedModel):
                align_special_tokens(network, tokenizer)
        first: Any = self.networks[0]
        if self.config.inner is not None:
            self.config.inner = first.config.to_dict()

    def export_peer(self, peer: int) -> Any:
        """A copy of one network, of its own class: `save_pretrained` and an `AutoModel` take it as usual."""
        self.check_peer(peer)
        return copy.deepcopy(self.networks[peer])


def logits_of(output: Any) -> Tensor:
    """The logits [B, C] of a network's output.

    Raises:
        InputError: it has none, or they are not one row of classes for each row of the batch.
    """
    logits = output["logits"] if isinstance(output, dict) and "logits" in output else getattr(output, "logits", None)
    if not isinstance(logits, Tensor):
        raise InputError(
            f"the model gives a {type(output).__name__} without `logits`; take one with a classification head, "
            "such as AutoModelForSequenceClassification"
        )
    if logits.dim() != 2:
        raise InputError(
            f"the model's logits have the shape {list(logits.shape)}, but rows have one label each: [batch, classes]"
        )
    return logits


# ---- from what a script has to k peers ----


def peers_from_init(make: Callable[[], nn.Module], peers: int, seed: int) -> PeersOf | SeparatePeersModel:
    """k networks from k calls of `make`, each with a seed of its own for what it draws.

    Where `make` gives a model of peers already, one call is enough.
    """
    seeds = peer_seeds(seed, peers)
    with seeded(seeds[0]):
        first = make()
    if hasattr(first, "clip_peer_grad_norms_"):
        return first  # type: ignore[return-value]
    _check_room(first, peers)
    networks = [first]
    for drawn in seeds[1:]:
        with seeded(drawn):
            networks.append(make())
    return PeersOf.around(networks)


def peers_from_model(model: nn.Module, peers: int, seed: int) -> PeersOf:
    """The model and k-1 copies of it whose heads, all that lies outside the pre-trained body, are drawn anew.

    Raises:
        InputError: the model does not say which part of it is its head.
    """
    if peers == 1:
        return PeersOf.around([model])
    if not isinstance(model, PreTrainedModel) or model.base_model is model:
        raise InputError(
            f"a copy of {type(model).__name__} would be equal to it, and equal networks cannot correct each other; "
            "give `model_init`, which is called once for each peer, each time with another seed"
        )
    _check_room(model, peers)
    body = set(model.base_model.modules())
    networks: list[nn.Module] = [model]
    for drawn in peer_seeds(seed, peers)[1:]:
        # The copy keeps the body of the first: `deepcopy` finds its modules in the same places.
        twin = copy.deepcopy(model)
        with seeded(drawn):
            for part, original in zip(list(twin.modules()), list(model.modules()), strict=True):
                if original not in body and original is not model:
                    _draw_anew(twin, part)
        networks.append(twin)
    return PeersOf.around(networks)


def _check_room(network: nn.Module, peers: int) -> None:
    """That as many networks like this one can be had; what training takes beside their weights depends on it."""
    here = [values for values in network.parameters() if values.device.type == "cpu"]
    numbers, size = sum(map(Tensor.numel, here)), sum(values.numel() * values.element_size() for values in here)
    check_memory((peers - 1) * size, f"{peers:,} peers of {numbers:,} numbers", "peers")


def _draw_anew(model: PreTrainedModel, part: Any) -> None:
    flagged = (part, *part.parameters(recurse=False))
    for values in flagged:
        values._is_hf_initialized = False  # else `transformers` leaves it as it is
    with torch.no_grad():
        model._init_weights(part)
    for values in flagged:
        values._is_hf_initialized = True  # else it is drawn once more around the peers, by another generator


def equal_peers(model: nn.Module) -> bool:
    """Whether two networks of a `PeersOf` start from the same numbers throughout."""
    if not isinstance(model, PeersOf) or model.peers < 2:
        return False
    first, second = (list(network.parameters()) for network in model.networks[:2])
    return len(first) == len(second) and all(
        one.shape == other.shape and bool(torch.equal(one, other)) for one, other in zip(first, second, strict=True)
    )


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """PyTorch's generators at `seed` inside, and as they were afterwards."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        yield


def _networks(config: PeersOfConfig, given: Callable[[], nn.Module] | type[PreTrainedModel] | None) -> list[nn.Module]:
    """The networks of a configuration, before their weights are loaded."""
    if given is None and config.inner is None:
        raise InputError(
            "the peers are no networks of transformers, and their folder does not tell how they are made; give what "
            "makes one, its class or a function without arguments: PeersOf.from_pretrained(folder, network_class=...)"
        )
    kind: Any = given or _class_named(config.architecture)
    if isinstance(kind, type) and issubclass(kind, PreTrainedModel):
        inner = kind.config_class.from_dict(dict(config.inner or {}))  # type: ignore[attr-defined]
        return [kind(copy.deepcopy(inner)) for _ in range(config.peers)]
    return [kind() for _ in range(config.peers)]


def _class_named(architecture: str | None) -> type[PreTrainedModel]:
    import transformers

    kind = getattr(transformers, architecture or "", None)
    if not (isinstance(kind, type) and issubclass(kind, PreTrainedModel)):
        raise InputError(
            f"the peers are networks of the class '{architecture}', which transformers does not know; give it to "
            "PeersOf.from_pretrained(folder, network_class=...)"
        )
    return kind

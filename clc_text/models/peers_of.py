"""`PeersOf`: k networks of any architecture whose output has `logits`, side by side behind one model."""

from __future__ import annotations

import copy
import inspect
import json
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn
from transformers import AutoModelForSequenceClassification, PreTrainedConfig, PreTrainedModel

from clc_text.errors import InputError
from clc_text.models.multi_label import PROBLEM
from clc_text.models.peers import PeersOutput, SeparatePeersModel, peer_seeds
from clc_text.models.peers_folder import (
    HUB,
    PEERS,
    PeersFacts,
    forget_peers,
    place_of,
    read_peers,
    save_networks,
    saves_itself,
)
from clc_text.utils.damage import undamaged
from clc_text.utils.memory import check_memory

CARD = """## One network of {peers}

`AutoModelForSequenceClassification` and `pipeline` read network {number} of {peers} that learnt side by side \
({chosen}). All of them, whose mean probability is what was evaluated while training:

```python
from clc_text.models.peers_of import PeersOf

model = PeersOf.from_pretrained("{name}")
```
"""
CARD_OWN = """## {peers} networks in one file

They are no models of `transformers`, so no `AutoModel` reads them, but `PeersOf`, told what makes one network:

```python
from clc_text.models.peers_of import PeersOf

model = PeersOf.from_pretrained("{name}", network_class=...)
```
"""
FIRST = "the first: nothing was held out to choose by"
_OF_A_PUSH = ("repo_id", "commit_message", "commit_description", "private", "revision", "create_pr", "tags")


class PeersOfConfig(PreTrainedConfig):
    """Of networks that are no models of `transformers`, and of folders that earlier versions wrote.

    `inner` is the configuration of each network as plain values, `architecture` its class in `transformers`; both are
    None for networks that are no `PreTrainedModel`: those cannot be made from a folder alone.
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
    """k networks that see the same batch: whatever they take -> `PeersOutput`, with the ensemble's logits when asked.

    `save_pretrained` writes one network as the ordinary model that it is, and the others in folders below; networks
    that are no models of `transformers` in one file, as ``peer_0.…``, ``peer_1.…``. `config` is that of one network.

    Attributes:
        main_peer: which network the folder itself holds.
        chosen: why that one, in words.

    Args:
        config: what `save_pretrained` wrote, or `PeersOf.around` made.
        networks: the networks; None: made anew from `config`.
        network_class: their class, where `transformers` does not know it; for networks that are no
            `PreTrainedModel`, what makes one when it is called without arguments.
    """

    config_class = PeersOfConfig
    one_is_ordinary: ClassVar[bool] = True  # whether a network by itself takes what all of them take

    def __init__(
        self,
        config: PeersOfConfig,
        networks: Sequence[nn.Module] | None = None,
        network_class: Callable[[], nn.Module] | type[PreTrainedModel] | None = None,
    ) -> None:
        super().__init__(config)
        made = networks is None
        if networks is None:
            networks = _networks(config, network_class)
        self._peers = len(networks)
        for peer, network in enumerate(networks):
            self.add_module(f"peer_{peer}", network)
        self.main_peer, self.chosen = 0, "the only one" if len(networks) == 1 else FIRST
        self.main_input_name = getattr(networks[0], "main_input_name", "input_ids")
        self.supports_gradient_checkpointing = all(
            getattr(network, "supports_gradient_checkpointing", False) for network in networks
        )
        if not made:
            parts: Any = self.modules()
            for part in parts:  # else what others put into a network, such as adapters of peft, is drawn anew
                part._is_hf_initialized = True
        self.post_init()
        self._configure()

    def _configure(self) -> None:
        """Takes over the configuration of a network, with everything that is asked of a model's."""
        first: Any = self.networks[0]
        if self.writes_ordinary:
            self.config = copy.deepcopy(first.config)
            self.config.peers = len(self.networks)
            self.name_or_path = self.config.name_or_path

    @property
    def peers(self) -> int:
        return self._peers

    def __getattr__(self, name: str) -> Any:
        try:
            return super().__getattr__(name)
        except AttributeError:
            if name.startswith("_"):
                raise
        first, peers = self._modules.get("peer_0"), self._peers
        if not hasattr(first, name):
            raise AttributeError(f"neither {type(self).__name__} nor its networks have an attribute '{name}'")
        if peers > 1:
            values = [getattr(network, name) for network in self.networks]
            if all(isinstance(value, (bool, int, float, str)) and value == values[0] for value in values):
                return values[0]  # such as `num_labels`
            raise AttributeError(f"each of the {peers} networks has a '{name}' of its own: model.networks[0].{name}")
        return getattr(first, name)

    def save_pretrained(
        self,
        save_directory: str | os.PathLike[str],
        is_main_process: bool = True,
        state_dict: dict[str, Tensor] | None = None,
        push_to_hub: bool = False,
        merge_adapters: bool = False,
        **named: Any,
    ) -> None:
        """Writes the folder: `main_peer` as an ordinary model, the others below ``peers/``; see `from_pretrained`.

        Args:
            merge_adapters: write networks with adapters of peft as the ordinary models that they make together with
                the model below them, equal to them but for rounding; without it, as adapters.
        """
        folder = Path(save_directory)
        if not self.writes_ordinary:
            if is_main_process:
                forget_peers(folder)
            super().save_pretrained(save_directory, is_main_process, state_dict, push_to_hub, **named)
            return
        if not is_main_process:
            return
        hub = {name: named.pop(name) for name in _OF_A_PUSH if name in named} if push_to_hub else {}
        facts: PeersFacts = {"peers": self.peers, "main": self.main_peer, "chosen": self.chosen, "classes": []}
        facts["classes"] = [str(self.config.id2label[number]) for number in range(self.config.num_labels)]
        save_networks(self.networks, folder, facts, state_dict, merge_adapters, **named)
        if push_to_hub:
            self.push_to_hub(hub.pop("repo_id", folder.name), token=named.get("token"), **hub)

    def save_alone(self, folder: Path) -> None:
        self.save_pretrained(folder, merge_adapters=True)

    def push_to_hub(
        self,
        repo_id: str,
        *,
        commit_message: str | None = None,
        commit_description: str | None = None,
        private: bool | None = None,
        token: bool | str | None = None,
        revision: str | None = None,
        create_pr: bool = False,
        max_shard_size: int | str | None = "50GB",
        tags: list[str] | None = None,
    ) -> str:
        """As `PreTrainedModel.push_to_hub`, with the folders below the model's."""
        from huggingface_hub import HfApi
        from transformers.utils.hub import create_and_tag_model_card

        api = HfApi(token=token)
        repo_id = api.create_repo(repo_id, private=private, exist_ok=True).repo_id
        card = create_and_tag_model_card(repo_id, tags, token=token)
        card.text = f"{card.text.rstrip()}\n\n{self.card_section(repo_id)}"
        with tempfile.TemporaryDirectory() as folder:
            self.save_pretrained(folder, max_shard_size=max_shard_size)
            card.save(Path(folder) / "README.md")
            return api.upload_folder(
                repo_id=repo_id,
                folder_path=folder,
                commit_message=commit_message or "Upload model",
                commit_description=commit_description,
                revision=revision,
                create_pr=create_pr,
            )

    def card_section(self, name: str) -> str:
        """What a card says of the folder, in Markdown.

        Args:
            name: the Hub id that is loaded.
        """
        if not self.writes_ordinary:
            return CARD_OWN.format(peers=self.peers, name=name)
        if self.peers == 1:
            return ""
        return CARD.format(peers=self.peers, number=self.main_peer, chosen=self.chosen, name=name)

    def choose_main(self, classes: np.ndarray, together: np.ndarray) -> None:
        """Makes the network that most often says what all say together the one that the folder holds.

        Args:
            classes: int [N, P], each network's, of rows that were held out; of a multi-label model of their pairs with
                a class.
            together: int [N], the ensemble's.
        """
        if self.peers == 1 or not len(together):
            return
        shares = (classes == together[:, None]).mean(0)
        self.main_peer = int(shares.argmax())
        others = ", ".join(f"{share:.1%}" for peer, share in enumerate(shares) if peer != self.main_peer)
        several = getattr(self.config, "problem_type", None) == PROBLEM
        counted = "held-out pairs of a text and a class" if several else "held-out rows"
        self.chosen = (
            f"it agrees with all of them together on {shares[self.main_peer]:.1%} of {len(together):,} {counted}; "
            f"the others on {others}"
        )

    @property
    def writes_ordinary(self) -> bool:
        """Whether `save_pretrained` writes ordinary models."""
        return self.one_is_ordinary and all(map(saves_itself, self.networks))

    @classmethod
    def from_pretrained(cls, name: Any, *positional: Any, **named: Any) -> Any:
        """All the networks of a folder or Hub id, as `save_pretrained` wrote them: the exact ensemble.

        Args:
            name: the folder, or a Hub id.
            named: what `PreTrainedModel.from_pretrained` takes, and the `network_class` of this class.

        Raises:
            InputError: the folder holds no networks side by side, or needs `network_class`.
        """
        facts = read_peers(name, **{"subfolder": "", **named})
        if facts is None:
            return cls._from_one_file(name, *positional, **named)
        network_class, inside = named.pop("network_class", None), named.pop("subfolder", "")
        asked = named.pop("output_loading_info", False)
        networks, told = [], {}
        for peer in range(facts["peers"]):
            place = "/".join(filter(None, [inside, place_of(peer, facts["main"])]))
            network, told[f"peer_{peer}"] = _network_in(
                name, place, facts["classes"], network_class, positional, named
            )
            networks.append(network)
        made = cls.around(networks)
        made.main_peer, made.chosen = facts["main"], facts["chosen"]
        made.eval()
        return (made, told) if asked else made

    @classmethod
    def _from_one_file(cls, *positional: Any, **named: Any) -> Any:
        """Networks that are no models of `transformers`, and folders of earlier versions."""
        if Path(positional[0]).is_dir():
            _check_kind(Path(positional[0]), cls)
        given = super().from_pretrained(*positional, **named)
        loaded, make = (given[0] if isinstance(given, tuple) else given), named.get("network_class")
        if make is not None and isinstance(loaded.config, PeersOfConfig) and loaded.config.inner is None:
            # It fills in what is saved and nothing else, so a plain network would lose the buffers that are not.
            fresh = dict(make().named_buffers())
            for network in loaded.networks:
                saved = network.state_dict()
                for name, values in network.named_buffers():
                    if name not in saved:
                        values.data.copy_(fresh[name])
        return given

    @classmethod
    def around(cls, networks: Sequence[nn.Module]) -> PeersOf:
        """The model around networks that exist; they are not copied."""
        classes = getattr(getattr(networks[0], "config", None), "num_labels", None)
        return cls(PeersOfConfig(peers=len(networks), **({"num_labels": classes} if classes else {})), networks)

    @property
    def networks(self) -> list[nn.Module]:  # type: ignore[override]
        return [getattr(self, f"peer_{peer}") for peer in range(self.peers)]

    def forward(self, labels: Tensor | None = None, index: Tensor | None = None, **inputs: Any) -> PeersOutput:
        """`inputs` are what one network takes, `labels` are for a loss; `index`, the rows' numbers, is the trainer's.

        With ``return_dict=False`` a tuple: (loss, logits), the loss where there are labels.
        """
        as_tuple = inputs.get("return_dict") is False
        outputs, fed = zip(*[self._of(network, inputs) for network in self.networks], strict=True)
        hidden = [values for values in fed if values is not None]
        output = self.output(
            torch.stack([logits_of(each) for each in outputs]),
            torch.stack(hidden) if len(hidden) == self.peers else None,
            labels,
            _beside_logits(outputs[0]) if self.peers == 1 and not self.training else None,
        )
        if as_tuple:
            return tuple(part for part in (output.loss, output.logits) if part is not None)  # type: ignore[return-value]
        return output

    def peer_logits(self, peer: int, **inputs: Any) -> Tensor:
        return logits_of(self.networks[peer](**inputs))

    def _of(self, network: nn.Module, inputs: dict[str, Any]) -> tuple[Any, Tensor | None]:
        """One network's output and, when nothing is learnt, what its last linear layer is fed."""
        if self.training:
            return network(**inputs), None
        fed: list[Tensor] = []
        heads = [part for part in network.modules() if isinstance(part, nn.Linear)]
        handle = heads[-1].register_forward_pre_hook(lambda _, given: fed.append(given[0])) if heads else None
        try:
            output = network(**inputs)
        finally:
            if handle is not None:
                handle.remove()
        logits = logits_of(output)
        shown = bool(fed) and heads[-1].out_features == logits.shape[-1] and fed[-1].shape[:-1] == logits.shape[:-1]
        return output, fed[-1] if shown else None

    def get_input_embeddings(self) -> Any:
        """Of one network.

        Raises:
            NotImplementedError: there are several, as `transformers` raises it.
        """
        if self.peers > 1:
            own = "model.networks[0].get_input_embeddings()"
            raise NotImplementedError(f"each of the {self.peers} networks has embeddings of its own: {own}")
        first: Any = self.networks[0]
        return first.get_input_embeddings()

    def network_signature(self) -> list[str]:
        """The names of the columns that a network takes, for `remove_unused_columns`."""
        network = self.networks[0]
        inner = getattr(network, "get_base_model", lambda: network)()  # a peft model hides its network's signature
        return list(inspect.signature(inner.forward).parameters)

    def align_special_tokens(self, tokenizer: Any) -> None:
        """Each network's padding and the like as the tokenizer has them."""
        from clc_text.utils.older_transformers import align_special_tokens  # imports `Trainer`

        for network in self.networks:
            if isinstance(network, PreTrainedModel):
                align_special_tokens(network, tokenizer)
        self._configure()

    def export_peer(self, peer: int) -> Any:
        """A copy of one network, of its own class: `save_pretrained` and an `AutoModel` take it as usual."""
        self.check_peer(peer)
        return copy.deepcopy(self.networks[peer])


def logits_of(output: Any) -> Tensor:
    """The logits [B, C] of a network's output.

    Raises:
        InputError: it has none, or they are not one row of classes for each row of the batch.
    """
    if isinstance(output, tuple):  # of a model that is told return_dict=False
        logits = next((part for part in output if isinstance(part, Tensor) and part.dim() > 0), None)
    else:
        logits = (
            output["logits"] if isinstance(output, dict) and "logits" in output else getattr(output, "logits", None)
        )
    if not isinstance(logits, Tensor):
        raise InputError(
            f"the model gives a {type(output).__name__} without `logits`; take one with a classification head, "
            "such as AutoModelForSequenceClassification",
            key="logits",
        )
    if logits.dim() != 2:
        raise InputError(
            f"the model's logits have the shape {list(logits.shape)}, but rows have one label each: [batch, classes]",
            key="logits",
        )
    return logits


def _beside_logits(output: Any) -> dict[Any, Any] | None:
    """What a network gives beside its logits and its loss, in its order; None: nothing."""
    if isinstance(output, tuple):
        logits = logits_of(output)
        behind = next(place for place, part in enumerate(output) if part is logits) + 1
        return dict(enumerate(output[behind:])) or None
    given = output if isinstance(output, dict) else getattr(output, "__dict__", {})
    return {name: part for name, part in given.items() if name not in ("loss", "logits") and part is not None} or None


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
            "give `model_init`, which is called once for each peer, each time with another seed",
            key="model_init",
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
            "makes one, its class or a function without arguments: PeersOf.from_pretrained(folder, network_class=...)",
            key="network_class",
        )
    kind: Any = given or _class_named(config.architecture)
    if isinstance(kind, type) and issubclass(kind, PreTrainedModel):
        inner = kind.config_class.from_dict(dict(config.inner or {}))  # type: ignore[attr-defined]
        return [kind(copy.deepcopy(inner)) for _ in range(config.peers)]
    return [kind() for _ in range(config.peers)]


def _network_in(
    name: Any, place: str, classes: list[str], network_class: Any, positional: tuple[Any, ...], named: dict[str, Any]
) -> tuple[nn.Module, Any]:
    """One network of a folder, and what `transformers` tells of its loading."""
    from transformers.utils.peft_utils import find_adapter_config_file

    hub = {key: value for key, value in named.items() if key in HUB}
    if find_adapter_config_file(name, subfolder=place, **hub) is not None:
        return _with_adapters(name, place, classes, hub), None
    kind = network_class
    if kind is None:
        values, _ = PreTrainedConfig.get_config_dict(name, subfolder=place, **hub)
        kind = _class_named(next(iter(values.get("architectures") or []), None))
    told = {"use_safetensors": True} | named
    network, info = kind.from_pretrained(name, *positional, subfolder=place, output_loading_info=True, **told)
    return network, info


def _with_adapters(name: Any, place: str, classes: list[str], hub: dict[str, Any]) -> nn.Module:
    """Adapters on the model that they were made for, which may know other classes."""
    try:
        from peft import PeftConfig, PeftModel
    except ImportError:
        raise InputError(
            f"{name} holds adapters, which need peft; `pip install 'clc-text[peft]'`", where=name
        ) from None
    below = PeftConfig.from_pretrained(name, subfolder=place or None, **hub).base_model_name_or_path
    if not below:
        raise InputError(f"the adapters in {name} do not name the model that they lie on; save that first, load it "
                         "by its folder, and train again", where=name)  # fmt: skip
    base = AutoModelForSequenceClassification.from_pretrained(
        below,
        id2label=dict(enumerate(classes)),
        label2id={label: number for number, label in enumerate(classes)},
        ignore_mismatched_sizes=True,
        use_safetensors=True,
    )
    return PeftModel.from_pretrained(base, name, subfolder=place or None, **hub)


# A pipeline calls a class that is not among these unsupported, in an error of a hundred names, and works all the same.
AutoModelForSequenceClassification.register(PeersOfConfig, PeersOf, exist_ok=True)


def _check_kind(folder: Path, cls: type[PreTrainedModel]) -> None:
    """Refuses the folder of another model, of which `transformers` would make networks with weights drawn anew."""
    path = folder / "config.json"
    if not path.is_file():
        return
    with undamaged(path):
        kind = json.loads(path.read_text(encoding="utf-8")).get("model_type")
    wanted = cls.config_class.model_type
    if kind is not None and kind != wanted:
        told = "clc-text predict reads it" if str(kind).startswith("clc_") else "an AutoModel of transformers reads it"
        raise InputError(
            f"{folder} holds a model of type {kind} and no {PEERS}, so no networks side by side; {told}",
            where=folder,
            key=PEERS,
        )


def _class_named(architecture: str | None) -> type[PreTrainedModel]:
    import transformers

    kind = getattr(transformers, architecture or "", None)
    if not (isinstance(kind, type) and issubclass(kind, PreTrainedModel)):
        raise InputError(
            f"the peers are networks of the class '{architecture}', which transformers does not know; give it to "
            "PeersOf.from_pretrained(folder, network_class=...)",
            key=architecture,
        )
    return kind

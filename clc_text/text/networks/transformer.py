"""A pre-trained encoder with a classification head, fine-tuned; its peers whole, or on one backbone in memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from clc_text.config.components import option
from clc_text.errors import InputError
from clc_text.models.network import Network
from clc_text.text.networks.base import network

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel

KEY = "network.model"


@network("transformer")
@dataclass(frozen=True)
class Transformer(Network):
    """Fine-tunes any model that `AutoModelForSequenceClassification` knows (`backbone: separate`), or small parts
    beside one that all peers share.

    What a run leaves in `model/` is an ordinary model where the heads are the model's own; adapters are merged in. A
    head on the mean of the tokens is this package's.

    Each peer's head is drawn from a seed of its own, and dropout strikes each peer differently. The order of the rows
    is the same for all peers, since a method compares what they say of one batch.
    """

    model: str = option(
        "sentence-transformers/all-MiniLM-L6-v2",
        "a folder, a Hub id, or 'package:NAME' for an installed package that carries a model; safetensors only",
        not_empty=True,
        give="a folder, a Hub id or 'package:NAME'",
    )
    backbone: Literal["separate", "frozen", "lora"] = option(
        "separate",
        "separate: every peer is a whole network, all of it trained; frozen: one backbone that is never changed, and "
        "heads on the mean of its token vectors; lora: one backbone in memory, with a low-rank adapter and a head for "
        "each peer (needs the extra peft)",
    )
    head: Literal["own", "mean"] | None = option(
        None,
        "own: the one that transformers gives the model, so that it loads what a run leaves; mean: layers on the mean "
        "of the token vectors, which only this package loads; null: mean for frozen and for hidden layers, else own",
    )
    hidden: list[int] = option(
        [],
        "head mean: widths of the head's hidden layers; none: one linear layer",
        at_least=1,
        at_most=1_000_000,
        items_at_most=100,
        give="widths of at least 1, at most 100 of them, or none",
    )
    dropout: float = option(
        0.1,
        "head mean: share of the head's inputs that are dropped while training",
        at_least=0,
        below=1,
        give="a share in [0, 1)",
    )
    lora_rank: int = option(8, "lora: rank of the adapters", at_least=1, at_most=10_000)
    lora_alpha: float = option(
        16.0, "lora: the adapters' output is scaled by lora_alpha / lora_rank", at_least=0, at_most=1_000_000
    )
    lora_layers: list[str] | None = option(
        None, "lora: names of the linear layers that get adapters, as peft knows them; null: all of its linear layers"
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.head == "mean" and self.backbone == "separate":
            raise InputError(
                "network.head is mean, but networks that are separate have the heads of their model; leave it out, or "
                "set backbone to frozen or lora",
                key="network.head",
            )
        if self.head == "own" and self.backbone == "frozen":
            # It reads what the model makes for it, such as the first token, which says little before it is trained to.
            raise InputError(
                "network.head is own, but a frozen backbone has never learnt to serve the model's own head; leave it "
                "out, or set backbone to lora",
                key="network.head",
            )
        if self.head == "own" and self.hidden:
            raise InputError(
                f"network.hidden is {self.hidden}, but head own has the layers that its model gives it; leave one of "
                "them out",
                key="network.hidden",
            )

    @property
    def adapts_own_head(self) -> bool:
        """Whether peers are adapters with the model's own head, on one backbone."""
        return self.backbone == "lora" and not self.hidden and self.head != "mean"

    def build(self, inputs: Mapping[str, Tensor], label_names: list[str], peers: int, seed: int) -> PreTrainedModel:
        from transformers import AutoModel, AutoModelForSequenceClassification

        from clc_text.models.peers_of import peers_from_init
        from clc_text.models.pretrained import load_model, model_folder

        if "input_ids" not in inputs:
            raise InputError(
                "network transformer reads tokens; write `encoder: {name: tokens, model: …}` beside it", key="encoder"
            )
        folder = model_folder(self.model, KEY)
        names: dict[str, Any] = {
            "id2label": dict(enumerate(label_names)),
            "label2id": {name: index for index, name in enumerate(label_names)},
        }
        lora = {"rank": self.lora_rank, "alpha": self.lora_alpha, "layers": self.lora_layers}
        if self.backbone == "separate" or self.adapts_own_head:

            def make() -> tuple[Any, Any]:
                """A model with its own head, and what was loaded of it."""
                kind = AutoModelForSequenceClassification
                return load_model(kind, folder, KEY, ignore_mismatched_sizes=True, output_loading_info=True, **names)

            if self.adapts_own_head:
                from clc_text.text.models.adapted import adapted_peers

                model: Any = adapted_peers(make, lora, peers, seed)
            else:
                model = peers_from_init(lambda: make()[0], peers, seed)
            vocabulary = model.config.vocab_size
        else:
            from clc_text.text.models.shared_backbone import SharedBackbone, SharedBackboneConfig

            inner = load_model(AutoModel, folder, KEY)
            config = SharedBackboneConfig(
                inner=inner.config.to_dict(),
                lora=lora if self.backbone == "lora" else None,
                hidden_sizes=list(self.hidden),
                dropout=self.dropout,
                peers=peers,
                seed=seed,
                **names,
            )
            model, vocabulary = SharedBackbone(config, inner), inner.config.vocab_size
        _check_vocabulary(inputs["input_ids"], vocabulary)
        return model

    def load(self, directory: Path) -> PreTrainedModel:
        from clc_text.models.peers_folder import PEERS

        if self.backbone == "separate" or (directory / PEERS).is_file():
            from clc_text.models.peers_of import PeersOf

            return PeersOf.from_pretrained(directory)
        from clc_text.text.models.shared_backbone import SharedBackbone

        return SharedBackbone.from_pretrained(directory)


def _check_vocabulary(ids: Tensor, size: int) -> None:
    largest = int(ids.max())
    if largest >= size:
        raise InputError(
            f"encoder tokens gives the token number {largest}, but network.model knows {size}; name the same model in "
            "encoder.model and network.model",
            key="network.model",
        )

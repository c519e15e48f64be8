"""Builds `SeparatePeers` from a pre-trained model, or from a configuration alone."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clc_text.models.network import label_options
from clc_text.models.peers import peer_seeds
from clc_text.models.peers_of import seeded
from clc_text.models.pretrained import load_model, model_folder
from clc_text.vision.normalisation import channel_statistics

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedConfig, PreTrainedModel

KEY = "network.weights"


def build_peers(
    inputs: Mapping[str, Tensor],
    label_names: list[str],
    peers: int,
    seed: int,
    image_size: int | None,
    *,
    weights: str | None,
    config: PreTrainedConfig | None = None,
) -> PreTrainedModel:
    """k peers, each with the same pre-trained weights and a last layer of its own.

    Args:
        weights: a folder, a Hub id or ``package:NAME``, with safetensors; None: initial weights, as `config` says.

    Raises:
        InputError: there is no such model, it has no safetensors, or it is no image classifier.
    """
    from transformers import AutoModelForImageClassification

    from clc_text.vision.models.separate_peers import SeparatePeers, SeparatePeersConfig

    folder = None if weights is None else model_folder(weights, KEY)
    options = label_options(label_names)
    networks: list[Any] = []
    for drawn in peer_seeds(seed, peers):
        with seeded(drawn):
            if folder is None:
                networks.append(AutoModelForImageClassification.from_config(config))
            else:
                kind = AutoModelForImageClassification
                networks.append(load_model(kind, folder, KEY, ignore_mismatched_sizes=True, **options))
    normalisation = None if folder is None else _published_normalisation(folder)
    mean, std = normalisation or channel_statistics(inputs["pixels"])
    outer = SeparatePeersConfig(
        inner=networks[0].config.to_dict(),
        architecture=type(networks[0]).__name__,
        mean=mean,
        std=std,
        image_size=image_size,
        peers=peers,
        **options,
    )
    return SeparatePeers(outer, networks)


def _published_normalisation(folder: Path) -> tuple[list[float], list[float]] | None:
    """Mean and deviation that the model was trained with, from its preprocessor_config.json; None without one."""
    try:
        values = json.loads((folder / "preprocessor_config.json").read_text(encoding="utf-8"))
        mean, std = [float(value) for value in values["image_mean"]], [float(value) for value in values["image_std"]]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return (mean, std) if len(mean) == len(std) == 3 and min(std) > 0 else None

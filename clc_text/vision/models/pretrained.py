"""Builds `SeparatePeers` from a pre-trained model, or from a configuration alone."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from clc_text.errors import InputError
from clc_text.vision.networks.base import label_options
from clc_text.vision.normalisation import channel_statistics

if TYPE_CHECKING:
    from transformers import PreTrainedConfig, PreTrainedModel


def build_peers(
    inputs: Mapping[str, torch.Tensor],
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
        weights: a folder or a Hub id with safetensors; None: initial weights, as `config` says.

    Raises:
        InputError: there is no such model, it has no safetensors, or it is no image classifier.
    """
    import numpy as np
    from transformers import AutoModelForImageClassification

    from clc_text.vision.models.separate_peers import SeparatePeers, SeparatePeersConfig

    seeds = [int(stream.generate_state(1)[0]) for stream in np.random.SeedSequence(seed).spawn(peers)]
    networks = []
    for drawn in seeds:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(drawn)
            if weights is not None:
                networks.append(_pretrained(weights, label_names))
            else:
                assert config is not None
                networks.append(AutoModelForImageClassification.from_config(config))
    normalisation = None if weights is None else _published_normalisation(weights)
    mean, std = normalisation or channel_statistics(inputs["pixels"])
    inner = networks[0].config.to_dict()
    outer = SeparatePeersConfig(
        inner=inner, mean=mean, std=std, image_size=image_size, peers=peers, **label_options(label_names)
    )
    with torch.random.fork_rng(devices=[]):
        model = SeparatePeers(outer)
    for peer, network in enumerate(networks):
        model.networks[peer].load_state_dict(network.state_dict())
    return model


def _pretrained(weights: str, label_names: list[str]) -> Any:
    from transformers import AutoModelForImageClassification

    try:
        return AutoModelForImageClassification.from_pretrained(
            weights,
            **label_options(label_names),
            ignore_mismatched_sizes=True,  # the last layer has other classes
            use_safetensors=True,
            trust_remote_code=False,
            dtype=torch.float32,
        )
    except (OSError, ValueError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
        raise InputError(
            f"the model '{weights}' cannot be read ({reason}); name a folder or a Hub id of an image classifier with "
            "safetensors, or null for initial weights"
        ) from None


def _published_normalisation(weights: str) -> tuple[list[float], list[float]] | None:
    """Mean and deviation that the model was trained with, from its preprocessor_config.json; None without one."""
    from transformers.utils import cached_file

    name = "preprocessor_config.json"
    try:
        path = cached_file(weights, name)
        values = json.loads(Path(path).read_text(encoding="utf-8"))
        mean, std = [float(value) for value in values["image_mean"]], [float(value) for value in values["image_std"]]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return (mean, std) if len(mean) == len(std) == 3 and min(std) > 0 else None

"""A script's arguments have the limits that the same options have in a recipe."""

from __future__ import annotations

import math
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import torch
from refusals import refused
from small_training import arguments, peers_model, rows
from torch import nn

from clc_text.config.recipe import Training
from clc_text.crossfit.trainer import CLCTrainer
from clc_text.errors import InputError
from clc_text.training.arguments import _AS_IN_RECIPES, NoisyLabelOptions, check_limits

OPTIONS = _AS_IN_RECIPES | {field.name: field.name for field in fields(NoisyLabelOptions)}
# In a script a part of an epoch may be trained, and a recipe's `decay_from_epoch` is held to its epochs beside.
VALUES = [math.nan, math.inf, -1, -1e23, 10**23, 0, 2, 1_000_001]


def refused_in_a_recipe(option: str, value: object) -> bool:
    try:
        Training(**{"epochs": 1_000_000} | {option: value})  # type: ignore[arg-type]
    except InputError:
        return True
    return False


@pytest.mark.parametrize("name", OPTIONS)
def test_a_script_refuses_what_a_recipe_refuses(tmp_path: Path, name: str) -> None:
    args = arguments(tmp_path)
    usual = getattr(args, name)
    for value in VALUES:
        setattr(args, name, value)
        if refused_in_a_recipe(OPTIONS[name], value):
            with refused(key=name):
                check_limits(args, None)
        else:
            check_limits(args, None)
    setattr(args, name, usual)
    check_limits(args, None)


@pytest.mark.parametrize(
    ("more", "key"),
    [
        ({"class_weights": [1.0, math.nan, 1.0, 1.0]}, "class_weights"),
        ({"class_weights": torch.tensor([1.0, -1.0, 1.0, 1.0])}, "class_weights"),
        ({"class_weights": [0.0] * 4}, "class_weights"),
        ({"class_weights": ["much", "little"]}, "class_weights"),
        ({"class_weights": []}, "class_weights"),
        ({"peers": 100_000_000_000}, "peers"),
        ({"peers": 0}, "peers"),
        ({"peers": 2.0}, "peers"),
        ({"noise_rate": math.nan}, "noise_rate"),
    ],
)
def test_so_does_the_trainer_with_its_own(tmp_path: Path, more: dict[str, Any], key: str) -> None:
    with refused(key=key):
        CLCTrainer(peers_model(), arguments(tmp_path), train_dataset=rows(), **more)


def test_a_learning_rate_that_is_none_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    made = []
    with refused(key="learning_rate"):
        CLCTrainer(model_init=lambda: made.append(1), args=arguments(tmp_path, learning_rate=math.nan))
    assert not made


def test_more_networks_than_there_is_room_for_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Large(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.zeros(1_000))

    made: list[nn.Module] = []

    def make() -> nn.Module:
        made.append(Large())
        return made[-1]

    monkeypatch.setattr("clc_text.utils.memory.free_memory", lambda: 1_000_000)
    with refused(key="peers"):
        CLCTrainer(model_init=make, args=arguments(tmp_path), train_dataset=rows(), peers=9_000)
    assert len(made) == 1

"""What cannot be had is refused before it is taken, and by no more than it needs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from refusals import refused

from clc_text.config.recipe import loads
from clc_text.errors import InputError
from clc_text.runs.run import train
from clc_text.text.networks.mlp import MLP
from clc_text.utils import memory
from clc_text.utils.memory import check_memory, free_memory
from clc_text.vision.networks.cnn9 import CNN9


def test_a_refusal_says_how_much_and_what_to_lower() -> None:
    check_memory(0, "nothing", "nothing")
    with refused(key="its height"):
        check_memory(1e22, "a wall of bits", "its height")


def test_free_memory_is_a_number_where_the_system_says() -> None:
    free = free_memory()
    assert free is None or free >= 0


def test_where_the_system_says_nothing_nothing_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "free_memory", lambda: None)
    check_memory(1e30, "all of it", "nothing")


@pytest.mark.parametrize(
    ("network", "inputs"),
    [
        (MLP(hidden=[7, 5]), {"features": torch.zeros(2, 11)}),
        (CNN9(width=4), {"pixels": torch.zeros(2, 3, 32, 32, dtype=torch.uint8)}),
    ],
)
def test_a_network_has_as_many_numbers_as_it_says_or_few_more(network: Any, inputs: dict[str, Any]) -> None:
    said = network.numbers(inputs, 3)
    built = network.build(inputs, ["a", "b", "c"], 1, 0)
    had = sum(values.numel() for values in built.parameters())
    assert 0.8 * had <= said <= had


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        (["peers=10000"], "10,000 peers of .* numbers"),
        (["network.hidden=[900000, 900000]"], "2 peers of .* numbers"),
        (["training.workers=200"], "200 workers"),
    ],
)
def test_a_run_too_large_leaves_nothing_behind(
    changes: list[str], named: str, tiny_recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "free_memory", lambda: 100 << 20)
    recipe = loads(tiny_recipe.read_text(), overrides=changes)
    with pytest.raises(InputError, match=named + " would take at least .*; lower "):
        train(recipe, tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("key", ["rows", "test_rows"])
def test_a_corpus_too_large_is_not_begun(key: str) -> None:
    with refused(where="recipe:1", key=f"data.{key}"):
        loads(f"data: {{name: quickstart, {key}: 20000000}}\n")

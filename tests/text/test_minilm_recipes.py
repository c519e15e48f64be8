"""The recipes with a real pre-trained model, as the results page reports them."""

from __future__ import annotations

from pathlib import Path

import pytest

from clc_text.config.recipe import load
from clc_text.runs.run import train


@pytest.mark.slow
def test_frozen_minilm_under_pairwise_noise(recipes: Path, real_data: Path, minilm: str, tmp_path: Path) -> None:
    """Measured over 5 seeds: 90.2 ± 1.2 (recipes/sweeps/results/minilm.md)."""
    result = train(load(recipes / "trec_minilm_pair04.yaml"), tmp_path / "run").result()
    assert result["accuracy"]["last10"]["peers_mean"] > 86


@pytest.mark.slow
def test_minilm_fine_tuned_for_an_epoch(recipes: Path, real_data: Path, minilm: str, tmp_path: Path) -> None:
    overrides = ["training.epochs=1", "network.backbone=lora", "noise.rate=0.2", "training.learning_rate=1e-3"]
    result = train(load(recipes / "trec_minilm_finetune_sym05.yaml", overrides), tmp_path / "run").result()
    assert result["accuracy"]["last"]["peers_mean"] > 70

"""A sweep of two tiny recipes."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

import pytest

from clc_text.sweep import local


@pytest.fixture
def tiny_sweep(tiny_recipe: Path) -> Path:
    """Eight cells: two recipes, two variants, two seeds."""
    text = tiny_recipe.read_text()
    (tiny_recipe.parent / "other.yaml").write_text(text.replace("symmetric", "pairwise"))
    path = tiny_recipe.parent / "sweep.yaml"
    path.write_text(
        "recipes: [tiny.yaml, other.yaml]\n"
        "seeds: [3, 5]\n"
        "set: {keep_data: false, training.epochs: 3}\n"
        "variants:\n"
        "  plain: {method.name: standard}\n"
        "  clc: {method.alpha: 0.2}\n"
    )
    return path


@pytest.fixture
def warm_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers are forked from one process that has imported everything, instead of doing so each, for many seconds."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["clc_text.sweep.cell", "clc_text.crossfit.trainer"])
    monkeypatch.setattr(local.multiprocessing, "get_context", lambda method: context)

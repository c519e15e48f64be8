"""Run directories made without training: every file as a run writes it, its numbers drawn from a seed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from browser import Browser, require
from datasets import ClassLabel, Dataset, Features, Value
from safetensors.torch import save_file

from clc_text.artifacts.dynamics import EpochRecord, epoch_file, write_epoch
from clc_text.artifacts.run_directory import RunDirectory
from clc_text.data.labels import Labels
from clc_text.noise.base import NoiseInput, noise
from clc_text.noise.inject import inject
from clc_text.training.epochs import EpochResult
from clc_text.training.metrics import MetricsLog, epoch_entry

NAMES = ["animal", "place", "time & date", "<b>person</b>"]


def build(
    path: Path,
    *,
    method: str = "clc",
    seed: int = 0,
    names: list[str] = NAMES,
    rows: int = 120,
    test_rows: int | None = 60,
    peers: int = 2,
    epochs: int = 6,
    planned: int | None = None,
    warmup: int = 3,
    rate: float = 0.4,
    texts: list[str] | None = None,
    true_known: bool = True,
    complete: bool = True,
    skill: float = 1.0,
    **method_options: Any,
) -> RunDirectory:
    """One run; `planned` more than `epochs` makes one that was cut short."""
    classes, random = len(names), np.random.default_rng(seed)
    true = np.random.default_rng(99).integers(0, classes, rows)
    if classes > 1 and rate:
        kind = noise.get("symmetric")(rate=rate)
    else:
        kind = noise.get("none")()
    injection = inject(kind, NoiseInput(true, names), seed)
    canary = np.zeros(rows, bool)
    labels = Labels(injection.labels, injection.labels.copy(), true if true_known else None, canary)
    texts = texts or [f"What is number {row} about {names[true[row]]}?" for row in range(rows)]
    _write_static(path, method, seed, names, labels, injection.manifest, texts, test_rows, peers, planned or epochs)
    recipe = yaml.safe_load((path / "recipe.yaml").read_text())
    recipe["method"] |= {"warmup_epochs": warmup, **method_options}
    (path / "recipe.yaml").write_text(yaml.safe_dump(recipe))

    log = MetricsLog(path / "metrics.jsonl")
    gamma, test_true = None, np.random.default_rng(98).integers(0, classes, test_rows or 1)
    difficulty = random.normal(0, 1.2, (peers, rows))
    # What the peers take the rows for: every tenth is one that they all get wrong.
    seen_as = np.where(np.arange(rows) % 10 == 9, (true + 1) % classes, true)
    for epoch in range(1, epochs + 1):
        supervised = epoch > warmup
        log_probs = _log_probs(random, seen_as, difficulty, skill * epoch / epochs, classes)
        entropy = -(log_probs.exp() * log_probs).sum(-1)
        if supervised and gamma is None and method.startswith(("clc", "slc")):
            gamma = entropy.mean(-1)
        prediction = log_probs.argmax(-1)
        trained = torch.from_numpy(labels.trained).expand_as(prediction)
        low = (
            torch.ones_like(prediction, dtype=torch.bool) if gamma is None else (entropy <= gamma[:, None]).roll(1, 0)
        )
        teaching = supervised and gamma is not None
        record = EpochRecord(
            seen=torch.ones(rows, dtype=torch.bool),
            prediction=prediction,
            confidence=log_probs.exp().amax(-1),
            entropy=entropy.float(),
            target=torch.where(low, prediction.roll(1, 0), trained) if teaching else trained.clone(),
            selected=low,
        )
        write_epoch(record, epoch_file(path / "dynamics", epoch))
        test = None
        if test_rows:
            spread = random.normal(0, 1, (peers, test_rows))
            test = _log_probs(random, test_true, spread, skill * epoch / epochs, classes)
        result = EpochResult(
            epoch, epoch * 10, 1.0 / epoch, 3e-4, record, test, gamma if teaching else None, supervised=supervised
        )
        log.append(epoch_entry(result, labels, classes, torch.from_numpy(test_true), float(epoch)))
    if complete and not planned:
        predictions = {"train": log_probs.float().contiguous()}
        if test is not None:
            predictions["test"] = test.float().contiguous()
        save_file(predictions, path / "predictions.safetensors")
        (path / "notices.json").write_text("[]")
        (path / "result.json").write_text(json.dumps({"method": method}))
    return RunDirectory(path)


def _log_probs(
    random: np.random.Generator, true: np.ndarray, difficulty: np.ndarray, skill: float, classes: int
) -> torch.Tensor:
    logits = random.normal(0, 0.6, (*difficulty.shape, classes))
    reach = 6.0 * skill + difficulty
    np.put_along_axis(logits, np.broadcast_to(true, difficulty.shape)[..., None], reach[..., None], -1)
    return torch.from_numpy(logits).float().log_softmax(-1)


def _write_static(
    path: Path,
    method: str,
    seed: int,
    names: list[str],
    labels: Labels,
    manifest: dict[str, Any],
    texts: list[str],
    test_rows: int | None,
    peers: int,
    planned: int,
) -> None:
    (path / "noise").mkdir(parents=True)
    recipe = {
        "name": "made",
        "data": {"name": "made"},
        "noise": {"name": manifest["name"], "rate": manifest["rate"]},
        "method": {"name": method} | ({"criterion": "entropy"} if method in ("clc", "slc") else {}),
        "training": {"epochs": planned, "batch_size": 16},
        "seeds": {"data": 0, "noise": seed, "network": seed},
    }
    (path / "recipe.yaml").write_text(yaml.safe_dump(recipe))
    environment = {
        "run_id": f"{method}-{seed}-{planned}",
        "dataset": "made",
        "label_names": names,
        "input_column": "text",
        "label_column": "label",
        "rows": {"train": len(texts), "test": test_rows or 0},
        "seeds": recipe["seeds"],
        "peers": peers,
        "method": {"name": method, "citation": "nobody"},
        "versions": {},
        "sources": [{"path": "made.csv", "sha256": "0" * 64, "bytes": 1}],
        "facts": {"data": {}, "encoder": {}},
    }
    (path / "environment.json").write_text(json.dumps(environment))
    (path / "noise" / "manifest.json").write_text(json.dumps(manifest))
    labels.write(path / "noise" / "labels.parquet")
    features = Features({"text": Value("string"), "label": ClassLabel(names=names)})
    (path / "data").mkdir()
    Dataset.from_dict({"text": texts, "label": labels.given.tolist()}, features=features).to_parquet(
        str(path / "data" / "train.parquet")
    )


@pytest.fixture
def make_run(tmp_path: Path) -> Callable[..., RunDirectory]:
    """Makes a run directory below the test's own folder."""
    count = iter(range(1000))

    def make(name: str | None = None, **options: Any) -> RunDirectory:
        return build(tmp_path / (name or f"run{next(count)}"), **options)

    return make


@pytest.fixture(scope="session")
def build_run() -> Callable[..., RunDirectory]:
    """`build`, for fixtures that live longer than a test."""
    return build


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A real one, without a head."""
    require()
    found = Browser(tmp_path_factory.mktemp("profile"))
    yield found
    found.close()

"""Run directories made of random numbers, for tests of what reads one: written in no time, and all of it is known."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.numpy import save_file

from clc_text.artifacts.dynamics import EpochRecord, epoch_file, write_epoch
from clc_text.artifacts.run_directory import RunDirectory, write_rows
from clc_text.config.recipe import loads
from clc_text.corrections.correct import correct
from clc_text.corrections.policy import policy_named
from clc_text.corrections.predictions import in_sample
from clc_text.corrections.source import kept_rows
from clc_text.corrections.store import Corrected
from clc_text.data.labels import Labels
from clc_text.data.task import Task
from clc_text.utils.files import sha256_of_file, write_json, write_text

NAMES = ["ABBR", "ENTY", "DESC", "HUM", "LOC", "NUM"]


@dataclass
class Made:
    """A synthetic run and what it was made of: labels [N], log-probabilities [P, N, C]."""

    run: RunDirectory
    labels: Labels
    log_probs: np.ndarray


def make_run(
    path: Path,
    *,
    rows: int = 400,
    noise_rate: float = 0.3,
    accuracy: float = 0.9,
    sureness: float = 4.0,
    canaries: int = 0,
    peers: int = 2,
    epochs: int = 4,
    seed: int = 0,
    names: list[str] = NAMES,
    label_column: str = "label",
    more_columns: dict[str, Any] | None = None,
    true_known: bool = True,
    guards: list[dict[str, Any]] | None = None,
    keep_data: bool = True,
) -> Made:
    """Writes a run directory as a complete run leaves it, without a model.

    Args:
        noise_rate: share of the given labels that are wrong, spread evenly over the other classes.
        accuracy: share of rows whose true class is each peer's most probable one.
        sureness: logit of that class above the others, about; a peer that is wrong is half as sure.
        canaries: labels that training saw flipped.
        more_columns: further columns of the source, or other texts under `text`.
    """
    random = np.random.default_rng(seed)
    classes = len(names)
    true = random.integers(0, classes, rows)
    given = np.where(random.random(rows) < noise_rate, (true + random.integers(1, classes, rows)) % classes, true)
    canary = np.zeros(rows, bool)
    canary[random.permutation(rows)[:canaries]] = True
    trained = np.where(canary, (given + random.integers(1, classes, rows)) % classes, given)
    labels = Labels(given, trained, true if true_known else None, canary)

    # Peers err on the same rows mostly, as real ones do.
    hard = random.random(rows) >= accuracy
    guess = np.where(hard, (true + random.integers(1, classes, rows)) % classes, true)
    logits = random.normal(0, 0.5, (peers, rows, classes))
    logits[:, np.arange(rows), guess] += sureness * np.where(hard, 0.5, 1.0) * random.uniform(0.5, 1.5, rows)
    log_probs = (logits - np.log(np.exp(logits).sum(-1, keepdims=True))).astype(np.float32)

    path.mkdir(parents=True)
    write_text(path / "recipe.yaml", loads("data: {name: quickstart}", overrides=["name=synthetic"]).dump())
    files = {}
    if keep_data:
        _write_data(path / "data" / "train.parquet", true, given, names, label_column, more_columns or {}, noise_rate)
        files["data/train.parquet"] = sha256_of_file(path / "data" / "train.parquet")
    labels.write(path / "noise" / "labels.parquet")
    (path / "dynamics").mkdir()
    for epoch in range(1, epochs + 1):
        write_epoch(_record(log_probs, trained, warm_up=epoch == 1), epoch_file(path / "dynamics", epoch))
    save_file({"train": log_probs}, path / "predictions.safetensors")
    write_json(path / "environment.json", _environment(rows, names, label_column, peers, files))
    manifest = {"name": "symmetric", "rate": noise_rate, "realised_rate": float((given != true).mean())}
    write_json(path / "noise" / "manifest.json", manifest)
    write_json(path / "notices.json", guards or [])
    write_json(path / "result.json", {"run_id": "0123456789abcdef"})
    return Made(RunDirectory(path), labels, log_probs)


def corrected_of(made: Made, policy: str = "agree") -> Corrected:
    """The run's corrected dataset; with the policy `agree` about as many labels are changed as are wrong."""
    source = kept_rows(made.run)
    assert source is not None
    return correct(made.run, policy_named(policy), in_sample(made.run), source)


def _write_data(
    path: Path,
    true: np.ndarray,
    given: np.ndarray,
    names: list[str],
    label_column: str,
    more: dict[str, Any],
    noise_rate: float,
) -> None:
    import datasets

    path.parent.mkdir()
    more = dict(more)
    columns = {"text": more.pop("text", [f"question {row} about {names[label]}" for row, label in enumerate(true)])}
    features = {"text": datasets.Value("string"), label_column: datasets.ClassLabel(names=names)}
    columns[label_column] = (true if noise_rate else given).tolist()
    rows = datasets.Dataset.from_dict(columns, features=datasets.Features(features))
    for name, values in more.items():
        rows = rows.add_column(name, values)
    rows.to_parquet(str(path))


def _record(log_probs: np.ndarray, trained: np.ndarray, warm_up: bool) -> EpochRecord:
    probs = torch.from_numpy(log_probs).exp()
    confidence, prediction = probs.max(-1)
    target = torch.from_numpy(trained).expand_as(prediction) if warm_up else prediction
    return EpochRecord(
        seen=torch.ones(len(trained), dtype=torch.bool),
        prediction=prediction,
        confidence=confidence,
        entropy=-(probs * probs.log()).sum(-1),
        target=target.clone(),
        selected=torch.ones_like(prediction, dtype=torch.bool),
    )


def _environment(rows: int, names: list[str], label_column: str, peers: int, files: dict[str, str]) -> dict[str, Any]:
    return {
        "run_id": "0123456789abcdef",
        "dataset": "synthetic",
        "label_names": names,
        "input_column": "text",
        "label_column": label_column,
        "rows": {"train": rows, "test": 0},
        "seeds": {"data": 0, "noise": 0, "network": 0},
        "peers": peers,
        "method": {"name": "clc", "citation": "Wu et al. 2019"},
        "versions": {},
        "sources": [],
        "facts": {"data": {}, "encoder": {}},
        "files": files,
    }


def run_of(task: Task, data: str, path: Path, seed: int = 0) -> Made:
    """A run as if it had been trained on a task's rows, its predictions drawn.

    Args:
        data: the recipe's `data:` section, as YAML.
    """
    given, names = task.given_labels, task.label_names
    made = make_run(path, rows=len(given), names=names, true_known=False, noise_rate=0.0, seed=seed)
    write_text(path / "recipe.yaml", loads(f"data: {data}").dump())
    write_rows(task.train, path / "data" / "train.parquet")
    nobody = np.zeros(len(given), bool)
    labels = Labels(given, given, None, nobody, task.source_row)
    labels.write(path / "noise" / "labels.parquet")
    files = {"data/train.parquet": sha256_of_file(path / "data" / "train.parquet")}
    environment = _environment(len(given), names, task.label_column, 2, files) | {
        "input_column": task.input_column,
        "label_type": task.label_type,
        "id_column": task.id_column,
        "row_noun": task.row_noun,
        "facts": {"data": dict(task.facts), "encoder": {}},
    }
    write_json(path / "environment.json", environment)
    return Made(made.run, labels, made.log_probs)

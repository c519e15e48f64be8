"""What a run writes down of each epoch, and at its end."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from clc_text.artifacts.cross_fit import estimated_rate
from clc_text.artifacts.dynamics import epoch_file, read_epoch
from clc_text.artifacts.names import located
from clc_text.artifacts.results import calibration_summary, summarise, training_summary
from clc_text.artifacts.run_files import Environment, Result, RunCost
from clc_text.config.recipe import Recipe
from clc_text.data.checks.rare_labels import in_words
from clc_text.runs.observer import Observer
from clc_text.runs.prepare import Prepared
from clc_text.training.metrics import MetricsLog, epoch_entry
from clc_text.training.monitors import Watch

if TYPE_CHECKING:
    from clc_text.training.epochs import EpochResult

METRICS = "metrics.jsonl"


class Recorder:
    """Listens to the trainer and writes what a run records of each epoch.

    Args:
        done: epochs that a resumed run need not repeat.
        sha256: what `recorded` gave after them.
    """

    def __init__(
        self,
        recipe: Recipe,
        directory: Path,
        prepared: Prepared,
        observer: Observer,
        started: float,
        done: int,
        sha256: Mapping[str, str],
    ) -> None:
        import torch

        self.recipe, self.prepared, self.observer = recipe, prepared, observer
        self.metrics = MetricsLog(directory / METRICS, done, sha256.get(METRICS))
        before = self.metrics.entries[-1]["seconds"] if self.metrics.entries else 0.0
        self.started = started - before
        self.classes = len(prepared.task.label_names)
        counts = np.bincount(prepared.labels.trained, minlength=self.classes)
        in_nats = getattr(recipe.method, "criterion", "entropy") == "entropy"
        scale = getattr(recipe.method, "threshold_scale", 1.0) if in_nats else None
        self.watch = Watch((counts / counts.sum()).tolist(), scale, prepared.task.label_names)
        self.directory = directory
        joined = prepared.joined
        wrong = estimated_rate(directory) if joined is None else float(1 - joined.kept.belief.max(1).mean())
        self.watch.noise_rate, self.watch.several = wrong, joined is not None
        if recipe.monitor != "off":
            alike = str(prepared.task.facts.get("classes_alike", ""))
            self.watch.before_training(prepared.encoder.facts, in_words(prepared.rare), alike)
            for index in range(len(self.metrics.entries)):
                self.watch.after_epoch(self.metrics.entries[: index + 1])
        self.dynamics = located(directory, "dynamics")
        test = prepared.task.test_labels
        self.test_labels = None if test is None else torch.from_numpy(test)

    def __call__(self, result: EpochResult) -> None:
        seconds = time.perf_counter() - self.started
        asked = len(self.prepared.task.asked)
        entry = epoch_entry(result, self.prepared.labels, self.classes, self.test_labels, seconds, asked)
        self.metrics.append(entry)
        if self.watch.noise_rate is None:
            self.watch.noise_rate = estimated_rate(self.directory)
        notices = [] if self.recipe.monitor == "off" else self.watch.after_epoch(self.metrics.entries)
        self.observer.epoch(entry, notices)

    def recorded(self) -> dict[str, str]:
        """sha256 of what is written by now."""
        return {METRICS: self.metrics.sha256}

    def changed_by_class(self) -> list[float]:
        """[C], the share of each trained class's rows that the peers' last targets put into another class; canaries,
        of which that is hoped, do not count."""
        record = read_epoch(epoch_file(self.dynamics, self.metrics.entries[-1]["epoch"]))
        labels = self.prepared.labels
        changed = (record.target.numpy() != labels.trained) & record.seen.numpy()
        trained, share = labels.trained[~labels.canary], changed.mean(0)[~labels.canary]
        rows = np.bincount(trained, minlength=self.classes)
        return (np.bincount(trained, weights=share, minlength=self.classes) / np.maximum(rows, 1)).tolist()

    def result(self, environment: Environment, cost: RunCost) -> Result:
        entries, labels, manifest = self.metrics.entries, self.prepared.labels, self.prepared.manifest
        test = entries[-1]["test"]
        given_right = None if labels.true is None else int((labels.trained == labels.true)[labels.true >= 0].sum())
        result: Result = {
            "method": environment["method"]["name"],
            "dataset": environment["dataset"],
            "recipe": self.recipe.name,
            "run_id": environment["run_id"],
            "noise": {
                "name": manifest["name"],
                "rate": manifest["rate"],
                "realised_rate": manifest["realised_rate"],
            },
            "seeds": environment["seeds"],
            "peers": environment["peers"],
            "epochs": entries[-1]["epoch"],
            "seconds": entries[-1]["seconds"],
            "accuracy": summarise(entries),
            "train": training_summary(entries[-1], len(labels.given), given_right),
            "ece": calibration_summary(entries[-1]),
            "temperature": entries[-1]["temperature"],
        }
        if test is not None and "multi_label" in test:
            result["multi_label"] = test["multi_label"]
        result["cost"] = cost
        result["warnings"] = [notice.name for notice in self.watch.notices if notice.severity == "warning"]
        return result

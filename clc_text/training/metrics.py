"""What is measured at the end of an epoch: one line of metrics.jsonl (see `RunDirectory.metrics`)."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from clc_text.artifacts.accuracy import test_scores
from clc_text.artifacts.multi_label import multi_label_scores
from clc_text.artifacts.names import current
from clc_text.artifacts.run_files import Epoch, TestScores, TrainScores
from clc_text.errors import InputError
from clc_text.methods.calibration import calibration_error
from clc_text.utils.files import write_text
from clc_text.utils.typed_json import read_typed_lines

if TYPE_CHECKING:
    from clc_text.artifacts.dynamics import EpochRecord
    from clc_text.data.labels import Labels
    from clc_text.training.epochs import EpochResult


def epoch_entry(
    result: EpochResult,
    labels: Labels,
    num_classes: int,
    test_labels: Tensor | None,
    seconds: float,
    asked: int = 0,
) -> Epoch:
    """The entry of one epoch.

    Args:
        labels: of the N training rows.
        test_labels: int64 [M], None without test rows.
        seconds: since the run began.
        asked: K where several of K classes may hold of a text; rows are then pairs.
    """
    test: TestScores | None = None
    if result.test_log_probs is not None and test_labels is not None:
        scores = test_scores(result.test_log_probs, test_labels)
        test = {"accuracy": scores["accuracy"], "ece": scores["ece"]}
        if asked:
            test["multi_label"] = scores_of_pairs(result.test_log_probs, test_labels, asked)
    threshold = result.threshold
    by_class: Epoch = {} if threshold is None or not asked else {"threshold_by_class": threshold.tolist()}
    if threshold is not None and asked:
        threshold = threshold.mean(0)
    return {
        **by_class,
        "epoch": result.epoch,
        "step": result.step,
        "phase": "method" if result.supervised else "warm-up",
        "loss": result.loss,
        "learning_rate": result.learning_rate,
        "seconds": round(seconds, 3),
        "threshold": None if threshold is None else threshold.flatten().tolist(),
        "temperature": None if result.temperature is None else _of_peers(result.temperature, asked).tolist(),
        "test": test,
        "train": training_scores(result.record, labels, num_classes),
        "notices": [{"name": one.name, "message": one.message, "severity": one.severity} for one in result.notices],
    }


def _of_peers(values: Tensor, asked: int) -> Tensor:
    """[P]; of several classes [K, P] the mean over them."""
    return values.mean(0) if asked else values.flatten()


def scores_of_pairs(log_probs: Tensor, labels: Tensor, asked: int) -> dict[str, float]:
    """`multi_label_scores` of the ensemble in %: log-probabilities [P, M · K, 2] and labels [M · K] of pairs."""
    together = log_probs.double().logsumexp(0)
    odds = (together[:, 1] - together[:, 0]).view(-1, asked).numpy()
    scores = multi_label_scores(odds, labels.view(-1, asked).numpy())
    return {name: 100 * value for name, value in scores.items()}


def training_scores(record: EpochRecord, labels: Labels, num_classes: int) -> TrainScores:
    """What the training dynamics of one epoch says of the training rows; every list has one value a peer."""
    seen = record.seen
    trained = torch.tensor(labels.trained)
    fits = record.prediction == trained
    changed = (record.target != trained) & seen
    shares = torch.bincount(record.prediction[:, seen].flatten(), minlength=num_classes).double()
    scores: TrainScores = {
        "selected": (record.selected & seen).sum(-1).tolist(),
        "label_precision": None,
        "agreement": _mean(fits, seen),
        "accuracy": None,
        "ece": None,
        "entropy": {"all": _mean(record.entropy, seen), "right": None, "wrong": None},
        "changed": changed.sum(-1).tolist(),
        "fixed": None,
        "broken": None,
        "missed": None,
        "class_shares": (shares / shares.sum().clamp(min=1)).tolist(),
    }
    if labels.true is None:
        return scores
    true = torch.tensor(labels.true)
    known = seen & (true >= 0)
    right = record.prediction == true
    was_right, is_right = trained == true, record.target == true
    scores["label_precision"] = _mean(is_right, record.selected & known)
    scores["accuracy"] = [None if share is None else 100 * share for share in _mean(right, known)]
    scores["ece"] = [
        calibration_error(confidence[rows], hits[rows]) if rows.any() else None
        for confidence, hits, rows in zip(record.confidence, right, known.expand_as(right), strict=True)
    ]
    scores["entropy"]["right"] = _mean(record.entropy, right & known)
    scores["entropy"]["wrong"] = _mean(record.entropy, ~right & known)
    scores["fixed"] = (known & ~was_right & is_right).sum(-1).tolist()
    scores["broken"] = (known & was_right & ~is_right).sum(-1).tolist()
    scores["missed"] = (known & ~was_right & ~is_right).sum(-1).tolist()
    return scores


def _mean(values: Tensor, rows: Tensor) -> list[float | None]:
    """The mean of values [P, N] over rows [N] or [P, N]; None for a peer without any such row."""
    rows = rows.expand_as(values)
    return [float(value[row].double().mean()) if row.any() else None for value, row in zip(values, rows, strict=True)]


class MetricsLog:
    """metrics.jsonl: a line is appended and written to the disk after every epoch.

    Args:
        path: the file.
        keep: lines of epochs up to this one stay, later ones (which a resumed run repeats) go; 0 begins anew.
        sha256: of the lines that stay, as the checkpoint of that epoch has it; None: it does not.

    Raises:
        InputError: the lines that are to stay are not those of the epochs 1 to `keep`, or have changed.
    """

    def __init__(self, path: Path, keep: int = 0, sha256: str | None = None) -> None:
        self.path = path
        self.entries, lines = kept_lines(path, keep, sha256)
        self._digest = hashlib.sha256(lines)
        write_text(path, lines.decode("utf-8"))

    @property
    def sha256(self) -> str:
        """Of the whole file."""
        return self._digest.hexdigest()

    def append(self, entry: Epoch) -> None:
        self.entries.append(entry)
        line = json.dumps(entry) + "\n"
        self._digest.update(line.encode("utf-8"))
        with open(self.path, "a", encoding="utf-8") as handle:
            handle.write(line)
            handle.flush()
            os.fsync(handle.fileno())


def kept_lines(path: Path, keep: int, sha256: str | None = None) -> tuple[list[Epoch], bytes]:
    """The lines of the epochs 1 to `keep`, as they stand in metrics.jsonl; see `MetricsLog`."""
    if not keep:
        return [], b""
    if not path.is_file():
        raise InputError(f"{path} is missing, which the epochs that are done are told in; {_WAY_OUT}", where=path)
    entries = read_typed_lines(path, Epoch, _WAY_OUT, current)[:keep]
    if [entry.get("epoch") for entry in entries] != list(range(1, keep + 1)):
        raise InputError(f"{path} has not the epochs 1 to {keep}, which are done; {_WAY_OUT}", where=path)
    lines = b"".join([line + b"\n" for line in path.read_bytes().split(b"\n") if line.strip()][:keep])
    if sha256 not in (None, hashlib.sha256(lines).hexdigest()):
        raise InputError(f"{path} has changed since epoch {keep} was written down; {_WAY_OUT}", where=path)
    return entries, lines


_WAY_OUT = "bring it back, or train anew with --overwrite"

"""Which label a run would put in place of each given one, as far as training has come."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from clc_text.run_directory import Labels, RunDirectory


@dataclass(frozen=True)
class TaughtLabels:
    """What the peers were last taught of the N training rows.

    Attributes:
        epoch: the epoch of the ledger that says so.
        label: int64 [N], the class that every peer was taught; the given label where the peers were taught different
            classes, where the row was not seen, and for a canary, whose flipped label is no question.
        changed: bool [N], where that is not the given label.
        confidence: float [N], the mean over the peers of the probability of the label, 0 where a peer predicts
            another class.
        entropy: float [N], the mean over the peers, in nats.
    """

    epoch: int
    label: np.ndarray
    changed: np.ndarray
    confidence: np.ndarray
    entropy: np.ndarray


def taught_labels(run: RunDirectory, labels: Labels | None = None) -> TaughtLabels:
    """Reads the last epoch of the ledger.

    Raises:
        InputError: no epoch has ended yet.
    """
    labels = labels or run.labels()
    record = run.ledger()
    target = record.target.numpy()
    agreed = (target == target[0]).all(0) & record.seen.numpy() & ~labels.canary
    label = np.where(agreed, target[0], labels.given)
    confidence = np.where(record.prediction.numpy() == label, record.confidence.numpy(), 0.0).mean(0)
    return TaughtLabels(
        run.ledger_epochs()[-1], label, label != labels.given, confidence, record.entropy.numpy().mean(0)
    )

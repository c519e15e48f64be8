"""Which label a run puts in place of each given one: its corrected dataset, or what training has come to so far."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from clc_text.artifacts.run_directory import RunDirectory
from clc_text.data.labels import Labels


@dataclass(frozen=True)
class CorrectedLabels:
    """Labels of the N training rows.

    Attributes:
        source: where they come from, in words.
        label: int64 [N].
        changed: bool [N], where that is not the given label.
        confidence: float [N], the probability of the label by the peers' mean; 0 where they predict another class.
    """

    source: str
    label: np.ndarray
    changed: np.ndarray
    confidence: np.ndarray


def has_corrections(run: RunDirectory) -> bool:
    """Whether `corrected_labels` has anything to read."""
    return run.file("corrected/corrected.json").is_file() or bool(run.dynamics_epochs())


def corrected_labels(run: RunDirectory, labels: Labels | None = None) -> CorrectedLabels:
    """The labels of `corrected/`, people's answers among them; without it those that the last epoch taught.

    Raises:
        InputError: there is neither.
    """
    labels = labels or run.labels()
    return _of_dataset(run) if run.file("corrected/corrected.json").is_file() else target_labels(run, labels)


def _of_dataset(run: RunDirectory) -> CorrectedLabels:
    from clc_text.corrections.store import Corrected

    corrected = Corrected(run)
    state = corrected.state()
    confidence = np.where(state.label == state.suggested, state.confidence, 0.0)
    confidence = np.where(state.label == state.given, state.probability_given, confidence)
    step = corrected.facts["step"]
    return CorrectedLabels(f"corrected dataset, step {step}", state.label.astype(np.int64), state.changed, confidence)


def target_labels(run: RunDirectory, labels: Labels) -> CorrectedLabels:
    """What the last epoch of the training dynamics taught.

    The class that every peer was taught; the given label where the peers were taught different classes, where the row
    was not seen, and for a canary, whose flipped label is no question.

    Raises:
        InputError: no epoch has ended yet.
    """
    record = run.dynamics()
    target = record.target.numpy()
    agreed = (target == target[0]).all(0) & record.seen.numpy() & ~labels.canary
    label = np.where(agreed, target[0], labels.given)
    confidence = np.where(record.prediction.numpy() == label, record.confidence.numpy(), 0.0).mean(0)
    return CorrectedLabels(f"epoch {run.dynamics_epochs()[-1]}", label, label != labels.given, confidence)

"""How often predictions are right, as metrics.jsonl and `clc-text evaluate` tell it."""

from __future__ import annotations

from typing import TypedDict

from torch import Tensor

from clc_text.artifacts.run_files import TestAccuracy
from clc_text.methods.calibration import calibration_error


class Calibrated(TypedDict):
    accuracy: TestAccuracy
    ece: float


def test_scores(log_probs: Tensor, labels: Tensor) -> Calibrated:
    """Accuracy in percent of each peer and of the ensemble (the mean of the peers' probabilities), and its ECE.

    Args:
        log_probs: [P, M, C].
        labels: int64 [M].
    """
    confidence, prediction = log_probs.exp().mean(0).max(-1)
    ensemble = prediction == labels
    peers = (log_probs.argmax(-1) == labels).double().mean(-1)
    return {
        "accuracy": {"peers": (100 * peers).tolist(), "ensemble": 100 * float(ensemble.double().mean())},
        "ece": calibration_error(confidence, ensemble),
    }

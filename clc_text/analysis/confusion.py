"""Who was given which label: the noise that was made, and what the model's predictions say of the given labels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from clc_text.analysis.judged import sound_audit
from clc_text.artifacts.cross_fit import CrossFit
from clc_text.artifacts.run_directory import RunDirectory
from clc_text.data.labels import Labels, sha256_of_labels
from clc_text.errors import InputError
from clc_text.noise.estimation.estimate import estimate
from clc_text.noise.estimation.probabilities import MOST_CLASSES, count_pairs


@dataclass(frozen=True)
class Matrix:
    """Shares of rows by two classes.

    Attributes:
        title: what it shows.
        row, column: what its rows and columns are.
        shares: float [C, C], rows sum to 1; NaN for a row without any case.
    """

    title: str
    row: str
    column: str
    shares: np.ndarray


def matrices(run: RunDirectory) -> tuple[list[Matrix], list[str]]:
    """Those that can be made of the run as it is, and sentences on what is missing or how far to trust it."""
    labels, classes = run.labels(), len(run.label_names)
    if classes > MOST_CLASSES:
        return [], [f"Of {classes:,} classes there is no matrix: it would have {classes**2:,} cells."]
    made = [make(run, labels, classes) for make in (_noise, _confusion, _estimate)]
    return [panel for panel, _ in made if panel is not None], [remark for _, remark in made if remark]


Made = tuple[Matrix | None, str]


def _noise(run: RunDirectory, labels: Labels, classes: int) -> Made:
    """T of the manifest, if it is about the true labels; otherwise counted from true and given labels."""
    manifest = run.noise_manifest()
    if labels.true is None:
        return None, ""
    about_truth = manifest["sha256"]["true_labels"] == sha256_of_labels(labels.true)
    if about_truth and manifest["matrix"] is not None:
        title = f"noise transition matrix, realised rate {manifest['realised_rate']:.2f}"
        return Matrix(title, "true class", "given label", np.array(manifest["matrix"], dtype=float)), ""
    known = labels.true >= 0
    true, given = labels.true[known], labels.given[known]
    title = f"noise as counted in {len(true):,} rows, rate {(true != given).mean():.2f}"
    return Matrix(title, "true class", "given label", row_shares(count_pairs(true, given, classes))), ""


def _confusion(run: RunDirectory, labels: Labels, classes: int) -> Made:
    """P(given label | predicted class): from the final predictions, or without them from the training dynamics."""
    rows = len(labels.given)
    if run.file("predictions.safetensors").is_file():
        predicted = run.first_classes()
        counts = count_pairs(predicted, labels.given, classes)
        title = f"model against given labels, {rows:,} rows"
    else:
        record = run.dynamics()
        seen = record.seen.numpy()
        counts = np.zeros((classes, classes), dtype=np.int64)
        for peer in record.prediction.numpy():
            counts += count_pairs(peer[seen], labels.given[seen], classes)
        title = f"model (epoch {run.dynamics_epochs()[-1]}) against given labels"
    return Matrix(title, "predicted class", "given label", row_shares(counts)), ""


def _estimate(run: RunDirectory, labels: Labels, classes: int) -> Made:
    """T as `clc-text audit` estimated it; without a sound audit, from predictions of the training rows."""
    from clc_text.corrections.predictions import out_of_sample

    try:
        audit, remark = sound_audit(run), ""
    except InputError:  # the predictions tell as much
        audit, remark = None, "The audit is damaged or not of the corrected dataset as it is now, so it is not used."
    if audit is not None:
        noise = audit["noise"]
        rate, matrix, source = noise["rate"], np.array(noise["matrix"], dtype=float), "audit"
    elif (cross_fit := CrossFit.load(run.path)) is not None:
        (rate, matrix), source = cross_fit.noise_of_given(labels), "cross-fitting"
    else:
        held_out = out_of_sample(run)
        if held_out is not None:
            log_probs, source = np.concatenate([block for _, block in held_out.blocks()], 1), "out of sample"
        elif run.file("predictions.safetensors").is_file():
            log_probs, source = run.log_probs("train"), "in sample"
            in_sample = "In sample: networks that have memorised wrong labels make the estimate too small."
            remark = f"{remark} {in_sample}".lstrip()
        else:
            return None, "The estimated matrix needs the predictions that a run leaves at its end."
        rows = ~labels.canary  # where they were trained on a canary, the networks repeat its flipped label
        guess = estimate(np.exp(log_probs[:, rows]), labels.given[rows], bootstrap=0)
        rate, matrix = guess.rate, guess.matrix
    return Matrix(f"estimated, rate {rate:.2f} ({source})", "true class (inferred)", "given label", matrix), remark


def row_shares(counts: np.ndarray) -> np.ndarray:
    """Counts [C, C] divided by the sums of their rows; NaN for a row without any."""
    sums = counts.sum(1, keepdims=True)
    return np.divide(counts, sums, out=np.full(counts.shape, np.nan), where=sums > 0)

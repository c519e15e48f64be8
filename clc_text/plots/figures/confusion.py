"""Figure 6 of the paper: the noise that was made, beside what the model's predictions say of the given labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from clc_text.analysis.groups import subject
from clc_text.analysis.judged import sound_audit
from clc_text.analysis.short_names import short_names
from clc_text.analysis.state import not_ended
from clc_text.artifacts.run_directory import RunDirectory
from clc_text.data.labels import Labels
from clc_text.errors import InputError
from clc_text.noise.estimation.probabilities import MOST_CLASSES, count_pairs
from clc_text.plots.figure import figure
from clc_text.plots.style import NARROW, footnote, heading, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage

_MOST_WRITTEN = 12  # classes up to which every cell has its number
_MOST_NAMED = 60  # classes up to which every row has its name


@dataclass(frozen=True)
class Matrix:
    """One panel.

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
    """The panels that can be made of the run as it is, and sentences on what is missing or how far to trust it."""
    labels, classes = run.labels(), len(run.label_names)
    made = [make(run, labels, classes) for make in (_noise, _confusion, _estimate)]
    return [panel for panel, _ in made if panel is not None], [remark for _, remark in made if remark]


Made = tuple[Matrix | None, str]


def _noise(run: RunDirectory, labels: Labels, classes: int) -> Made:
    """T of the manifest, if it is about the true labels; otherwise counted from true and given labels."""
    from clc_text.data.labels import sha256_of_labels

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
        predicted = np.exp(run.log_probs("train").astype(np.float64)).mean(0).argmax(-1)
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
    from clc_text.artifacts.cross_fit import CrossFit
    from clc_text.corrections.predictions import out_of_sample
    from clc_text.noise.estimation.estimate import estimate

    try:
        audit, remark = sound_audit(run), ""
    except InputError:  # the predictions tell as much
        audit, remark = None, "The audit is damaged or not of the corrected dataset as it is now, so it is not used."
    if classes > MOST_CLASSES:
        return None, f"Of {classes:,} classes no noise matrix is estimated."
    if audit is not None:
        found = audit["noise"]
        rate, matrix, source = found["rate"], np.array(found["matrix"], dtype=float), "audit"
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


@figure("confusion")
def draw(run: RunDirectory, narrow: bool = False) -> Figure:
    """Figure 6: noise transition matrix, confusion of the model's predictions with the given labels, estimated matrix.

    In each panel a row sums to 100 %: of the rows of that true (or predicted) class, how many were given which label.

    Args:
        narrow: panels below each other, for the page of a telephone.
    """
    panels, remarks = matrices(run)
    names = short_names(run.label_names)
    longest = max(map(len, names))
    side = min(max(1.9, 0.135 * len(names)), 9.0)
    room = 0.055 * longest  # inches that the names take
    if narrow:
        picture = new_figure(max(NARROW, side + room + 0.8), len(panels) * (side + room + 0.5) + 0.4, True)
        axes = picture.subplots(len(panels), 1, squeeze=False)[:, 0]
    else:
        picture = new_figure(len(panels) * (side + 0.25) + room + 0.8, side + room + 0.85, True)
        axes = picture.subplots(1, len(panels), squeeze=False)[0]
    image = None
    for index, (panel, matrix) in enumerate(zip(axes, panels, strict=True)):
        image = _draw_matrix(panel, matrix, names, first=narrow or index == 0)
    assert image is not None
    bar = picture.colorbar(image, ax=list(axes), aspect=30, pad=0.015)
    bar.set_label("share of the row (%)")
    bar.outline.set_linewidth(0.5)
    heading(picture, subject([run]))
    ending = not_ended(run, "The run")
    footnote(picture, *remarks, f"{ending}." if ending else None)
    return picture


def _draw_matrix(axes: Axes, matrix: Matrix, names: list[str], first: bool) -> AxesImage:
    percent = 100 * matrix.shares
    image = axes.imshow(percent, cmap="Blues", vmin=0, vmax=100, aspect="equal")
    axes.set_title(matrix.title, fontsize=7)
    size = 7 if len(names) <= 10 else 6 if len(names) <= 25 else 5
    step = 1 if len(names) <= _MOST_NAMED else -(-len(names) // _MOST_NAMED)
    ticks = range(0, len(names), step)
    axes.set_xticks(ticks, names[::step], rotation=90, fontsize=size)
    axes.set_yticks(ticks, names[::step] if first else [], fontsize=size)
    axes.tick_params(length=0)
    axes.set_xlabel(matrix.column)
    axes.set_ylabel(matrix.row)
    for spine in axes.spines.values():
        spine.set_visible(True)
    if len(names) <= _MOST_WRITTEN:
        for row, column in np.ndindex(percent.shape):
            value = percent[row, column]
            text = "–" if np.isnan(value) else f"{value:.0f}"
            axes.text(
                column, row, text, ha="center", va="center", fontsize=6 if len(names) <= 8 else 5,
                color="white" if value > 55 else "black",
            )  # fmt: skip
    return image

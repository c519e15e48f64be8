"""Figure 2 of the paper: right predictions have a low entropy, wrong ones a high one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from clc_text.analysis.groups import subject
from clc_text.analysis.series import Reading, curve, mean_of_peers
from clc_text.analysis.thresholds import own_thresholds
from clc_text.analysis.unfinished import begun, not_ended
from clc_text.artifacts.run_directory import RunDirectory
from clc_text.errors import InputError
from clc_text.plots.curves import mark_warm_up
from clc_text.plots.figure import figure
from clc_text.plots.style import (
    GREY,
    NARROW,
    PAGE,
    break_upright_labels,
    footnote,
    grid,
    heading,
    line,
    marks,
    new_figure,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

KINDS: dict[Literal["all", "right", "wrong"], str] = {
    "right": "right predictions",
    "wrong": "wrong predictions",
    "all": "all predictions",
}


@dataclass(frozen=True)
class LowEntropy:
    """How many predictions are sure, per epoch of the training dynamics, as the mean of the peers.

    Attributes:
        epochs: int [E].
        count: float [E], rows whose entropy is at most the threshold; NaN where there is no threshold yet.
        right: float [E], those of them whose prediction is the true class; None where no true label is known.
    """

    epochs: np.ndarray
    count: np.ndarray
    right: np.ndarray | None


def mean_entropy(kind: Literal["all", "right", "wrong"]) -> Reading:
    """Reads the mean entropy (nats) of "all", "right" or "wrong" predictions, the mean of the peers."""
    return lambda entry: mean_of_peers(entry["train"]["entropy"][kind])


def low_entropy(run: RunDirectory, thresholds: dict[int, list[float]]) -> LowEntropy:
    """Counts the training dynamics' sure predictions.

    Args:
        thresholds: epoch -> Γ of each peer [P]; an epoch that is not there has no count.
    """
    epochs, true = run.dynamics_epochs(), run.labels().true
    count = np.full(len(epochs), np.nan)
    right = None if true is None else np.full(len(epochs), np.nan)
    for index, epoch in enumerate(epochs):
        if epoch not in thresholds:
            continue
        record = run.dynamics(epoch)
        gamma = np.asarray(thresholds[epoch], dtype=np.float32)[:, None]
        low = (record.entropy.numpy() <= gamma) & record.seen.numpy()
        count[index] = low.sum(1).mean()
        if right is not None and true is not None:
            right[index] = (low & (record.prediction.numpy() == true)).sum(1).mean()
    return LowEntropy(np.array(epochs), count, right)


@figure("entropy")
def draw(run: RunDirectory, gamma: float = 1.0, narrow: bool = False) -> Figure:
    """Figure 2: mean entropy of right, wrong and all predictions per epoch, and how many predictions have a low one.

    Args:
        gamma: the fixed threshold in nats; beside it the run's own Γ is drawn, where the run has one.
        narrow: panels below each other, for the page of a telephone.
    """
    if not gamma >= 0:
        raise InputError(f"--gamma is {gamma}; an entropy threshold is at least 0 nats", key="--gamma")
    begun([run])
    rows, classes = run.environment()["rows"]["train"], len(run.label_names)
    picture = new_figure(NARROW, 4.8) if narrow else new_figure(PAGE, 2.8)
    left, right = picture.subplots(2, 1) if narrow else picture.subplots(1, 2)
    heading(picture, f"{subject([run])}; {rows:,} rows, {classes} classes")
    _draw_entropies(left, run, classes, narrow)
    note = _draw_counts(right, run, gamma, rows)
    right.set_title(f"of {rows:,} rows, mean of the peers", pad=10, fontsize=7)
    for panel in (left, right):
        mark_warm_up(panel, [run])
        panel.set_xlabel("epoch")
        grid(panel)
    if narrow:
        break_upright_labels(picture)
    ending = not_ended(run, "The run")
    footnote(picture, note, f"{ending}." if ending else None)
    return picture


def _draw_entropies(axes: Axes, run: RunDirectory, classes: int, narrow: bool) -> None:
    from matplotlib.ticker import MaxNLocator

    known = run.metrics()[0]["train"]["entropy"]["right"] is not None
    for index, (kind, title) in enumerate(KINDS.items()):
        if kind != "all" and not known:
            continue
        entropies = curve([run], mean_entropy(kind))
        look = line(index)
        axes.plot(
            entropies.epochs, entropies.mean, color=look.colour, linestyle=look.dashes, marker=look.marker,
            markevery=marks(len(entropies.epochs)), label=title,
        )  # fmt: skip
    most = np.log(classes) if classes > 1 else 1.0
    told = f"log C = {most:.2f}: knows nothing"
    axes.axhline(most, color=GREY, linewidth=0.8, label=told if narrow else None)
    if not narrow:  # where there is no room beside the legend, it stands in it
        axes.annotate(
            told, (0.99, most), xycoords=("axes fraction", "data"), xytext=(0, 1), textcoords="offset points",
            ha="right", va="bottom", fontsize=6, color="#555555",
        )  # fmt: skip
    axes.set_ylim(0, most * 1.09)
    axes.set_ylabel("mean entropy of the predictions (nats)")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.legend()


def _draw_counts(axes: Axes, run: RunDirectory, gamma: float, rows: int) -> str | None:
    from matplotlib.ticker import MaxNLocator

    epochs = run.dynamics_epochs()
    if not epochs:
        axes.set_ylabel("low-entropy predictions")
        axes.text(0.5, 0.5, "the training dynamics are not there", transform=axes.transAxes, ha="center")
        return "The run has no training dynamics, so low-entropy predictions cannot be counted."
    peers = len(run.dynamics(epochs[0]).entropy)
    own = own_thresholds(run)
    series = [(f"H ≤ {gamma:g}", low_entropy(run, {epoch: [gamma] * peers for epoch in epochs}))]
    if own.by_epoch:
        series.append((f"H ≤ Γ of the run ({own.in_words})", low_entropy(run, own.by_epoch)))
    for index, (title, counts) in enumerate(series):
        look = line(index)
        shared: dict[str, Any] = {"color": look.colour, "marker": look.marker, "markevery": marks(len(counts.epochs))}
        axes.plot(counts.epochs, counts.count, linestyle="-", label=title, **shared)
        if counts.right is not None:
            axes.plot(
                counts.epochs, counts.right, linestyle=(0, (1.2, 1.2)), markerfacecolor="white",
                label="    of these right", **shared,
            )  # fmt: skip
    axes.set_ylim(0, rows * 1.04)
    axes.set_ylabel("low-entropy predictions (rows)")
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.legend()
    return own.remark

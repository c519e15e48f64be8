"""The entropies of all predictions over the epochs, and where Γ cuts them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from clc_text.analysis.groups import subject
from clc_text.analysis.series import method_begins
from clc_text.analysis.thresholds import OwnThresholds, own_thresholds
from clc_text.analysis.unfinished import begun, not_ended
from clc_text.artifacts.run_directory import RunDirectory
from clc_text.errors import InputError
from clc_text.plots.figure import figure
from clc_text.plots.style import (
    BLACK,
    BLUE,
    DASHES,
    NARROW,
    PAGE,
    VERMILLION,
    break_upright_labels,
    footnote,
    grid,
    heading,
    new_figure,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class EntropyHistogram:
    """Entropies of the predictions of all peers, counted in bins.

    Attributes:
        epochs: int [E], those of the dynamics.
        edges: float [B+1] in nats, from 0 to log C.
        counts: int [E, B], predictions (rows × peers).
        last_right: int [B], those of the last epoch that are the true class; None where no true label is known.
    """

    epochs: np.ndarray
    edges: np.ndarray
    counts: np.ndarray
    last_right: np.ndarray | None


def entropy_histogram(run: RunDirectory, bins: int = 40) -> EntropyHistogram:
    """Counts every epoch of the training dynamics; one epoch is in memory at a time."""
    epochs = run.dynamics_epochs()
    if not epochs:
        run.dynamics()  # says in its own words that there is none
    classes, true = len(run.label_names), run.labels().true
    edges = np.linspace(0, np.log(classes) if classes > 1 else 1.0, bins + 1)
    counts = np.zeros((len(epochs), bins), dtype=np.int64)
    last_right = None
    for index, epoch in enumerate(epochs):
        record = run.dynamics(epoch)
        seen = record.seen.numpy()
        # The record of training dynamics rounds to three decimals, so the largest entropy may lie a hair above log C.
        entropies = record.entropy.numpy()[:, seen].clip(0, edges[-1])
        counts[index] = np.histogram(entropies, edges)[0]
        if index == len(epochs) - 1 and true is not None:
            right = (record.prediction.numpy() == true)[:, seen]
            last_right = np.histogram(entropies[right], edges)[0]
    return EntropyHistogram(np.array(epochs), edges, counts, last_right)


@figure("threshold")
def draw(run: RunDirectory, bins: int = 40, narrow: bool = False) -> Figure:
    """Entropy histogram of the predictions over the epochs with the run's Γ, and the last epoch's by right and wrong.

    Args:
        bins: of the entropy axis.
        narrow: panels below each other, for the page of a telephone.
    """
    if bins < 2:
        raise InputError(f"--bins is {bins}; give at least 2", key="--bins")
    begun([run])
    histogram, own = entropy_histogram(run, bins), own_thresholds(run)
    picture = new_figure(NARROW, 5.0) if narrow else new_figure(PAGE, 3.0)
    if narrow:
        left, right = picture.subplots(2, 1)
    else:
        left, right = picture.subplots(1, 2, sharey=True, width_ratios=(2.2, 1))
    _draw_epochs(left, picture, histogram, own, method_begins(run))
    _draw_last(right, histogram, own)
    rows, peers = run.environment()["rows"]["train"], run.environment()["peers"]
    heading(picture, f"{subject([run])}; {rows:,} rows × {peers} peer{'s' * (peers > 1)}")
    left.set_title("all epochs", pad=8)
    if narrow:
        break_upright_labels(picture)
    ending = not_ended(run, "The run")
    footnote(
        picture,
        own.remark,
        f"{ending}." if ending else None,
    )
    return picture


def _draw_epochs(
    axes: Axes, picture: Figure, histogram: EntropyHistogram, own: OwnThresholds, begin: int | None
) -> None:
    from matplotlib.colors import PowerNorm
    from matplotlib.patheffects import Normal, Stroke
    from matplotlib.ticker import MaxNLocator

    shares = 100 * histogram.counts / np.maximum(histogram.counts.sum(1, keepdims=True), 1)
    # In the first epochs nearly all predictions lie in one bin, which would leave the rest without contrast.
    highest = max(float(np.quantile(shares, 0.99)), 1.0)
    # A square-root scale: the lowest bin soon holds most rows and would hide all others.
    mesh = axes.pcolormesh(
        _edges_of(histogram.epochs), histogram.edges, shares.T, norm=PowerNorm(0.5, 0, highest),
        rasterized=True,
    )  # fmt: skip
    extend = "max" if shares.max() > highest else "neither"
    bar = picture.colorbar(mesh, ax=axes, pad=0.02, aspect=30, extend=extend)
    bar.set_label("predictions of the epoch (%)")
    bar.outline.set_linewidth(0.5)
    outline = [Stroke(linewidth=2.6, foreground="black"), Normal()]
    if own.by_epoch:
        epochs = sorted(own.by_epoch)
        steps = [epochs[0] - 0.5, *(epoch + 0.5 for epoch in epochs)]
        for peer in range(len(own.by_epoch[epochs[0]])):
            values = [own.by_epoch[epoch][peer] for epoch in epochs]
            axes.plot(
                steps, [values[0], *values], color="white", linestyle=DASHES[peer % len(DASHES)], linewidth=1.3,
                drawstyle="steps-pre", path_effects=outline, label=f"Γ of peer {peer}: {values[-1]:.2f}",
            )  # fmt: skip
        axes.legend(loc="upper right", facecolor="#BBBBBB", framealpha=0.9, frameon=True, edgecolor="none")
    if begin is not None and begin > 1:
        axes.axvline(begin - 0.5, color="white", linewidth=0.8, linestyle=(0, (1, 2)))
    axes.set_xlabel("epoch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_ylabel(f"entropy of the prediction (nats; log C = {histogram.edges[-1]:.2f})")


def _draw_last(axes: Axes, histogram: EntropyHistogram, own: OwnThresholds) -> None:
    last = histogram.counts[-1]
    parts = [("all", last, BLUE, "-")]
    if histogram.last_right is not None:
        parts = [
            ("right", histogram.last_right, BLUE, "-"),
            ("wrong", last - histogram.last_right, VERMILLION, DASHES[1]),
        ]
    for title, counts, colour, dashes in parts:
        axes.stairs(
            counts, histogram.edges, orientation="horizontal", color=colour, linestyle=dashes, linewidth=1.3,
            label=f"{title} ({counts.sum():,})",
        )  # fmt: skip
        axes.stairs(counts, histogram.edges, orientation="horizontal", color=colour, alpha=0.15, fill=True)
    if own.by_epoch:
        for peer, value in enumerate(own.by_epoch[max(own.by_epoch)]):
            axes.axhline(value, color=BLACK, linestyle=DASHES[peer % len(DASHES)], linewidth=0.9)
    axes.set_xscale("symlog", linthresh=10)
    axes.set_xlim(0)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    axes.set_xlabel("predictions (rows × peers)")
    axes.set_title(f"epoch {histogram.epochs[-1]}", pad=8)
    axes.legend(loc="best")
    grid(axes, "x")


def _edges_of(epochs: np.ndarray) -> np.ndarray:
    """Where one column of the picture ends and the next begins: half-way between epochs that are on record."""
    if len(epochs) == 1:
        return np.array([epochs[0] - 0.5, epochs[0] + 0.5])
    middles = (epochs[1:] + epochs[:-1]) / 2
    return np.concatenate([[epochs[0] - (middles[0] - epochs[0])], middles, [epochs[-1] + (epochs[-1] - middles[-1])]])

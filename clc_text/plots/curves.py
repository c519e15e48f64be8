"""Lines over epochs for several groups of runs, as Figures 3, 4 and 5 have them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from clc_text.analysis.groups import Group
from clc_text.analysis.series import Curve, Reading, curve, warm_up_ends
from clc_text.artifacts.run_directory import RunDirectory
from clc_text.plots.style import GREY, grid, line, marks, wrapped

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def draw_curves(axes: Axes, groups: Sequence[Group], reading: Reading) -> list[Curve]:
    """One line a group, with a band of one standard deviation where the group has several runs."""
    from matplotlib.ticker import MaxNLocator

    drawn = []
    for index, group in enumerate(groups):
        one = curve(group, reading)
        look = line(index)
        axes.plot(
            one.epochs,
            one.mean,
            color=look.colour,
            linestyle=look.dashes,
            marker=look.marker,
            markevery=marks(len(one.epochs)),
            label=f"{group.title} (n = {group.n})",
        )
        if one.deviation is not None:
            low, high = one.mean - one.deviation, one.mean + one.deviation
            axes.fill_between(one.epochs, low, high, color=look.colour, alpha=0.18, linewidth=0)
        drawn.append(one)
    axes.set_xlabel("epoch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    grid(axes)
    return drawn


def mark_warm_up(axes: Axes, runs: Sequence[RunDirectory]) -> None:
    """A dotted upright where the warm-up ends, if it ends at one place."""
    end = warm_up_ends(runs)
    if end is not None:
        axes.axvline(end + 0.5, color=GREY, linewidth=0.8, linestyle=(0, (1, 2)), zorder=0)
        axes.annotate(
            "warm-up ends",
            (end + 0.5, 1.0),
            xycoords=("data", "axes fraction"),
            xytext=(2, 1),
            textcoords="offset points",
            fontsize=6,
            color="#555555",
            ha="left",
            va="bottom",
            annotation_clip=False,
        )


def draw_legend(picture: Figure, axes: Axes, groups: Sequence[Group], *notes: str | None) -> None:
    """Below the picture, in as many columns as fit; its title says what the band means, if there is one.

    Args:
        notes: small print, which stands in the same box: legend and footnote at one edge would overlap.
    """
    handles, labels = axes.get_legend_handles_labels()
    width = picture.get_figwidth()
    labels = [wrapped(label, min(60, int(width * 13))) for label in labels]
    longest = max(len(part) for label in labels for part in label.splitlines())
    columns = max(1, min(len(labels), int(picture.get_figwidth() * 17 / (longest + 10))))
    band = any(group.n > 1 for group in groups)
    title = "mean ± 1 standard deviation over n seeds" if band else "n seeds"
    title = "\n".join(wrapped(told, int(width * 17)) for told in (*notes, title) if told)
    lines = -(-len(labels) // columns) + sum(label.count("\n") for label in labels) + title.count("\n")
    picture.set_figheight(picture.get_figheight() + 0.15 * lines)  # the panels keep their height
    picture.legend(handles, labels, title=title, loc="outside lower center", ncols=columns)


def unequal_lengths(groups: Sequence[Group]) -> str | None:
    """A sentence about groups whose lines end where their shortest run does."""
    shorter = []
    for group in groups:
        lengths = [run.metrics()[-1]["epoch"] for run in group.runs]
        if len(set(lengths)) > 1:
            shorter.append(f"{group.title}: runs have reached epochs {min(lengths)} to {max(lengths)}")
    return f"{'; '.join(shorter)}: lines end where the shortest run does." if shorter else None


def room_above(axes: Axes, curves: Sequence[Curve]) -> None:
    """The y limits of percentages: what is drawn, and a little air, never beyond 0 and 100."""
    values = np.concatenate([one.mean for one in curves] or [np.zeros(1)])
    spread = np.concatenate([one.deviation for one in curves if one.deviation is not None] or [np.zeros(1)])
    if np.isfinite(values).any():
        reach = float(np.nanmax(spread)) if np.isfinite(spread).any() else 0.0
        low, high = float(np.nanmin(values)) - reach, float(np.nanmax(values)) + reach
        air = max(1.0, 0.05 * (high - low))
        axes.set_ylim(max(0.0, low - air), min(100.0 + air / 2, high + air))

"""Figure 5 of the paper: how many rows are selected in each epoch, and how many of them are taught the true class."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from clc_text.analysis.groups import group, subject
from clc_text.analysis.series import mean_of_peers
from clc_text.analysis.unfinished import begun
from clc_text.artifacts.run_directory import RunDirectory
from clc_text.artifacts.run_files import Epoch
from clc_text.plots.curves import (
    draw_curves,
    draw_legend,
    mark_warm_up,
    room_above,
    unequal_lengths,
)
from clc_text.plots.figure import figure
from clc_text.plots.style import NARROW, PAGE, break_upright_labels, heading, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def selected(entry: Epoch) -> float:
    """Selected rows of one epoch, the mean of the peers."""
    return mean_of_peers(entry["train"]["selected"])


def label_precision(entry: Epoch) -> float:
    """The share of selected rows that are taught their true class, in percent; NaN where none is known."""
    return 100 * mean_of_peers(entry["train"]["label_precision"])


@figure("selection", several=True)
def draw(runs: Sequence[RunDirectory], narrow: bool = False) -> Figure:
    """Figure 5: selected rows and their label precision per epoch; runs that differ in their seeds only are one line.

    Where no true label is known there is no precision, and the second panel is left out.

    Args:
        narrow: panels below each other, for the page of a telephone.
    """
    kept, _ = begun(runs)
    groups = group(kept)
    knowing = [one for one in groups if all(run.metrics()[0]["train"]["label_precision"] for run in one.runs)]
    count = 2 if knowing else 1
    if narrow:
        picture = new_figure(NARROW, 2.3 * count)
        panels = picture.subplots(count, 1, squeeze=False)[:, 0]
    else:
        picture = new_figure(PAGE / 2 * count, 2.7)
        panels = picture.subplots(1, count, squeeze=False)[0]
    rows = max(run.environment()["rows"]["train"] for run in kept)

    draw_curves(panels[0], groups, selected)
    panels[0].set_ylim(0, rows * 1.04)
    panels[0].set_ylabel("selected rows")
    heading(picture, f"{subject(kept)}; {rows:,} rows; mean of the peers")
    panels[0].yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    if knowing:
        # The same order as on the left, so that a group keeps its look; a group without true labels has no line.
        drawn = draw_curves(panels[1], groups, label_precision)
        room_above(panels[1], drawn)
        panels[1].set_ylabel("label precision (%)")
        panels[1].set_title("of the selected rows: taught the true class", pad=10, fontsize=7)
    for panel in panels:
        mark_warm_up(panel, kept)
    if narrow:
        break_upright_labels(picture)
    # Where no run knows true labels there is nothing to miss.
    unknown = [one.title for one in groups if one not in knowing] if knowing else []
    missing = f"{', '.join(unknown)}: no true labels are known, so no label precision." if unknown else None
    draw_legend(picture, panels[0], groups, missing, unequal_lengths(groups))
    return picture

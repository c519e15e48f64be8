"""Figure 6 of the paper: the noise that was made, beside what the model's predictions say of the given labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from clc_text.analysis.confusion import Matrix, matrices
from clc_text.analysis.groups import subject
from clc_text.analysis.short_names import short_names
from clc_text.analysis.unfinished import not_ended
from clc_text.artifacts.run_directory import RunDirectory
from clc_text.errors import InputError
from clc_text.plots.figure import figure
from clc_text.plots.style import NARROW, footnote, heading, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage

_MOST_WRITTEN = 12  # classes up to which every cell has its number
_MOST_NAMED = 60  # classes up to which every row has its name


@figure("confusion")
def draw(run: RunDirectory, narrow: bool = False) -> Figure:
    """Figure 6: noise transition matrix, confusion of the model's predictions with the given labels, estimated matrix.

    In each panel a row sums to 100 %: of the rows of that true (or predicted) class, how many were given which label.

    Args:
        narrow: panels below each other, for the page of a telephone.
    """
    panels, remarks = matrices(run)
    if not panels:
        raise InputError(
            f"{run.path} has {len(run.label_names):,} classes, and nobody could read a matrix of so many",
            where=run.path,
        )
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

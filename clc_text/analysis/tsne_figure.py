"""Figure 8 of the paper: t-SNE maps side by side, coloured by given, corrected and true labels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from clc_text.analysis.maps import Maps, Panel
from clc_text.analysis.short_names import short_names
from clc_text.analysis.style import COLOURS, footnote, house_style, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SHAPES = "os^Dv"
_CELLS = 12  # of the grid in which a class's densest place is looked for
_APART = 0.055  # of the map's width, between two numbers


def look(number: int) -> tuple[str, str]:
    """Colour and marker of a class: 40 classes have each their own, and neighbours differ in both."""
    return COLOURS[number % len(COLOURS)], SHAPES[(number + number // len(COLOURS)) % len(SHAPES)]


def draw(maps: Maps, labellings: Sequence[str]) -> Figure:
    """A column for each panel, a row for each labelling; numbers stand where a class is densest.

    Args:
        labellings: some of "given", "corrected", "true".
    """
    with house_style():
        columns, lines = len(maps.panels), len(labellings)
        names = [f"{number} {name}" for number, name in enumerate(short_names(maps.label_names))]
        side = 2.5 if columns > 2 else 2.9
        legend_lines = max(1, int(lines * side / 0.155))
        legend_columns = -(-len(names) // legend_lines)
        width = columns * side + legend_columns * (0.35 + 0.062 * max(map(len, names)))
        picture = new_figure(width, lines * (side + 0.2) + 0.55)
        axes = picture.subplots(lines, columns, squeeze=False)
        for line, labelling in enumerate(labellings):
            for column, panel in enumerate(maps.panels):
                _draw_panel(axes[line, column], panel, labelling, len(names))
                if line == 0:
                    axes[line, column].set_title(f"{panel.title}\n{_numbers(panel, labelling)}")
                else:
                    axes[line, column].set_title(_numbers(panel, labelling))
            axes[line, 0].set_ylabel(f"{labelling} labels")
        _draw_legend(picture, names, legend_columns)
        rows = " and ".join(f"{count:,}" for count in dict.fromkeys(len(panel.rows.rows) for panel in maps.panels))
        picture.suptitle(f"{maps.subject}; {rows} training rows", fontsize=8, x=0.01, ha="left")
        settings = maps.settings
        footnote(
            picture,
            f"t-SNE of the last hidden layer (perplexity {settings['perplexity']:g}, seed {settings['seed']}); axes "
            "have no unit. k-NN: rows whose 10 nearest neighbours on the map mostly have their class; s: mean "
            "silhouette.",
        )
        return picture


def _numbers(panel: Panel, labelling: str) -> str:
    found = panel.quality[labelling]
    knn, silhouette = found["knn"]["map"], found["silhouette"]["map"]
    return "one class only" if knn is None or silhouette is None else f"k-NN {knn:.1f} %, s = {silhouette:.2f}"


def _draw_panel(axes: Axes, panel: Panel, labelling: str, classes: int) -> None:
    points, labels = panel.map.points, panel.rows.labels[labelling]
    size = float(np.clip(9000 / len(points), 0.6, 14))
    for number in range(-1, classes):
        chosen = labels == number
        if not chosen.any():
            continue
        colour, shape = look(number) if number >= 0 else ("#CCCCCC", ".")
        axes.scatter(
            points[chosen, 0], points[chosen, 1], s=size, c=colour, marker=shape, linewidths=0, alpha=0.75,
            rasterized=True, zorder=1 if number < 0 else 2,
        )  # fmt: skip
    if labelling != "given":  # wrong labels lie everywhere, so a number there would tell nothing
        _write_numbers(axes, points, labels, classes)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_box_aspect(1)
    for spine in axes.spines.values():
        spine.set_visible(True)
        spine.set_color("#BBBBBB")


def _write_numbers(axes: Axes, points: np.ndarray, labels: np.ndarray, classes: int) -> None:
    """The class's number where the class is densest; left out where another number stands already."""
    low, span = points.min(0), np.maximum(np.ptp(points, axis=0), 1e-9)
    placed: list[np.ndarray] = []
    order = np.argsort(-np.bincount(labels[labels >= 0], minlength=classes), kind="stable")
    for number in order:
        own = (points[labels == number] - low) / span
        if not len(own):
            continue
        cells = np.minimum((own * _CELLS).astype(int), _CELLS - 1)
        keys = cells[:, 0] * _CELLS + cells[:, 1]
        densest = np.bincount(keys).argmax()
        place = own[keys == densest].mean(0)
        if any(np.abs(place - other).max() < _APART for other in placed):
            continue
        placed.append(place)
        x, y = place * span + low
        axes.text(
            x, y, str(number), fontsize=6.5, weight="bold", ha="center", va="center", zorder=5,
            bbox={"boxstyle": "round,pad=0.12", "facecolor": "white", "edgecolor": look(number)[0], "linewidth": 0.8},
        )  # fmt: skip


def _draw_legend(picture: Figure, names: list[str], columns: int) -> None:
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], linestyle="", marker=shape, color=colour, markersize=4, label=name)
        for name, (colour, shape) in ((name, look(number)) for number, name in enumerate(names))
    ]
    picture.legend(handles=handles, loc="outside right upper", ncols=columns, handletextpad=0.2, columnspacing=1.0)

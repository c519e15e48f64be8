"""Figure 8 of the paper: t-SNE maps side by side, coloured by given, corrected and true labels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from clc_text.analysis.maps import Maps, Panel
from clc_text.analysis.short_names import short_names
from clc_text.plots.style import (
    COLOURS,
    NARROW,
    class_colours,
    footnote,
    heading,
    house_style,
    new_figure,
    wrapped,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SHAPES = "os^Dv"
_CELLS = 12  # of the grid in which a class's densest place is looked for
_LINE, _LETTER = 0.05, 0.021  # of the map's width: how high a name is, and how wide a letter of it
_MOST_NAMED = 25  # classes up to which names stand on the map; numbers of more
_LONGEST = 14  # letters of such a name
_PLACES = 4  # of a class that are tried for its name


def look(number: int, colours: Sequence[str] = COLOURS) -> tuple[str, str]:
    """Colour and marker of a class: 40 classes have each their own, and neighbours differ in both."""
    return colours[number % len(colours)], SHAPES[(number + number // len(colours)) % len(SHAPES)]


def draw(maps: Maps, labellings: Sequence[str], narrow: bool = False) -> Figure:
    """A column for each panel, a row for each labelling; a class's name stands where it is densest.

    Args:
        labellings: some of "given", "corrected", "true".
        narrow: the first panel alone, for the page of a telephone.
    """
    with house_style():
        panels = maps.panels[:1] if narrow else maps.panels
        columns, lines = len(panels), len(labellings)
        names = [f"{number} {name}" for number, name in enumerate(short_names(maps.label_names))]
        side = 2.5 if columns > 2 else 2.9
        legend_lines = max(1, int(lines * side / 0.155))
        legend_columns = -(-len(names) // legend_lines)
        column = 0.35 + 0.062 * max(map(len, names))
        if narrow:
            legend_columns = max(1, int(NARROW / column))
            picture = new_figure(NARROW, lines * (side + 0.2) + 1.0 + 0.155 * -(-len(names) // legend_columns))
        else:
            picture = new_figure(columns * side + legend_columns * column, lines * (side + 0.2) + 0.55)
        axes = picture.subplots(lines, columns, squeeze=False)
        for line, labelling in enumerate(labellings):
            for column, panel in enumerate(panels):
                _draw_panel(axes[line, column], panel, labelling, maps.label_names)
                if line == 0:
                    axes[line, column].set_title(f"{panel.title}\n{_numbers(panel, labelling)}")
                else:
                    axes[line, column].set_title(_numbers(panel, labelling))
            axes[line, 0].set_ylabel(f"{labelling} labels")
        rows = " and ".join(f"{count:,}" for count in dict.fromkeys(len(panel.rows.rows) for panel in panels))
        heading(picture, f"{maps.subject}; {rows} training rows")
        settings = maps.settings
        note = (
            f"t-SNE of the last hidden layer (perplexity {settings['perplexity']:g}, seed {settings['seed']}); axes "
            "have no unit. k-NN: rows whose 10 nearest neighbours on the map mostly have their class; s: mean "
            "silhouette."
        )
        if narrow:  # legend and footnote at one edge would overlap, so they are one box
            _draw_legend(picture, names, legend_columns, "outside lower left", wrapped(note, int(NARROW * 17)))
        else:
            _draw_legend(picture, names, legend_columns, "outside right upper")
            footnote(picture, note)
        return picture


def _numbers(panel: Panel, labelling: str) -> str:
    quality = panel.quality[labelling]
    knn, silhouette = quality["knn"]["map"], quality["silhouette"]["map"]
    return "one class only" if knn is None or silhouette is None else f"k-NN {knn:.1f} %, s = {silhouette:.2f}"


def _draw_panel(axes: Axes, panel: Panel, labelling: str, names: list[str]) -> None:
    classes, colours = len(names), class_colours(len(names))
    points, labels = panel.map.points, panel.rows.labels[labelling]
    size = float(np.clip(9000 / len(points), 0.6, 14))
    for number in range(-1, classes):
        chosen = labels == number
        if not chosen.any():
            continue
        colour, shape = look(number, colours) if number >= 0 else ("#CCCCCC", ".")
        axes.scatter(
            points[chosen, 0], points[chosen, 1], s=size, c=colour, marker=shape, linewidths=0, alpha=0.75,
            rasterized=True, zorder=1 if number < 0 else 2,
        )  # fmt: skip
    if classes <= _MOST_NAMED:
        _write_names(axes, points, labels, short_names(names, _LONGEST))
    else:
        _write_names(axes, points, labels, [str(number) for number in range(classes)])
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_box_aspect(1)
    for spine in axes.spines.values():
        spine.set_visible(True)
        spine.set_color("#BBBBBB")


def _write_names(axes: Axes, points: np.ndarray, labels: np.ndarray, names: list[str]) -> None:
    """Each name where its class is densest, or next to densest; left out where others stand on all these places."""
    colours = class_colours(len(names))
    low, span = points.min(0), np.maximum(np.ptp(points, axis=0), 1e-9)
    placed: list[tuple[float, float, float]] = []
    order = np.argsort(-np.bincount(labels[labels >= 0], minlength=len(names)), kind="stable")
    for number in order:
        own = (points[labels == number] - low) / span
        if not len(own):
            continue
        half = max(_LINE, _LETTER * len(names[number])) / 2
        for x, y in _dense_places(own):
            x = min(max(x, half), 1 - half)  # within the frame
            if any(abs(x - other) < half + wide and abs(y - high) < _LINE for other, high, wide in placed):
                continue
            placed.append((x, y, half))
            left, bottom = (np.array([x, y]) * span + low).tolist()
            axes.text(
                left, bottom, names[number], fontsize=6, weight="bold", ha="center", va="center",
                zorder=5, bbox={"boxstyle": "round,pad=0.1", "facecolor": "white", "alpha": 0.85,
                                "edgecolor": look(number, colours)[0], "linewidth": 0.8},
            )  # fmt: skip
            break


def _dense_places(own: np.ndarray) -> list[tuple[float, float]]:
    """Of points [n, 2] within 0 … 1: the middle of those in each of the fullest cells of a grid, fullest first."""
    cells = np.minimum((own * _CELLS).astype(int), _CELLS - 1)
    keys = cells[:, 0] * _CELLS + cells[:, 1]
    fullest = np.argsort(-np.bincount(keys), kind="stable")[:_PLACES]
    places = [own[keys == key].mean(0).tolist() for key in fullest if (keys == key).any()]
    return [(x, y) for x, y in places]


def _draw_legend(picture: Figure, names: list[str], columns: int, place: str, title: str | None = None) -> None:
    from matplotlib.lines import Line2D

    colours = class_colours(len(names))
    handles = [
        Line2D([], [], linestyle="", marker=shape, color=colour, markersize=4, label=name)
        for name, (colour, shape) in ((name, look(number, colours)) for number, name in enumerate(names))
    ]
    picture.legend(
        handles=handles, loc=place, ncols=columns, handletextpad=0.2, columnspacing=1.0, title=title,
        title_fontsize=6.5, alignment="left",
    )  # fmt: skip

"""A sweep as a picture: accuracy over a number of the recipe, such as the length of the warm-up, one line a method."""

from __future__ import annotations

import statistics
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clc_text.analysis.compare import TITLES
from clc_text.analysis.sweep_table import SweepTable
from clc_text.errors import InputError, nearest
from clc_text.plots.style import PAGE, footnote, grid, house_style, line, new_figure
from clc_text.utils.shown import printable

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# A method's points over the key: value of the key -> accuracy by seed.
Points = dict[float, list[float]]


def points_over(table: SweepTable, directory: Path, key: str, measure: str) -> dict[str, dict[str, Points]]:
    """recipe -> method -> points.

    Args:
        key: a key of the recipe with dots, whose values are numbers.

    Raises:
        InputError: a recipe has no such key, or its value is no number.
    """
    from clc_text.artifacts.run_directory import RunDirectory

    lines: dict[str, dict[str, Points]] = {}
    for (variant, recipe), cell in table.cells.items():
        seed = min(cell.values)
        plain = RunDirectory(directory / recipe / variant / f"seed-{seed}").recipe()
        value = number_at(plain, key)
        points = lines.setdefault(recipe, {}).setdefault(cell.method, {})
        points.setdefault(value, []).extend(cell.of(measure))
    return {recipe: lines[recipe] for recipe in table.recipes if recipe in lines}


def number_at(recipe: dict[str, Any], key: str) -> float:
    """The number at a key such as ``method.warmup_epochs``."""
    place: Any = recipe
    for part in key.split("."):
        if not isinstance(place, dict) or part not in place:
            known = list(place) if isinstance(place, dict) else []
            raise InputError(
                f"--over is '{key}', and a recipe of the sweep has no such key{nearest(part, known)}", key="--over"
            )
        place = place[part]
    if isinstance(place, bool) or not isinstance(place, (int, float)):
        raise InputError(
            f"--over is '{key}', but its value in the sweep is {place!r}; name a key that is a number", key="--over"
        )
    return float(place)


def draw_over(table: SweepTable, directory: Path, key: str, measure: str = "last10") -> Figure:
    """One panel a recipe, one line a method: mean over the seeds, each seed as a dot."""
    from matplotlib.ticker import MaxNLocator

    lines = points_over(table, directory, key, measure)
    methods = list(dict.fromkeys(method for points in lines.values() for method in points))
    with house_style():
        columns = min(len(lines), 2)
        rows = -(-len(lines) // columns)
        picture = new_figure(PAGE * columns / 2, 2.1 * rows + 0.4)
        panels = picture.subplots(rows, columns, sharex=True, squeeze=False)
        for axes in panels.flat[len(lines) :]:
            axes.set_visible(False)
        for axes, (recipe, by_method) in zip(panels.flat, lines.items(), strict=False):
            for index, method in enumerate(methods):
                if method in by_method:
                    _draw_line(axes, by_method[method], index, method)
            axes.set_title(printable(recipe))
            axes.set_ylabel("test accuracy (%)")
            grid(axes)
        for axes in panels[-1]:
            axes.set_xlabel(printable(key))
            if all(float(value).is_integer() for by in lines.values() for points in by.values() for value in points):
                axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        handles, labels = panels.flat[0].get_legend_handles_labels()
        picture.legend(handles, labels, loc="outside upper right", ncols=len(methods))
        every = [values for by_method in lines.values() for points in by_method.values() for values in points.values()]
        counts = sorted({len(values) for values in every})
        seeds = f"{counts[0]}" if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
        who = "mean of the peers" if table.of == "peers" else "ensemble"
        plural = "seed" if counts == [1] else "seeds"
        footnote(
            picture, f"Lines: mean over {seeds} {plural}; dots: each seed. {TITLES[measure].capitalize()}, {who}."
        )
    return picture


def _draw_line(axes: Any, points: Points, index: int, label: str) -> None:
    look = line(index)
    values = sorted(points)
    means = [statistics.fmean(points[value]) for value in values]
    axes.plot(values, means, color=look.colour, linestyle=look.dashes, marker=look.marker, label=printable(label))
    for value in values:
        axes.plot([value] * len(points[value]), points[value], ".", color=look.colour, alpha=0.45, markersize=3)

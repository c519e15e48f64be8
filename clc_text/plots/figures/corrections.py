"""Figure 7 of the paper for texts: examples of labels that the run would change."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from clc_text.analysis.corrected import CorrectedLabels, corrected_labels
from clc_text.analysis.examples import Counts, Example, count_changes, pick_examples
from clc_text.analysis.groups import subject
from clc_text.analysis.short_names import short_names
from clc_text.analysis.unfinished import begun, not_ended
from clc_text.artifacts.run_directory import RunDirectory
from clc_text.errors import InputError
from clc_text.plots.figure import figure
from clc_text.plots.style import BLACK, BLUE, GREY, PAGE, VERMILLION, footnote, heading, new_figure, wrapped

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_TEXT_WIDTH, _TEXT_LINES = 80, 3

# verdict -> (sign, colour); the sign and the word tell it without colour.
VERDICTS = {"fixed": ("✓", BLUE), "broken": ("✗", VERMILLION), "wrong": ("✗", VERMILLION), "unknown": ("?", GREY)}


@figure("corrections")
def draw(run: RunDirectory, examples: int = 12) -> Figure:
    """Figure 7: examples of changed labels with their texts, given and corrected label, and the true one where known.

    Args:
        examples: how many rows to show.

    Raises:
        InputError: the run changes no label, or kept no data.
    """
    if not 1 <= examples <= 60:
        raise InputError(f"--examples is {examples}; give a number from 1 to 60", key="--examples")
    begun([run])
    labels = run.labels()
    corrected = corrected_labels(run, labels)
    if not corrected.changed.any():
        raise InputError(
            f"{run.path} changes no label ({corrected.source}, method {run.recipe()['method']['name']}), so there "
            "is no correction to show",
            where=run.path,
            key="label",
        )
    short = dict(zip(run.label_names, short_names(run.label_names, 24), strict=True))
    shown = [
        replace(
            one, given=short[one.given], corrected=short[one.corrected],
            true=None if one.true is None else short[one.true],
        )
        for one in pick_examples(run, labels, corrected, examples)
    ]  # fmt: skip
    bodies = [wrapped(example.text, _TEXT_WIDTH, _TEXT_LINES) or "(empty)" for example in shown]
    # A change of long names takes two smaller lines.
    heights = [max(1.0 if _fits(one) else 1.6, body.count("\n") + 1) for one, body in zip(shown, bodies, strict=True)]
    picture = new_figure(PAGE, 0.75 + sum(0.125 * lines + 0.085 for lines in heights))
    axes = picture.subplots()
    _draw_table(axes, shown, bodies, heights)
    heading(picture, _title(run, corrected, count_changes(labels, corrected)))
    ending = not_ended(run, "The run")
    footnote(
        picture,
        "Shown: the surest change of every pair of classes in turn; conf.: the confidence, mean of the peers; "
        "✓ the corrected label is the true one, ✗ it is not, ? not known.",
        f"{ending}." if ending else None,
    )
    return picture


def _title(run: RunDirectory, corrected: CorrectedLabels, counts: Counts) -> str:
    share = counts.changed / counts.rows
    title = f"{subject([run])}; {corrected.source}: {counts.changed:,} of {counts.rows:,} labels changed ({share:.0%})"
    if counts.fixed is not None:
        title += f": {counts.fixed:,} fixed, {counts.broken:,} broken, {counts.wrong:,} wrong before and after"
    return title


def _change(example: Example) -> str:
    return f"{example.given} → {example.corrected}"


def _fits(example: Example) -> bool:
    return len(_change(example)) <= 22


def _draw_table(axes: Axes, examples: list[Example], bodies: list[str], heights: list[float]) -> None:
    """A table in lines of text: one unit of y is one line."""
    spaces = np.array(heights) + 0.68
    axes.set_xlim(0, 100)
    axes.set_ylim(float(spaces.sum()), -1.2)
    axes.set_axis_off()
    columns = {"text": 0.0, "given → corrected": 56.0, "true": 79.5, "conf.": 100.0}
    for name, x in columns.items():
        axes.text(x, -0.45, name, fontsize=7, weight="bold", ha="right" if name == "conf." else "left", va="center")
    top = 0.0
    for example, body, space in zip(examples, bodies, spaces, strict=True):
        middle = top + space / 2
        sign, colour = VERDICTS[example.verdict]
        axes.axhline(top, color="#BBBBBB", linewidth=0.5)
        axes.text(columns["text"], middle, body, fontsize=6.5, va="center", linespacing=1.15)
        change, fits = _change(example), _fits(example)
        axes.text(
            56, middle, change if fits else change.replace("→ ", "→\n"), fontsize=6.5 if fits else 5.5, va="center",
            linespacing=1.05,
        )  # fmt: skip
        truth = "not known" if example.true is None else example.true
        axes.text(76.5, middle, sign, fontsize=8, va="center", color=colour, weight="bold")
        axes.text(columns["true"], middle, truth, fontsize=6.5 if len(truth) <= 14 else 5.5, va="center", color=BLACK)
        axes.text(columns["conf."], middle, f"{example.confidence:.2f}", fontsize=6.5, va="center", ha="right")
        top += space
    axes.axhline(top, color="#BBBBBB", linewidth=0.5)

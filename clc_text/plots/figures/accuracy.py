"""Figures 3 and 4 of the paper: test accuracy after every epoch, several methods in one picture."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from clc_text.analysis.groups import group, subject
from clc_text.analysis.series import mean_of_peers
from clc_text.analysis.unfinished import begun
from clc_text.artifacts.run_directory import RunDirectory
from clc_text.artifacts.run_files import Epoch
from clc_text.errors import InputError, nearest
from clc_text.plots.curves import (
    draw_curves,
    draw_legend,
    mark_warm_up,
    room_above,
    unequal_lengths,
)
from clc_text.plots.figure import figure
from clc_text.plots.style import COLUMN, NARROW, PAGE, heading, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WHO = {"peers": "mean of the peers", "ensemble": "ensemble"}


def accuracy(entry: Epoch, of: str = "peers") -> float:
    """The test accuracy of one epoch in percent; NaN without test rows."""
    if entry["test"] is None:
        return math.nan
    scores = entry["test"]["accuracy"]
    return mean_of_peers(scores["peers"]) if of == "peers" else float(scores["ensemble"])


@figure("accuracy", several=True)
def draw(runs: Sequence[RunDirectory], of: str = "peers", narrow: bool = False) -> Figure:
    """Figures 3 and 4: test accuracy per epoch; runs that differ in their seeds only are one line with its deviation.

    Args:
        of: "peers" for the mean of the peers (the paper's figure), "ensemble" for their mean probability.
        narrow: for the page of a telephone.

    Raises:
        InputError: a run has no test rows, or no epoch has ended in any run.
    """
    if of not in WHO:
        raise InputError(f"there is no accuracy of '{of}'{nearest(of, WHO)}", key=of)
    kept, _ = begun(runs)
    for run in kept:
        if run.metrics()[0]["test"] is None:
            raise InputError(
                f"{run.path} has no test rows, so no test accuracy; the figures entropy, selection, confusion, "
                "corrections and threshold need none",
                where=run.path,
                key="test rows",
            )
    groups = group(kept)
    few = len(groups) <= 4
    picture = new_figure(NARROW if narrow else COLUMN * 1.25 if few else PAGE, 2.6 if few else 3.0)
    axes = picture.subplots()
    drawn = draw_curves(axes, groups, lambda entry: accuracy(entry, of))
    room_above(axes, drawn)
    rows = sorted({run.environment()["rows"]["test"] for run in kept})
    axes.set_ylabel("test accuracy (%)")
    heading(picture, f"{subject(kept)}; {' and '.join(f'{count:,}' for count in rows)} test rows; {WHO[of]}")
    mark_warm_up(axes, kept)
    draw_legend(picture, axes, groups, unequal_lengths(groups))
    return picture

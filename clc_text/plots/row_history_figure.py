"""A row's history as a picture: what each peer predicts and is taught above, how sure it is below."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from clc_text.analysis.row_history import RowHistory
from clc_text.analysis.short_names import short_names
from clc_text.plots.style import BLACK, GREEN, PAGE, footnote, grid, heading, house_style, line, marks, new_figure
from clc_text.utils.shown import printable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def draw(history: RowHistory) -> Figure:
    """Upper panel: predicted class (line) and taught class (open mark) per epoch. Lower panel: entropy and Γ."""
    with house_style():
        shown = _classes(history)
        picture = new_figure(PAGE, 2.9 + 0.16 * len(shown))
        above, below = picture.subplots(2, 1, sharex=True, height_ratios=(0.6 + 0.16 * len(shown), 1.5))
        _draw_classes(above, history, shown)
        _draw_entropy(below, history)
        text = printable(history.text) if history.text is not None else "(no text kept)"
        heading(picture, f"Row {history.row}: {text}", share=0.75, lines=3)
        picture.legend(loc="outside right upper")
        footnote(picture, "A mark of a taught class is filled where the row is selected.")
        return picture


def _classes(history: RowHistory) -> list[int]:
    """The classes that this row ever met, in class order."""
    met = set(history.prediction[history.seen].ravel().tolist()) | set(history.target[history.seen].ravel().tolist())
    return sorted(met | {history.given, history.trained} | ({history.true} if history.true is not None else set()))


def _draw_classes(axes: Axes, history: RowHistory, shown: list[int]) -> None:
    place = {number: height for height, number in enumerate(shown)}
    peers = history.prediction.shape[1]
    axes.axhline(place[history.given], color=BLACK, linewidth=5, alpha=0.13, label="given label")
    if history.true is not None:
        axes.axhline(place[history.true], color=GREEN, linewidth=1, linestyle=(0, (2, 2)), label="true label")
    epochs = history.epochs[history.seen]
    for peer in range(peers):
        look = line(peer)
        offset = (peer - (peers - 1) / 2) * 0.24
        predicted = np.array([place[number] for number in history.prediction[history.seen, peer].tolist()]) + offset
        taught = np.array([place[number] for number in history.target[history.seen, peer].tolist()]) + offset
        axes.plot(
            epochs, predicted, color=look.colour, linestyle=look.dashes, drawstyle="steps-mid",
            label=f"peer {peer} predicts",
        )  # fmt: skip
        for kept, fill, title in ((True, look.colour, f"peer {peer} is taught"), (False, "white", None)):
            chosen = history.selected[history.seen, peer] == kept
            axes.plot(
                epochs[chosen], taught[chosen], color=look.colour, linestyle="", marker=look.marker,
                markerfacecolor=fill, markersize=3, markeredgewidth=0.7, label=title,
            )  # fmt: skip
    names = short_names(history.label_names)
    axes.set_yticks(range(len(shown)), [names[number] for number in shown])
    axes.set_ylim(-0.6, len(shown) - 0.4)
    axes.set_ylabel("class")


def _draw_entropy(axes: Axes, history: RowHistory) -> None:
    from matplotlib.ticker import MaxNLocator

    epochs = history.epochs[history.seen]
    for peer in range(history.entropy.shape[1]):
        look = line(peer)
        axes.plot(
            epochs, history.entropy[history.seen, peer], color=look.colour, linestyle=look.dashes, marker=look.marker,
            markevery=marks(len(epochs)), label=f"entropy of peer {peer}",
        )  # fmt: skip
        if np.isfinite(history.threshold[:, peer]).any():
            axes.plot(
                history.epochs, history.threshold[:, peer], color=look.colour, linestyle=(0, (1, 1)), linewidth=0.9,
                label=f"Γ of peer {peer}",
            )  # fmt: skip
    most = np.log(len(history.label_names)) if len(history.label_names) > 1 else 1.0
    axes.set_ylim(0, most * 1.03)
    axes.set_ylabel(f"entropy (nats;\nlog C = {most:.2f})")
    axes.set_xlabel("epoch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    grid(axes)

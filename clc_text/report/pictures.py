"""The pictures of `clc-text plot` on the page, and the epochs in numbers for who cannot see them."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from markupsafe import Markup

from clc_text.analysis.judged import anonymous
from clc_text.analysis.series import mean_of_peers
from clc_text.artifacts.run_directory import RunDirectory
from clc_text.errors import InputError
from clc_text.plots.figure import as_bytes, draw
from clc_text.plots.style import NARROW
from clc_text.report.markup import folded, joined, paragraph, piece, table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# What is shown where true labels are known, and where they are not.
CAPTIONS = {
    "accuracy": ("Test accuracy after every epoch.",) * 2,
    "entropy": (
        "Mean entropy of right, wrong and all predictions, and how many predictions have a low one.",
        "Mean entropy of the predictions, and how many of them have a low one.",
    ),
    "selection": (
        "How many rows are selected, and how many of these are taught their true class.",
        "How many rows are selected.",
    ),
    "threshold": ("Entropies of all predictions over the epochs, where Γ cuts them, and those of the last epoch.",)
    * 2,
    "confusion": (
        "The noise, the model's predictions against the given labels, and the estimated noise.",
        "Which class is given as which: by the model's predictions, and as estimated.",
    ),
}
PICTURES = ("accuracy", "entropy", "selection", "threshold")
_PIXELS = 125  # of the screen for an inch: pictures are drawn for print, whose letters are small
MOST_SVG = 300_000  # bytes; a larger vector picture becomes one of pixels


def picture_html(run: RunDirectory, name: str) -> Markup:
    """A picture of the run, or the sentence that says why there is none."""
    try:
        drawn, narrow = (draw(name, [run], narrow=narrow) for narrow in (False, True))
    except InputError as error:
        return paragraph(anonymous(str(error), run), "soft")
    return figure_html(drawn, narrow, CAPTIONS[name][run.labels().true is None])


def figure_html(drawn: Figure, narrow: Figure, caption: str) -> Markup:
    """The picture, and for pages that are hardly wider than it the one whose panels stand below each other."""
    # Of many classes even the narrow one is too wide for a telephone: there it scrolls and its letters stay large.
    scrolls = narrow.get_figwidth() > NARROW * 1.2
    return piece("figure", _source(drawn), _source(narrow), caption, scrolls)


class Source(NamedTuple):
    """A data URI, and its width and height on the screen."""

    uri: str
    width: int
    height: int


def _source(drawn: Figure) -> Source:
    content, kind = as_bytes(drawn, "svg"), "svg+xml"
    if len(content) > MOST_SVG:
        content, kind = as_bytes(drawn, "png"), "png"
    # As an image, an SVG runs no script, and its own style attributes do not meet the page's policy.
    width, height = (round(float(inches) * _PIXELS) for inches in drawn.get_size_inches())
    return Source(f"data:image/{kind};base64,{base64.b64encode(content).decode()}", width, height)


def pictures_html(run: RunDirectory, names: Iterable[str] = PICTURES) -> Markup:
    tested = run.environment()["rows"]["test"]
    return joined(picture_html(run, name) for name in names if tested or name != "accuracy")


def epochs_html(run: RunDirectory) -> Markup:
    """The epochs as a table: what the pictures draw."""
    if not run.file("metrics.jsonl").is_file():
        return Markup("")
    lines = []
    for entry in run.metrics():
        train, test = entry["train"], entry["test"]
        accuracy = None if test is None else test["accuracy"]
        figures = (
            (entry["loss"], "{:.3f}"),
            (None if accuracy is None else mean_of_peers(accuracy["peers"]), "{:.1f}"),
            (None if accuracy is None else accuracy["ensemble"], "{:.1f}"),
            (mean_of_peers(train["selected"]), "{:,.0f}"),
            (100 * mean_of_peers(train["label_precision"]), "{:.1f}"),
            (mean_of_peers(train["entropy"]["all"]), "{:.3f}"),
            (mean_of_peers(entry["threshold"]), "{:.3f}"),
        )
        cells = ("–" if value is None or value != value else form.format(value) for value, form in figures)
        lines.append([str(int(entry["epoch"])), entry["phase"], *cells])
    if not lines:
        return Markup("")
    heads = ["epoch", "phase", "#loss", "#test % (peers)", "#test % (ensemble)", "#selected", "#label precision %",
             "#entropy (nats)", "#Γ"]  # fmt: skip
    return folded("The epochs in numbers", table("Epochs; the mean of the peers unless said otherwise", heads, lines))

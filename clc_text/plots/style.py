"""The look of every picture: colours that all eyes tell apart, lines that survive a grey printer, embedded fonts."""

from __future__ import annotations

import unicodedata
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from clc_text.utils.shown import printable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe and Ito, "Color Universal Design" (2008); yellow is left out, it is too pale for a line on white.
BLUE, VERMILLION, GREEN, BLACK = "#0072B2", "#D55E00", "#009E73", "#000000"
ORANGE, PURPLE, SKY, GREY = "#E69F00", "#CC79A7", "#56B4E9", "#7F7F7F"
COLOURS = (BLUE, VERMILLION, GREEN, BLACK, ORANGE, PURPLE, SKY, GREY)
# Kelly, "Twenty-Two Colors of Maximum Contrast" (1965), without white, black and the palest: for many classes.
KELLY = (
    "#0067A5", "#F38400", "#008856", "#BE0032", "#875692", "#654522", "#E68FAC", "#848482", "#8DB600", "#F3C300",
    "#604E97", "#F99379", "#2B3D26", "#A1CAF1", "#B3446C", "#C2B280", "#E25822", "#882D17", "#DCD300", "#F6A600",
)  # fmt: skip
DASHES: tuple[Any, ...] = ("-", (0, (5, 1.5)), (0, (1.2, 1.2)), (0, (6, 1.5, 1.2, 1.5)))
MARKERS = "os^DvP*X"

# Inches: one and two columns of a journal page.
COLUMN, PAGE = 3.5, 7.2
NARROW = 3.2  # of a telephone's page: a letter of 8 points is read without a glass there

# Asked for only where installed: DejaVu, which comes with matplotlib, knows no Chinese, Japanese or Korean.
_WIDER_FONTS = ("Noto Sans CJK SC", "Noto Sans CJK JP", "WenQuanYi Zen Hei", "Droid Sans Fallback", "Unifont")

_SETTINGS: dict[str, Any] = {
    "font.size": 8,
    "axes.titlesize": 8,
    "axes.titlelocation": "left",
    "axes.labelsize": 8,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.formatter.useoffset": False,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "legend.fontsize": 7,
    "legend.title_fontsize": 7,
    "legend.facecolor": "white",
    "legend.edgecolor": "none",
    "legend.framealpha": 0.85,
    "legend.handlelength": 3.2,
    "lines.linewidth": 1.2,
    "lines.markersize": 3.5,
    "grid.linewidth": 0.4,
    "grid.color": "#DDDDDD",
    "image.cmap": "cividis",
    "figure.dpi": 100,
    "savefig.dpi": 200,
    # Class names and texts are the user's: a "$" in them is a dollar.
    "text.parse_math": False,
    # TrueType, so that the fonts are embedded and the text stays text; in SVG, which embeds no font, outlines.
    "pdf.fonttype": 42,
    "svg.fonttype": "path",
    "svg.hashsalt": "clc-text",
}


def class_colours(count: int) -> tuple[str, ...]:
    """Colours for so many classes: as many different ones as there are, up to twenty."""
    return COLOURS if count <= len(COLOURS) else KELLY


class Line(NamedTuple):
    """How one series is drawn: each differs from its neighbours in colour, dashes and marker."""

    colour: str
    dashes: Any
    marker: str


def line(index: int) -> Line:
    """The look of the `index`-th series of a picture."""
    return Line(COLOURS[index % len(COLOURS)], DASHES[index % len(DASHES)], MARKERS[index % len(MARKERS)])


@contextmanager
def house_style() -> Iterator[None]:
    """matplotlib's own defaults with this package's settings on top, whatever the user's matplotlibrc says."""
    import matplotlib
    from matplotlib import font_manager

    with matplotlib.rc_context(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r"Glyph .* missing")
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_SETTINGS)
        installed = set(font_manager.fontManager.get_font_names())
        matplotlib.rcParams["font.family"] = ["DejaVu Sans", *(name for name in _WIDER_FONTS if name in installed)]
        yield


def new_figure(width: float, height: float, fixed_aspect: bool = False) -> Figure:
    """An empty figure in inches; labels never overlap its axes (constrained layout), and nothing global is touched.

    Args:
        fixed_aspect: its axes keep their shape, and are moved together instead.
    """
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="compressed" if fixed_aspect else "constrained")


def grid(axes: Axes, axis: str = "y") -> None:
    axes.grid(True, axis=axis)  # type: ignore[arg-type]


def marks(count: int, at_most: int = 10) -> int:
    """Every how many points a marker stands, so that at most about ten mark a line."""
    return max(1, -(-count // at_most))


def heading(figure: Figure, text: str, share: float = 1.0, lines: int | None = None) -> None:
    """What the whole picture is about, above it, in as many lines as its width makes it take.

    Args:
        share: of the width that it may take, where a legend stands beside it.
        lines: at most; the text is cut after them.
    """
    figure.suptitle(wrapped(text, int(figure.get_figwidth() * share * 15), lines), fontsize=8, x=0.01, ha="left")


def break_upright_labels(figure: Figure, letters: int = 26) -> None:
    """The labels of the y axes in lines of so many letters: for panels that are lower than their labels are long."""
    for axes in figure.axes:
        if label := axes.get_ylabel():
            axes.set_ylabel(wrapped(label, letters), fontsize=7)


def footnote(figure: Figure, *sentences: str | None) -> None:
    """Small print below a picture: what is missing, or how it is to be read."""
    text = "\n".join(wrapped(sentence, int(figure.get_figwidth() * 18)) for sentence in sentences if sentence)
    if text:
        figure.supxlabel(text, fontsize=6.5, color="#444444", x=0.01, ha="left")


def wrapped(text: str, width: int, lines: int | None = None) -> str:
    """The text in lines of about `width` letters; a word that is longer is broken. Wide letters count for more."""
    import textwrap

    text = printable(text)
    if text and lines is not None:
        text = text[: 2 * width * lines]  # enough to fill the lines, however long the text is
    wide = sum(1.0 if unicodedata.east_asian_width(char) in "WF" else 0.3 * char.isupper() for char in text)
    width = max(1, int(width * len(text) / (len(text) + wide))) if text else width
    return "\n".join(textwrap.wrap(text, width, max_lines=lines, placeholder=" …"))

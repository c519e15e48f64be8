"""The pictures that `clc-text plot` knows, and how a picture becomes a file.

A picture is one file in `clc_text.plots.figures` with a decorated function that takes one run (or several) and
gives a matplotlib `Figure`; its keyword arguments are its options:

    @figure("entropy")
    def draw(run: RunDirectory, gamma: float = 1.0) -> Figure:
        '''Figure 2: ...'''
"""

from __future__ import annotations

import functools
import importlib
import inspect
import io
import pkgutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clc_text.artifacts.run_directory import RunDirectory
from clc_text.errors import InputError, nearest
from clc_text.plots.style import house_style
from clc_text.utils.files import written_aside

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FORMATS = ("pdf", "svg", "png")

# No dates and no versions: the same run gives the same bytes.
_METADATA: dict[str, dict[str, Any]] = {
    "pdf": {"Creator": "clc-text", "Producer": None, "CreationDate": None},
    "svg": {"Creator": "clc-text", "Date": None},
    "png": {"Software": None},
}


@dataclass(frozen=True)
class Picture:
    """One kind of picture.

    Attributes:
        name: what `--figure` calls it.
        draw: ``draw(run, **options)``, or ``draw(runs, **options)`` where `several`, gives a `Figure`.
        several: whether it takes several runs at once.
    """

    name: str
    draw: Callable[..., Figure]
    several: bool

    @property
    def summary(self) -> str:
        return (self.draw.__doc__ or "").strip().splitlines()[0]

    @property
    def options(self) -> list[str]:
        return list(inspect.signature(self.draw).parameters)[1:]


_pictures: dict[str, Picture] = {}


def figure(name: str, several: bool = False) -> Callable[[Callable[..., Figure]], Callable[..., Figure]]:
    """Registers a picture; it is drawn in the house style."""

    def register(draw: Callable[..., Figure]) -> Callable[..., Figure]:
        @functools.wraps(draw)
        def styled(*args: Any, **options: Any) -> Figure:
            with house_style():
                return draw(*args, **options)

        _pictures[name] = Picture(name, styled, several)
        return styled

    return register


def pictures() -> dict[str, Picture]:
    """All pictures by name."""
    from clc_text.plots import figures

    for module in pkgutil.iter_modules(figures.__path__):
        importlib.import_module(f"{figures.__name__}.{module.name}")
    return dict(sorted(_pictures.items()))


def draw(name: str, runs: Sequence[RunDirectory], **options: Any) -> Figure:
    """Draws the picture of that name; options that are None are left at their defaults.

    Raises:
        InputError: there is no such picture, it takes one run and got several, or it has no such option.
    """
    known = pictures()
    if name not in known:
        raise InputError(f"there is no figure '{name}'{nearest(name, known)}", key=name)
    picture = known[name]
    given = {key: value for key, value in options.items() if value is not None}
    for key in given:
        if key not in picture.options:
            having = [other.name for other in known.values() if key in other.options]
            raise InputError(
                f"the figure '{name}' has no option --{key}; it belongs to {', '.join(having)}", key=f"--{key}"
            )
    if not runs:
        raise InputError(f"the figure '{name}' needs a run directory", key=name)
    if picture.several:
        return picture.draw(runs, **given)
    if len(runs) > 1:
        several = ", ".join(other.name for other in known.values() if other.several)
        raise InputError(
            f"the figure '{name}' shows one run, and got {len(runs)}; several runs go into {several}", key=name
        )
    return picture.draw(runs[0], **given)


def as_bytes(picture: Figure, format: str) -> bytes:
    """The picture as a file's content; `format` is one of `FORMATS`."""
    buffer = io.BytesIO()
    with house_style():
        picture.savefig(buffer, format=format, metadata=_METADATA[format])
    return buffer.getvalue()


def write(picture: Figure, path: Path) -> Path:
    """Writes a picture in the format that the file's ending names; the same picture gives the same bytes."""
    content = as_bytes(picture, format_of(path))
    with written_aside(path) as aside:
        aside.write_bytes(content)
    return path


def format_of(path: Path) -> str:
    """The format that a file's ending names."""
    ending = path.suffix.lower().lstrip(".")
    if ending not in FORMATS:
        raise InputError(f"{path} is none of .{', .'.join(FORMATS)}; give a picture one of these endings", where=path)
    return ending

"""What `clc-text tsne` shows on the screen: progress while it works, and the maps' quality in a table."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from clc_text.analysis.maps import Maps
from clc_text.analysis.maps import Progress as Begin
from clc_text.utils.shown import for_rich, terminal
from clc_text.utils.table import Lines, Table

if TYPE_CHECKING:
    from rich.table import Table as RichTable


@contextmanager
def progress_bars() -> Iterator[Begin]:
    """Gives a function that begins a bar and returns what moves it; on standard error, and on a terminal only."""
    # The stream is taken now: while t-SNE runs, what it prints is caught.
    console = terminal(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal, redirect_stdout=False) as bars:

        def begin(title: str, steps: int) -> Callable[[int], None]:
            task = bars.add_task(for_rich(title), total=steps)
            return lambda done: bars.advance(task, done)

        yield begin


def quality_table(maps: Maps) -> RichTable:
    several, rows = len({panel.run for panel in maps.panels}) > 1, []
    for panel in maps.panels:
        for labelling, quality in panel.quality.items():
            figures = [
                *(_number(quality["knn"][space], 1) for space in ("hidden", "map")),
                *(_number(quality["silhouette"][space], 3) for space in ("hidden", "map")),
            ]
            title = f"{panel.title} ({panel.run})" if several else panel.title
            rows.append([title, labelling, f"{quality['rows']:,}", *figures])
    heads = ["map", "labels", "#rows"]
    heads += [Lines(f"#{name}\n{space}") for name in ("k-NN", "silhouette") for space in ("hidden", "map")]
    caption = "k-NN: % of rows whose 10 nearest neighbours mostly have their class; silhouette: -1 … 1"
    return Table(heads, rows, "Cluster quality", caption).on_screen()


def _number(value: float | None, digits: int) -> str:
    return "–" if value is None else f"{value:.{digits}f}"

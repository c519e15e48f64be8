"""What `clc-text sweep` shows: how many cells are done, how long the rest will take, what failed."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from clc_text.sweep.cost import duration
from clc_text.sweep.grid import Cell
from clc_text.sweep.outcome import Outcome
from clc_text.utils.shown import for_rich, terminal


def follow(outcomes: Iterator[tuple[Cell, Outcome]], to_run: int, console: Console | None = None) -> Counter[str]:
    """Consumes the outcomes while showing them; gives how many cells ended in which way."""
    console = console or terminal(stderr=True)
    ended: Counter[str] = Counter()
    told: dict[str, str] = {}
    begun = time.perf_counter()
    columns = (
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        TextColumn("cells"),
        TimeElapsedColumn(),
        TextColumn("{task.fields[left]}"),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        bar = progress.add_task("cells", total=to_run, left="")
        for cell, outcome in outcomes:
            ended[outcome.kind] += 1
            number = ended.total()
            left = time_left(time.perf_counter() - begun, ended["done"], to_run - number)
            progress.update(bar, advance=1, left=left)
            path = for_rich(cell.path)
            if outcome.kind == "done":
                if not console.is_terminal:
                    console.print(f"{number}/{to_run}  {path}  {left}".rstrip(), soft_wrap=True)
            else:
                # The same mistake in a hundred cells is read once.
                before = told.setdefault(outcome.sentence, cell.path)
                sentence = outcome.sentence if before == cell.path else f"as {before}"
                console.print(f"[yellow]{outcome.kind}[/yellow]  {path}: {for_rich(sentence)}", soft_wrap=True)
    return ended


def time_left(elapsed: float, done: int, cells: int) -> str:
    """For `cells` more, when `done` took `elapsed` seconds; "" where that is unknown or nothing is left."""
    if not done or not cells:
        return ""
    return f"about {duration(elapsed / done * cells, digits=0)} left"

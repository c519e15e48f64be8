"""What `clc-text sweep` shows: how many cells are done, how long the rest will take, what failed."""

from __future__ import annotations

import time
from collections.abc import Iterator

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from clc_text.sweep.grid import Cell


def follow(
    outcomes: Iterator[tuple[Cell, str, str]], to_run: int, cells: int, jobs: int, console: Console | None = None
) -> int:
    """Consumes the outcomes while showing them; gives the number of failed cells."""
    console = console or Console(stderr=True, highlight=False)
    console.print(f"{cells} cells, {cells - to_run} done already, {to_run} to run by {jobs} processes")
    failed = 0
    begun = time.perf_counter()
    columns = (
        TextColumn("cells"),
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(elapsed_when_finished=True),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal, speed_estimate_period=3600) as progress:
        bar = progress.add_task("cells", total=to_run)
        for number, (cell, outcome, sentence) in enumerate(outcomes, 1):
            progress.advance(bar)
            left = (time.perf_counter() - begun) / number * (to_run - number)
            if outcome != "done":
                failed += outcome == "failed"
                console.print(f"[yellow]{outcome}[/yellow]  {escape(cell.path)}: {escape(sentence)}", soft_wrap=True)
            elif not console.is_terminal:
                console.print(
                    f"{number}/{to_run}  {escape(cell.path)}  about {left / 60:.1f} min left", soft_wrap=True
                )
    if failed:
        console.print(f"[yellow]{failed} cells failed; run the same command again to retry them[/yellow]")
    return failed

"""`clc-text inspect`: one row's history over the epochs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from clc_text.cli.commands import Force
from clc_text.utils.shown import echo


def add_to(app: typer.Typer) -> None:
    app.command()(inspect)


def inspect(
    run: Annotated[Path, typer.Argument(help="The run directory.")],
    row: Annotated[int, typer.Option("--row", help="The training row's number; the first is 0.")],
    every_epoch: Annotated[
        bool, typer.Option("--every-epoch", help="A line for every epoch, not only where a class changes.")
    ] = False,
    plot: Annotated[
        Path | None,
        typer.Option("--plot", help="Also a picture: a .pdf, .svg or .png file.", show_default=False),
    ] = None,
    force: Force = False,
) -> None:
    """Show what the peers predicted of one row in each epoch, how sure they were, and what they were taught."""
    from clc_text.analysis.row_history import row_history
    from clc_text.analysis.tables.row_history_text import as_table
    from clc_text.analysis.unfinished import not_ended
    from clc_text.artifacts.run_directory import RunDirectory
    from clc_text.plots.figure import format_of, write
    from clc_text.plots.row_history_figure import draw
    from clc_text.runs.outputs import check_output
    from clc_text.utils.shown import terminal

    directory = RunDirectory(run)
    if plot is not None:
        format_of(plot)
        check_output(plot, force=force)
    history = row_history(directory, row)
    terminal().print(as_table(history, every_epoch))
    if sentence := not_ended(directory):
        echo(f"clc-text: {sentence}", err=True)
    if plot is not None:
        write(draw(history), plot)
        echo(plot)

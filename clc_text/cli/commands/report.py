"""`clc-text report`: a run on one page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from clc_text.cli.commands import Force
from clc_text.utils.shown import echo


def add_to(app: typer.Typer) -> None:
    app.command()(report)


def report(
    run: Annotated[Path, typer.Argument(help="The run directory; it may still be going.")],
    out: Annotated[
        Path | None, typer.Option("--out", help="The page; RUN/report.html without it.", show_default=False)
    ] = None,
    tsne: Annotated[bool, typer.Option("--tsne", help="With maps of the hidden layer, which take a while.")] = False,
    of_class: Annotated[
        str | None,
        typer.Option(
            "--class", help="Of these maps, where several classes may hold of a text: which one.", show_default=False
        ),
    ] = None,
    force: Force = False,
) -> None:
    """Write one page that people read: verdict, corrections to filter and sort, noise, pictures, recipe and hashes."""
    from clc_text.analysis.maps import make_maps
    from clc_text.analysis.tables.maps_text import progress_bars
    from clc_text.analysis.unfinished import not_ended
    from clc_text.artifacts.run_directory import RunDirectory
    from clc_text.corrections.store import has_corrected
    from clc_text.errors import InputError
    from clc_text.report.report_page import report_page
    from clc_text.runs.outputs import check_output
    from clc_text.utils.files import write_text
    from clc_text.utils.shown import echo_next, terminal

    directory = RunDirectory(run)
    target = out or run / "report.html"
    if target.suffix.lower() not in (".html", ".htm"):
        raise InputError(f"{target} is no page: give --out a name that ends in .html", where=target)
    check_output(target, force=force)
    if ending := not_ended(directory):
        echo(f"clc-text: {ending}", err=True)
    maps = None
    if tsne:
        with progress_bars() as progress:
            maps = make_maps([directory], sample=10_000, progress=progress, of_class=of_class)
    write_text(target, report_page(directory, maps))
    echo(target)
    # Standard output holds the page's name alone, for scripts.
    if has_corrected(directory):
        echo_next(
            terminal(stderr=True), ["export", run, "--k", 100], "the rows to look at first", then="open the page; "
        )
    elif directory.complete:
        echo_next(terminal(stderr=True), ["correct", run], "the corrected dataset, which the page then judges")
    else:
        again = ["train", directory.file("recipe.yaml"), "--out", run, "--resume"]
        echo_next(terminal(stderr=True), again, "goes on with the run")

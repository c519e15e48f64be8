"""`clc-text tsne`: maps of the last hidden layer, as Figure 8 of the paper has them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from clc_text.cli.commands import Force, finite
from clc_text.utils.shown import echo


def add_to(app: typer.Typer) -> None:
    app.command()(tsne)


def tsne(
    runs: Annotated[list[Path], typer.Argument(help="A run directory, or two for side by side.")],
    labels: Annotated[str, typer.Option("--labels", help="Which labels colour the picture.")] = "given,corrected,true",
    peer: Annotated[
        str | None,
        typer.Option(
            "--peer", help="A number from 0, or all; all of one run, the first of each of two.", show_default=False
        ),
    ] = None,
    of_class: Annotated[
        str | None,
        typer.Option(
            "--class",
            help="Where several classes may hold of a text, the one that is shown: who has it, and who has not.",
            show_default=False,
        ),
    ] = None,
    sample: Annotated[
        int, typer.Option("--sample", max=100_000_000, help="At most so many rows, drawn by the seed.")
    ] = 50_000,
    perplexity: Annotated[
        float | None,
        typer.Option(
            "--perplexity",
            max=1_000_000,
            callback=finite,
            help="About how many neighbours a row has; 30 without it, or a third of the rows where they are no more.",
            show_default=False,
        ),
    ] = None,
    iterations: Annotated[
        int, typer.Option("--iterations", max=1_000_000, help="Of the descent, at least 300.")
    ] = 500,
    seed: Annotated[int, typer.Option("--seed", min=0, max=2**32 - 1, help="The same seed gives the same map.")] = 0,
    threads: Annotated[
        int,
        typer.Option(
            "--threads", min=1, max=1_024, help="More are faster, but then a map is not the same to the last bit."
        ),
    ] = 1,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            help="A .png, .pdf or .svg file; .html, .json and .parquet go beside it. RUN/figures/tsne.png without it.",
            show_default=False,
        ),
    ] = None,
    force: Force = False,
) -> None:
    """Draw t-SNE maps of the last hidden layer: a picture, an interactive page, and cluster quality in numbers."""
    from clc_text.analysis.maps import check_class, check_labellings, make_maps, write_numbers
    from clc_text.analysis.tables.maps_text import progress_bars, quality_table
    from clc_text.analysis.tsne import PERPLEXITY
    from clc_text.analysis.unfinished import not_ended
    from clc_text.artifacts.run_directory import RunDirectory
    from clc_text.plots.figure import format_of, write
    from clc_text.plots.tsne_figure import draw
    from clc_text.report.tsne_page import tsne_page
    from clc_text.runs.outputs import check_output
    from clc_text.utils.files import write_text
    from clc_text.utils.shown import terminal

    directories = [RunDirectory(path) for path in runs]
    check_class(directories, of_class)
    target = out or (runs[0] / "figures" if len(runs) == 1 else Path()) / "tsne.png"
    format_of(target)
    for ending in (target.suffix, ".html", ".json", ".parquet"):
        check_output(target.with_suffix(ending), force=force)
    for sentence in filter(None, map(not_ended, directories)):
        echo(f"clc-text: {sentence}", err=True)
    wanted = check_labellings([name.strip() for name in labels.split(",")], directories)
    with progress_bars() as progress:
        maps = make_maps(directories, peer, sample, perplexity, seed, iterations, threads, progress, of_class)
    if perplexity is None and maps.settings["perplexity"] < PERPLEXITY:
        echo(f"the perplexity is {maps.settings['perplexity']:.3g}, as there are few rows; --perplexity sets another")
    write(draw(maps, wanted), target)
    write_text(target.with_suffix(".html"), tsne_page(maps))
    write_numbers(maps, target.with_suffix(".json"), target.with_suffix(".parquet"))
    terminal().print(quality_table(maps))
    for ending in (target.suffix, ".html", ".json", ".parquet"):
        echo(target.with_suffix(ending))

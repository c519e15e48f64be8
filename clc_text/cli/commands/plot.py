"""`clc-text plot`: the figures of the paper from run directories."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from clc_text.cli.commands import Force, finite
from clc_text.utils.shown import echo


def add_to(app: typer.Typer) -> None:
    app.command()(plot)


def plot(
    runs: Annotated[list[Path], typer.Argument(help="Run directories; `accuracy` and `selection` take several.")],
    figure: Annotated[
        str,
        typer.Option(
            "--figure",
            help="entropy (Figure 2), accuracy (3, 4), selection (5), confusion (6), corrections (7), or threshold.",
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option("--out", help="A .pdf, .svg or .png file; RUN/figures/NAME.pdf without it.", show_default=False),
    ] = None,
    gamma: Annotated[
        float | None,
        typer.Option(
            "--gamma",
            min=0,
            max=1_000,
            callback=finite,
            help="entropy: the fixed threshold in nats, 1.0.",
            show_default=False,
        ),
    ] = None,
    of: Annotated[
        str | None, typer.Option("--of", help="accuracy: peers (their mean) or ensemble.", show_default=False)
    ] = None,
    examples: Annotated[
        int | None, typer.Option("--examples", min=1, max=1_000, help="corrections: how many, 12.", show_default=False)
    ] = None,
    bins: Annotated[
        int | None,
        typer.Option("--bins", min=1, max=10_000, help="threshold: of the entropy axis, 40.", show_default=False),
    ] = None,
    force: Force = False,
) -> None:
    """Draw a figure of one run or several: vector graphics, readable in print and for every eye."""
    from clc_text.analysis.unfinished import begun, not_ended
    from clc_text.artifacts.run_directory import RunDirectory
    from clc_text.plots.figure import draw, format_of, write
    from clc_text.runs.outputs import check_output

    directories = [RunDirectory(path) for path in runs]
    target = out or (runs[0] / "figures" if len(runs) == 1 else Path()) / f"{figure}.pdf"
    format_of(target)
    check_output(target, force=force)
    picture = draw(figure, directories, gamma=gamma, of=of, examples=examples, bins=bins)
    kept, remarks = begun(directories)
    for sentence in [*remarks, *filter(None, map(not_ended, kept))]:
        echo(f"clc-text: {sentence}", err=True)
    write(picture, target)
    echo(target)

"""`clc-text table`: a sweep's results beside the paper's."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from clc_text.cli.commands import Force
from clc_text.utils.shown import echo, echo_table


def add_to(app: typer.Typer) -> None:
    app.command()(table)


def table(
    directory: Annotated[Path, typer.Argument(help="A sweep's directory.")],
    measure: Annotated[str, typer.Option("--measure", help="last10, last, or best_oracle.")] = "last10",
    of: Annotated[str, typer.Option("--of", help="peers (their mean, the paper's figure) or ensemble.")] = "peers",
    reference: Annotated[
        str | None,
        typer.Option("--reference", help="The variant that is set against the others.", show_default="clc"),
    ] = None,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print Markdown.")] = False,
    csv: Annotated[bool, typer.Option("--csv", help="Print CSV: all measures, every seed.")] = False,
    latex: Annotated[bool, typer.Option("--latex", help="Print a LaTeX tabular (booktabs).")] = False,
    over: Annotated[
        str | None,
        typer.Option(
            "--over", metavar="KEY", help="Draw accuracy over this key, method.warmup_epochs.", show_default=False
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="The file of --over's picture; DIRECTORY/over.pdf.", show_default=False),
    ] = None,
    force: Force = False,
) -> None:
    """A sweep as a table: variants by recipes, mean ± deviation over seeds, the paper's figures, and significance."""
    from clc_text.analysis.compare import TITLES
    from clc_text.analysis.sweep_table import read_table
    from clc_text.analysis.tables.sweep_table_text import as_csv, as_latex, as_markdown, as_table, leads
    from clc_text.errors import InputError, nearest
    from clc_text.utils.shown import terminal

    if markdown + csv + latex > 1:
        raise InputError("--markdown, --csv and --latex exclude each other", key="--markdown")
    if over is not None and (markdown or csv or latex):
        raise InputError(
            "--over draws a picture, and --markdown, --csv and --latex print the table; give one of them", key="--over"
        )
    if out is not None and over is None:
        raise InputError(
            "--out names the file of --over's picture; for the table, redirect what is printed: > FILE", key="--out"
        )
    if measure not in TITLES:
        raise InputError(f"there is no measure '{measure}'{nearest(measure, TITLES)}", key=measure)
    table = read_table(directory, of)
    if reference is not None and reference not in table.variants:
        raise InputError(
            f"--reference: the sweep has no variant '{reference}'{nearest(reference, table.variants)}",
            key="--reference",
        )
    if over is not None:
        from clc_text.plots.figure import format_of, write
        from clc_text.plots.sweep_figure import draw_over
        from clc_text.runs.outputs import check_output

        target = out or directory / "over.pdf"
        format_of(target)
        check_output(target, force=force)
        echo(write(draw_over(table, directory, over, measure), target))
        return
    if csv or latex:
        echo_table(as_csv(table) if csv else as_latex(table, measure))
        return
    sentences = leads(table, reference or "clc", measure)
    if markdown:
        echo_table(as_markdown(table, measure) + "".join(f"\n* {sentence}" for sentence in sentences))
        return
    terminal().print(as_table(table, measure))
    for sentence in sentences:
        echo(sentence)

"""`clc-text init`: a recipe for a table."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from clc_text.utils.shown import echo

Table = Annotated[
    Path,
    typer.Argument(
        help="CSV, TSV, Excel, JSON (lines), Parquet, a folder of Parquet files, a folder a class, or "
        "hf://datasets/OWNER/NAME of the Hub."
    ),
]
Text = Annotated[
    str | None, typer.Option("--text", help="The column of texts; guessed without it.", show_default=False)
]
Label = Annotated[
    list[str] | None,
    typer.Option(
        "--label",
        help="The column of labels; guessed without it. Given again for the column of each annotator more, or class.",
        show_default=False,
    ),
]
Annotator = Annotated[
    str | None,
    typer.Option(
        "--annotator", help="Of a table with a label a line: the column of who gives it.", show_default=False
    ),
]
Votes = Annotated[
    Path | None,
    typer.Option(
        "--votes", help="A second table with a label a line: a row, who says it, and what.", show_default=False
    ),
]
Ids = Annotated[
    str | None, typer.Option("--id", help="The column that names a row; guessed without it.", show_default=False)
]


def add_to(app: typer.Typer) -> None:
    app.command()(init)


def init(
    table: Table,
    text: Text = None,
    label: Label = None,
    annotator: Annotator = None,
    votes: Votes = None,
    ids: Ids = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="The recipe; NAME.yaml here without it.", show_default=False)
    ] = None,
    overrides: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="data.KEY=VALUE", help="How the table is read, such as data.encoding=cp1252."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over a recipe that is there.")] = False,
) -> None:
    """Write the recipe that `clc-text clean` would use for a table, to be changed and trained."""
    from clc_text.config.recipe import loads
    from clc_text.errors import InputError
    from clc_text.runs.outputs import check_output
    from clc_text.runs.starting import columns_of, recipe_text, run_name
    from clc_text.utils.files import write_text
    from clc_text.utils.shown import echo_next, terminal

    for one in overrides or []:
        if not one.startswith("data."):
            raise InputError(
                f"--set {one}: here it tells how the table is read (data.KEY); write the rest in the recipe",
                where=f"--set {one}",
            )
    guessed = columns_of(str(table), overrides or [], text, label, ids, str(votes) if votes else None, annotator)
    target = out or Path(f"{run_name(str(table))}.yaml")
    check_output(target, inputs=[table, *([votes] if votes else [])], force=force)
    if target.exists() and not force:
        raise InputError(
            f"{target} is there already; name another file with --out, or write over it with --force", where=target
        )
    written = recipe_text(str(table), guessed, ids)
    loads(written, str(target))
    write_text(target, written)
    for sentence in guessed.said:
        echo(sentence)
    echo(target)
    echo_next(terminal(), ["data", "check", target], "what is in the table")

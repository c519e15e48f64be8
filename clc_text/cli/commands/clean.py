"""`clc-text clean`: from a table to the same table with corrected labels, in one line."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from clc_text.cli.commands import Share
from clc_text.cli.commands.init import Annotator, Ids, Label, Table, Text, Votes
from clc_text.utils.shown import echo

SHOWN = 10  # rows worth a look


def add_to(app: typer.Typer) -> None:
    app.command()(clean)


def clean(
    table: Table,
    text: Text = None,
    label: Label = None,
    annotator: Annotator = None,
    votes: Votes = None,
    ids: Ids = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="The run directory; runs/NAME without it.", show_default=False)
    ] = None,
    policy: Annotated[str, typer.Option("--policy", help="When to change a label: default or doubt.")] = "default",
    share: Share = None,
    overrides: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change a key.", show_default=False)
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with what an earlier call began; what it corrected stays.")
    ] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace what an earlier call has written.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress, only the result.")] = False,
) -> None:
    """Find the wrong labels of a table, correct those that are sure, and say how far to trust it.

    Trains a run (`clc-text train`), corrects it, and writes NAME_corrected in the table's own format (a workbook as
    CSV) beside it, with the given labels in a column of their own. Columns that are not named are guessed, and said.
    Labels by several annotators (--label A --label B, --annotator, or --votes) are joined first, and all of them kept.
    """
    from clc_text.api.cleaning import clean_table
    from clc_text.corrections.export import look_first
    from clc_text.corrections.tables import show_cleaned
    from clc_text.runs.console import TrainingDisplay

    def told(sentence: str) -> None:
        if not quiet:
            echo(sentence, err=True)

    try:
        with TrainingDisplay(quiet) as display:
            cleaned = clean_table(
                table, text, label, ids, votes=votes, annotator=annotator, out=out, policy=policy,
                class_shares=share or None, overrides=overrides or [], resume=resume,
                overwrite=overwrite, observer=display, log=told,
            )  # fmt: skip
    except KeyboardInterrupt:
        echo("clc-text: stopped; go on with --resume, or begin anew with --overwrite", err=True)
        raise typer.Exit(130) from None
    for sentence in cleaned.said:
        echo(sentence)
    show_cleaned(
        cleaned.audit,
        look_first(cleaned.corrected, SHOWN),
        run=cleaned.run.path,
        table=cleaned.table,
        page=cleaned.report,
        flaws=cleaned.run.flaws(),
    )

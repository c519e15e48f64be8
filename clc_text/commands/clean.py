"""`clc-text clean`: from a table to the same table with corrected labels, in one line."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from clc_text.commands.init import Ids, Label, Table, Text
from clc_text.utils.shown import echo

SHOWN = 10  # rows worth a look


def add_to(app: typer.Typer) -> None:
    app.command()(clean)


def clean(
    table: Table,
    text: Text = None,
    label: Label = None,
    ids: Ids = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="The run directory; runs/NAME without it.", show_default=False)
    ] = None,
    policy: Annotated[str, typer.Option("--policy", help="When to change a label: default or doubt.")] = "default",
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
    """
    from clc_text.config.recipe import loads
    from clc_text.corrections.policy import policy_named
    from clc_text.corrections.tables import ProgressBar, show_cleaned
    from clc_text.errors import InputError
    from clc_text.runs.console import TrainingDisplay
    from clc_text.runs.outputs import check_output
    from clc_text.runs.starting import corrected_table, files_of, recipe_text, run_name
    from clc_text.text.datasets.guess import guess_columns

    chosen = policy_named(policy)
    guessed = guess_columns(files_of(str(table), overrides or []), text, label, ids)
    if not quiet:
        for sentence in guessed.said:
            echo(sentence, err=True)
    directory = out or Path("runs") / run_name(str(table))
    target = corrected_table(directory, str(table))
    check_output(target, inputs=[table])
    if resume and overwrite:
        raise InputError("--resume goes on with a run and --overwrite replaces it; give only one of them")
    if target.exists() and not overwrite:  # it is written last
        raise InputError(
            f"{target} is there already; move it away, give another --out, or begin anew with --overwrite"
        )
    recipe = loads(
        recipe_text(str(table), guessed, ids),
        f"the recipe of {table}",
        overrides or [],
        default_name=directory.name,
    )
    try:
        with TrainingDisplay(quiet) as display:
            from clc_text.runs.run import train

            finished = train(recipe, directory, resume=resume, overwrite=overwrite, observer=display)
        from clc_text.corrections.audit import audit
        from clc_text.corrections.correct import correct
        from clc_text.corrections.export import look_first
        from clc_text.corrections.store import Corrected, has_corrected
        from clc_text.corrections.table_export import write_whole_table
        from clc_text.report.report_page import report_page
        from clc_text.runs.evidence import judges_of_run
        from clc_text.runs.reload import source_rows
        from clc_text.utils.files import write_text

        if has_corrected(finished):  # by the call that this one resumes, and perhaps by people since
            corrected = Corrected(finished)
        else:
            with ProgressBar() as progress:
                judges = judges_of_run(finished, chosen, None, progress)
                corrected = correct(
                    finished, judges.policy, judges.predictions, source_rows(finished), False, progress,
                    judges.nothing_learnt,
                )  # fmt: skip
        found = audit(corrected)
        page = directory / "report.html"
        write_text(page, report_page(finished))
        of_table = write_whole_table(corrected, target, may_replace=overwrite)
    except KeyboardInterrupt:
        echo("clc-text: stopped; go on with --resume, or begin anew with --overwrite", err=True)
        raise typer.Exit(130) from None
    for sentence in of_table[1:]:
        echo(sentence)
    show_cleaned(found, look_first(corrected, SHOWN), run=directory, table=target, page=page)

"""`clc-text export`: the rows worth a look first, for people."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from clc_text.commands import Force
from clc_text.utils.shown import say


def add_to(app: typer.Typer) -> None:
    app.command()(export)


def export(
    run: Annotated[Path, typer.Argument(help="The run directory.")],
    k: Annotated[int, typer.Option("--k", max=10_000_000, help="How many rows; a table has all.")] = 100,
    format: Annotated[str, typer.Option("--format", help="csv, argilla, label-studio, or table.")] = "csv",
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            help="The file; RUN/look_first.csv (.argilla.json, .label_studio.json) without it.",
            show_default=False,
        ),
    ] = None,
    force: Force = False,
) -> None:
    """Write the rows to look at first to a file in which people answer; `clc-text apply` takes the answers over.

    First comes the row whose given label is most probably wrong, changed or not. Of copies one is shown, and rows
    without a text come last. The format `table` is no question: it is all rows as the file had them that they came
    from, with the corrected labels and the given ones beside.
    """
    import shlex

    from clc_text.corrections.answers import check_answers_taken_over
    from clc_text.corrections.existing import corrected_in
    from clc_text.corrections.export import export as write_rows
    from clc_text.corrections.export_files import file_for
    from clc_text.corrections.export_formats import how_to_answer
    from clc_text.corrections.table_export import file_for_table, write_whole_table
    from clc_text.runs.outputs import check_output
    from clc_text.vision.png import write_png

    corrected = corrected_in(run)
    if format == "table":
        if out is not None:
            check_output(out, force=force)
        replace = out is None or force
        for sentence in write_whole_table(corrected, out or file_for_table(corrected), replace):
            say(sentence)
        return
    target = out or file_for(corrected, format)
    for written in (target, target.with_suffix(".settings.json"), target.with_suffix(".config.xml")):
        check_output(written, force=force)
    check_answers_taken_over(corrected, target)
    found = write_rows(corrected, target, k, format, write_png)
    say(f"{found.rows:,} rows in {target}")
    if found.folded:
        say(f"{found.folded:,} further rows are copies of these, and are not shown (column `copies`)")
    if found.empty:
        say(f"{found.empty:,} rows without a text come last; {found.empty_shown:,} of them are among these")
    say(how_to_answer(format, target))
    say(f"then: clc-text apply {shlex.quote(str(run))} ANSWERS")

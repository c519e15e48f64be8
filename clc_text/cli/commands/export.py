"""`clc-text export`: the rows worth a look first, for people."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from clc_text.cli.commands import AskedIn, Force, Rows
from clc_text.utils.shown import echo


def add_to(app: typer.Typer) -> None:
    app.command()(export)


def export(
    run: Annotated[Path, typer.Argument(help="The run directory.")],
    k: Rows = 100,
    format: Annotated[str, typer.Option("--format", help="csv, argilla, label-studio, table, or dataset.")] = "csv",
    out: AskedIn = None,
    purpose: Annotated[
        str | None,
        typer.Option(
            "--purpose", help="Which rows: estimate, fix or both, as of `clc-text next`.", show_default=False
        ),
    ] = None,
    force: Force = False,
) -> None:
    """Write the rows to look at first to a file in which people answer; `clc-text apply` takes the answers over.

    Without a purpose, first comes the row whose given label is most probably wrong, changed or not. Of copies one is
    shown, and rows without a text come last. The format `table` is no question: it is all rows as the file had them
    that they came from, with the corrected labels and the given ones beside. The format `dataset` is RUN/corrected
    itself, for `datasets.load_dataset`, with the labels as they are now.
    """
    from clc_text.cli.commands.next import ask
    from clc_text.corrections.asking.draw import check_purpose
    from clc_text.corrections.existing import corrected_in
    from clc_text.corrections.export_files import ENDINGS
    from clc_text.corrections.table_export import file_for_table, write_whole_table
    from clc_text.corrections.tables import ProgressBar
    from clc_text.errors import InputError, nearest
    from clc_text.runs.outputs import check_output

    if format not in (known := [*ENDINGS, "table", "dataset"]):
        raise InputError(f"there is no export format '{format}'{nearest(format, known)}", key=format)
    if purpose is not None:
        check_purpose(purpose)
    corrected = corrected_in(run)
    if format == "dataset":
        if purpose is not None:
            raise InputError("--format dataset writes all rows; leave --purpose out", key="--format")
        if out is not None:
            raise InputError(
                f"--format dataset writes {corrected.path}, and no other place; leave --out out",
                where=corrected.path,
                key="--format",
            )
        with ProgressBar() as progress:
            corrected.of_shards(list, progress)
        echo(f"{corrected.rows:,} rows in {corrected.path}, as `datasets.load_dataset` loads it")
        return
    if format == "table":
        if purpose is not None:
            raise InputError("--format table writes all rows; leave --purpose out", key="--format")
        if out is not None:
            check_output(out, force=force)
        replace = out is None or force
        for sentence in write_whole_table(corrected, out or file_for_table(corrected), replace):
            echo(sentence)
        return
    ask(corrected, k, format, out, purpose, force)

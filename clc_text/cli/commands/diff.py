"""`clc-text diff`: what a corrected dataset changed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from clc_text.utils.shown import echo_json, table_output


def add_to(app: typer.Typer) -> None:
    app.command()(diff)


def diff(
    run: Annotated[Path, typer.Argument(help="The run directory.")],
    examples: Annotated[
        int, typer.Option("--examples", min=0, max=1_000_000, help="Rows shown of each pair of classes.")
    ] = 2,
    step: Annotated[
        int | None, typer.Option("--step", help="What this step of the history changed.", show_default=False)
    ] = None,
    history: Annotated[bool, typer.Option("--history", help="List the steps.")] = False,
    json_out: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    csv_out: Annotated[bool, typer.Option("--csv", help="Print every changed row as CSV.")] = False,
) -> None:
    """Show which labels were changed, from which class to which, with examples."""

    from clc_text.corrections.diff import differences, write_changed_rows
    from clc_text.corrections.existing import corrected_in
    from clc_text.corrections.tables import show_differences, show_history
    from clc_text.errors import InputError

    if json_out + csv_out > 1 or (csv_out and (history or step is not None)):
        raise InputError("--csv prints the changed rows and stands alone", key="--csv")
    corrected = corrected_in(run)
    if csv_out:
        write_changed_rows(corrected, table_output())
    elif history:
        steps = corrected.history()
        echo_json(steps) if json_out else show_history(steps)
    else:
        compared = differences(corrected, step, examples)
        echo_json(compared) if json_out else show_differences(compared, step is not None)

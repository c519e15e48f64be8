"""`clc-text export`: the rows worth a look first, for people."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from clc_text.commands import Force
from clc_text.shown import say


def add_to(app: typer.Typer) -> None:
    app.command()(export)


def export(
    run: Annotated[Path, typer.Argument(help="The run directory.")],
    k: Annotated[int, typer.Option("--k", max=10_000_000, help="How many rows.")] = 100,
    format: Annotated[str, typer.Option("--format", help="csv, argilla or label-studio.")] = "csv",
    out: Annotated[
        Path | None, typer.Option("--out", help="The file; RUN/look_first.csv (.json) without it.", show_default=False)
    ] = None,
    force: Force = False,
) -> None:
    """Write the most doubtful rows to a file in which people answer; `clc-text apply` takes the answers over."""
    import shlex

    from clc_text.corrections.answers import check_answers_taken_over
    from clc_text.corrections.existing import corrected_in
    from clc_text.corrections.export import export as write_rows
    from clc_text.corrections.export import file_for, how_to_answer
    from clc_text.outputs import check_output
    from clc_text.vision.png import write_png

    corrected = corrected_in(run)
    target = out or file_for(corrected, format)
    for written in (target, target.with_suffix(".settings.json")):
        check_output(written, force=force)
    check_answers_taken_over(corrected, target)
    count = write_rows(corrected, target, k, format, write_png)
    say(f"{count:,} rows in {target}")
    say(how_to_answer(format, target))
    say(f"then: clc-text apply {shlex.quote(str(run))} ANSWERS")

"""`clc-text apply`: take over a person's answers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def add_to(app: typer.Typer) -> None:
    app.command()(apply)


def apply(
    run: Annotated[Path, typer.Argument(help="The run directory.")],
    answers: Annotated[
        Path, typer.Argument(help="A CSV file with `row` and `answer`, or what Argilla or Label Studio exports.")
    ],
) -> None:
    """Take over a person's answers; rows so answered are locked against `correct` and `revert`."""
    from clc_text.corrections.answers import apply_answers
    from clc_text.corrections.existing import corrected_in
    from clc_text.corrections.tables import ProgressBar

    with ProgressBar() as progress:
        done = apply_answers(corrected_in(run), answers, progress)
    count = "1 answer" if done["answers"] == 1 else f"{done['answers']:,} answers"
    said = f"{count}: {done['confirmed']:,} confirm the given label, {done['corrected']:,} correct it"
    if done["changed_mind"]:
        replace = "1 replaces" if done["changed_mind"] == 1 else f"{done['changed_mind']:,} replace"
        said += f"; {replace} an earlier answer"
    typer.echo(said)

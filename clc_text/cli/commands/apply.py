"""`clc-text apply`: take over a person's answers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from clc_text.utils.shown import echo


def add_to(app: typer.Typer) -> None:
    app.command()(apply)


def apply(
    run: Annotated[Path, typer.Argument(help="The run directory.")],
    answers: Annotated[
        list[Path],
        typer.Argument(
            help="A table (CSV, .xlsx, Parquet) with `row` and `answer`, or what Argilla or Label Studio exports; "
            "several, such as one of each person, count as one."
        ),
    ],
    on_disagreement: Annotated[
        str,
        typer.Option(help="Rows with several answers: `refuse` the files, take the `majority`'s, or `skip` them."),
    ] = "refuse",
    question: Annotated[
        str | None,
        typer.Option(help="The question's name in the tool, or the column; `label` or the only one without it."),
    ] = None,
    encoding: Annotated[
        str | None, typer.Option(help="Of a text file, such as cp1252; UTF-8 or marked UTF-16 without it.")
    ] = None,
) -> None:
    """Take over a person's answers; rows so answered are locked against `correct` and `revert`."""
    from clc_text.corrections.answers import apply_answers
    from clc_text.corrections.existing import corrected_in, say_where_the_labels_are
    from clc_text.errors import some_of
    from clc_text.utils.shown import echo_next, terminal

    done = apply_answers(corrected_in(run), answers, on_disagreement, question, encoding)  # type: ignore[arg-type]
    count = "1 answer" if done["answers"] == 1 else f"{done['answers']:,} answers"
    said = f"{count}: {done['confirmed']:,} confirm the given label, {done['corrected']:,} correct it"
    if done["changed_mind"]:
        replace = "1 replaces" if done["changed_mind"] == 1 else f"{done['changed_mind']:,} replace"
        said += f"; {replace} an earlier answer"
    echo(said)
    if torn := done.get("disagreed"):
        left = f", {done['left_out']:,} of them left out" if done["left_out"] else ""
        counted = "1 row was" if len(torn) == 1 else f"{len(torn):,} rows were"
        echo(f"{counted} answered in several ways{left}: {some_of(torn, 20)}", err=True)
    say_where_the_labels_are(run)
    echo_next(terminal(), ["audit", run], "how far to trust the labels as they are now")

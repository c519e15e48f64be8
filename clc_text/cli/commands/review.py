"""`clc-text review`: rows to answer on a page, one at a time."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from clc_text.cli.commands import Purpose, Rows
from clc_text.utils.shown import echo


def add_to(app: typer.Typer) -> None:
    app.command()(review)


def review(
    run: Annotated[Path, typer.Argument(help="The run directory.")],
    k: Rows = 100,
    purpose: Purpose = "both",
    port: Annotated[int, typer.Option("--port", min=0, max=65_535, help="0: any that is free.")] = 0,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open the page in the browser.")] = True,
) -> None:
    """Answer rows on a page, one at a time; only this machine can open it.

    The rows are those of `clc-text next`. Every answer is written into the run at once, and all of them are taken
    over, as by `clc-text apply`, when you finish there or stop the command (Ctrl-C); a command that was killed leaves
    them for the next one.
    """
    from importlib.util import find_spec

    from clc_text.corrections.asking.draw import check_purpose
    from clc_text.corrections.asking.journal import Journal
    from clc_text.corrections.existing import corrected_in, say_where_the_labels_are
    from clc_text.errors import InputError

    check_purpose(purpose)
    if missing := [name for name in ("starlette", "uvicorn") if find_spec(name) is None]:
        raise InputError(
            f"review needs {' and '.join(missing)}; install them with: pip install 'clc-text[review]'", key=missing[0]
        )
    from clc_text.report.review import PAGE_BYTES, questions
    from clc_text.report.review_server import Review, free_socket, serve
    from clc_text.runs.frozen_features import features_or_none
    from clc_text.utils.shown import echo_next, terminal

    corrected = corrected_in(run)

    def take_over() -> str:
        """What was answered, into the corrected dataset as it is now."""
        now = corrected_in(run)
        journal = Journal(now)
        asked = journal.take_over(now)
        if asked is None:
            return "No answer."
        return (
            f"{asked['answers']:,} answer{'s' * (asked['answers'] != 1)}: {asked['confirmed']:,} confirm the given "
            f"label, {asked['corrected']:,} correct it."
        )

    if Journal(corrected).answers:
        echo(f"answers of a review that was cut off are taken over: {take_over()}")
        corrected = corrected_in(run)
    which: Any = purpose
    asked = questions(corrected, k, which, PAGE_BYTES, lambda: features_or_none(corrected.run))
    if not len(asked):
        echo(f"nothing to ask: people have answered every row of {run}")
        return
    door = free_socket(port)
    told: list[str] = []

    def take_over_once() -> str:
        if not told:
            told.append(take_over())
        return told[0]

    def opened(address: str) -> None:
        echo(f"{len(asked):,} rows to answer, on this machine only, with an address that opens once:")
        echo(address)
        echo("Ctrl-C ends it; answers are kept")
        if browser:
            import webbrowser

            webbrowser.open(address)

    served = Review(asked, Journal(corrected), str(run), take_over_once)
    try:
        serve(served, door, opened)
    finally:
        door.close()
        echo(take_over_once())
    say_where_the_labels_are(run)
    echo_next(terminal(), ["audit", run], "how far to trust the labels as they are now")

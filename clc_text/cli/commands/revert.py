"""`clc-text revert`: take corrections back."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from clc_text.utils.shown import echo

Names = list[str] | None


def add_to(app: typer.Typer) -> None:
    app.command()(revert)


def revert(
    run: Annotated[Path, typer.Argument(help="The run directory.")],
    everything: Annotated[bool, typer.Option("--all", help="All corrections.")] = False,
    label: Annotated[
        Names, typer.Option("--class", help="Rows changed into this class; may be repeated.", show_default=False)
    ] = None,
    given: Annotated[
        Names, typer.Option("--given", help="Rows given as this class; may be repeated.", show_default=False)
    ] = None,
    rows: Annotated[
        str | None, typer.Option("--rows", help="Row numbers from 0, such as 3,8,10-12.", show_default=False)
    ] = None,
    below: Annotated[
        float | None, typer.Option("--below-confidence", help="Rows less sure than this.", show_default=False)
    ] = None,
    above: Annotated[
        float | None, typer.Option("--above-confidence", help="Rows surer than this.", show_default=False)
    ] = None,
    last: Annotated[bool, typer.Option("--last", help="Undo the last step, whatever it was.")] = False,
    to: Annotated[
        int | None,
        typer.Option(
            "--to", metavar="STEP", help="Go back to the state after a step; 0: as given.", show_default=False
        ),
    ] = None,
    include_person: Annotated[bool, typer.Option("--include-person", help="Take people's labels back, too.")] = False,
) -> None:
    """Give rows their given labels back. Conditions narrow each other; it is a step that can be undone itself."""
    from clc_text.corrections.existing import corrected_in, say_where_the_labels_are
    from clc_text.corrections.revert import Selection, parse_rows, restore
    from clc_text.corrections.revert import revert as take_back
    from clc_text.errors import InputError
    from clc_text.utils.shown import echo_next, terminal

    corrected = corrected_in(run)
    listed = None if rows is None else parse_rows(rows)
    selection = Selection(everything, label or (), given or (), listed, below, above, include_person)
    if last or to is not None:
        if selection.conditions or (last and to is not None):
            raise InputError(
                "--last and --to go back to a whole state; give one of them and no other condition", key="--last"
            )
        step = corrected.facts["step"] - 1 if to is None else to
        changed, kept = restore(corrected, step, include_person)
        message = f"{_rows(changed, 'is', 'are')} as {f'after step {step}' if step else 'given'} again"
        if kept:
            message += f"; {_rows(kept, 'stays', 'stay')} as people answered (unless --include-person)"
    else:
        count = take_back(corrected, selection)
        message = "no row meets this; nothing changed"
        if count:
            message = f"{_rows(count, 'has its', 'have their')} given label back"
    echo(message)
    say_where_the_labels_are(run)
    if message.startswith("no row"):
        echo_next(terminal(), ["diff", run], "which rows are changed, and how sure each is")
    else:
        echo_next(terminal(), ["audit", run], "how far to trust the labels as they are now")


def _rows(count: int, one: str, several: str) -> str:
    return f"1 row {one}" if count == 1 else f"{count:,} rows {several}"

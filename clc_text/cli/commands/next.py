"""`clc-text next`: the rows to ask people about, by what their answers are to be good for."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from clc_text.cli.commands import AskedIn, Force, Purpose, Rows
from clc_text.utils.shown import echo

if TYPE_CHECKING:
    from clc_text.corrections.store import Corrected


def add_to(app: typer.Typer) -> None:
    app.command("next")(next_rows)


def next_rows(
    run: Annotated[Path, typer.Argument(help="The run directory.")],
    k: Rows = 100,
    purpose: Purpose = "both",
    format: Annotated[str, typer.Option("--format", help="csv, argilla, or label-studio.")] = "csv",
    out: AskedIn = None,
    force: Force = False,
) -> None:
    """Write the rows that are most worth an answer to a file; `clc-text apply` takes the answers over.

    Each row says why it was chosen and with which probability, and brings that back with its answer: leave these
    columns as they are. The answers then tell how many labels are right (`clc-text audit`), and teach
    (`clc-text train RECIPE --answers RUN`). The same run gives the same rows until some are answered.
    """
    from clc_text.corrections.asking.draw import check_purpose
    from clc_text.corrections.existing import corrected_in

    check_purpose(purpose)
    ask(corrected_in(run), k, format, out, purpose, force)


def ask(corrected: Corrected, k: int, format: str, out: Path | None, purpose: Any, force: bool) -> None:
    """Writes the rows and says what to do with them.

    Args:
        purpose: one of `asking.draw.PURPOSES`; None: the rows that are most probably wrong.
    """
    from clc_text.corrections.answers import check_answers_taken_over
    from clc_text.corrections.export import export
    from clc_text.corrections.export_files import file_for
    from clc_text.corrections.export_formats import how_to_answer
    from clc_text.runs.frozen_features import features_or_none
    from clc_text.runs.outputs import check_output
    from clc_text.vision.png import write_png

    target = out or file_for(corrected, format)
    for written in (target, target.with_suffix(".settings.json"), target.with_suffix(".config.xml")):
        check_output(written, force=force)
    check_answers_taken_over(corrected, target)
    exported = export(corrected, target, k, format, write_png, purpose, lambda: features_or_none(corrected.run))
    random = f", {exported.random:,} of them drawn at random" if purpose is not None else ""
    echo(f"{exported.rows:,} row{'s' * (exported.rows != 1)} in {target}{random}")
    if exported.folded:
        copies = "row is a copy" if exported.folded == 1 else "rows are copies"
        shown = "is" if exported.folded == 1 else "are"
        echo(f"{exported.folded:,} further {copies} of these, and {shown} not shown (column `copies`)")
    if exported.empty:
        echo(f"{exported.empty:,} rows without a text come last; {exported.empty_shown:,} of them are among these")
    echo(how_to_answer(format, target))
    echo(f"then: clc-text apply {shlex.quote(str(corrected.run.path))} ANSWERS")

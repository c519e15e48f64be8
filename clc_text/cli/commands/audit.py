"""`clc-text audit`: how far corrections can be trusted."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from clc_text.utils.shown import echo_json

OF_CONDITIONS = ("github", "junit")
FORMATS = ("text", "json", *OF_CONDITIONS)


def add_to(app: typer.Typer) -> None:
    app.command()(audit)


def audit(
    run: Annotated[Path, typer.Argument(help="The run directory.")],
    bootstrap: Annotated[
        int, typer.Option("--bootstrap", min=0, max=100_000, help="Resamplings for the noise rate; 0: no interval.")
    ] = 200,
    json_out: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    fail_if: Annotated[
        list[str] | None,
        typer.Option(
            "--fail-if",
            metavar="CONDITION",
            help="Exit with 1 where it holds, such as noise>0.05, leaked>0, outliers>0.02 or "
            "'verdict=do not use'; more than once.",
            show_default=False,
        ),
    ] = None,
    format: Annotated[
        str, typer.Option("--format", help="text, json, or of the conditions alone: github, junit.")
    ] = "text",
) -> None:
    """Estimate the noise, judge the corrections, and say in plain words whether to trust them (also in audit.json).

    With --fail-if it is a gate for pipelines: exit code 1 where one of the conditions holds.
    """
    from clc_text.corrections import gate
    from clc_text.corrections.audit import audit as audit_run
    from clc_text.corrections.existing import corrected_in
    from clc_text.corrections.tables import after_audit, show_audit
    from clc_text.errors import InputError, nearest
    from clc_text.runs.flaws import flaws_of_run
    from clc_text.utils.shown import echo, echo_next, terminal

    if format not in FORMATS:
        raise InputError(f"there is no format '{format}'{nearest(format, FORMATS)}", key=format)
    if format in OF_CONDITIONS and not fail_if:
        raise InputError(
            f"--format {format} tells what became of conditions, and there are none; give --fail-if", key="--fail-if"
        )
    corrected = corrected_in(run)
    audited = audit_run(corrected, bootstrap)
    flaws = flaws_of_run(corrected.run) if gate.asks_for_flaws(fail_if or []) else None
    checked = gate.check(fail_if or [], audited, corrected.run.environment()["facts"].get("data", {}), flaws)
    if json_out or format == "json":
        echo_json(audited | {"conditions": [vars(one) for one in checked]} if checked else audited)
    elif format == "junit":
        echo(gate.as_junit(checked, str(run)))
    elif format == "github":
        echo(gate.as_github(checked))
    else:
        show_audit(audited)
        if checked:
            echo(gate.as_text(checked))
        echo_next(terminal(), *after_audit(audited["verdict"], run))
    if any(one.failed for one in checked):
        raise typer.Exit(1)

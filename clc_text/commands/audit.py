"""`clc-text audit`: how far corrections can be trusted."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from clc_text.utils.shown import say_json


def add_to(app: typer.Typer) -> None:
    app.command()(audit)


def audit(
    run: Annotated[Path, typer.Argument(help="The run directory.")],
    bootstrap: Annotated[
        int, typer.Option("--bootstrap", min=0, max=100_000, help="Resamplings for the noise rate.")
    ] = 200,
    json_out: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Estimate the noise, judge the corrections, and say in plain words whether to trust them (also in audit.json)."""
    from clc_text.corrections.audit import audit as audit_run
    from clc_text.corrections.existing import corrected_in
    from clc_text.corrections.tables import after_audit, show_audit
    from clc_text.utils.shown import say_next, terminal

    found = audit_run(corrected_in(run), bootstrap)
    if json_out:
        say_json(found)
    else:
        show_audit(found)
        say_next(terminal(), *after_audit(found["verdict"], run))

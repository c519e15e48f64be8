"""The commands of `clc-text`, one file a group; each has `add_to(app)` and imports nothing heavy at its top."""

import math
from pathlib import Path
from typing import Annotated

import typer

Force = Annotated[bool, typer.Option("--force", help="Write over an input, or a run's own file.")]
"""Of every command with a file to write; see `clc_text.runs.outputs`."""

Rows = Annotated[int, typer.Option("--k", max=10_000_000, help="How many rows.")]
"""Of every command that asks people about rows."""
Purpose = Annotated[
    str,
    typer.Option(
        "--purpose",
        help="estimate: drawn at random, so that answers say how many labels are wrong; fix: where an answer most "
        "probably changes a label; both: half of each.",
    ),
]
"""Likewise; see `clc_text.corrections.asking.draw`."""
AskedIn = Annotated[
    Path | None,
    typer.Option(
        "--out",
        help="The file; RUN/look_first.csv (.argilla.json, .label_studio.json) without it.",
        show_default=False,
    ),
]
"""Likewise, where it writes a file for them."""
Share = Annotated[
    list[str] | None,
    typer.Option(
        "--share",
        metavar="CLASS=SHARE",
        help="How common a class truly is among these rows, if you know it: 0.2, or 0.1-0.3; again for each more. Or "
        "even.",
        show_default=False,
    ),
]
"""Of every command that is told so; see `clc_text.data.class_shares`."""


def finite(value: float | None) -> float | None:
    """The callback of an option that is a number: NaN is within every `min` and `max`."""
    if value is not None and not math.isfinite(value):
        raise typer.BadParameter(f"{value} is not a finite number.")
    return value

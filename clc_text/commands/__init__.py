"""The commands of `clc-text`, one file a group; each has `add_to(app)` and imports nothing heavy at its top."""

import math
from typing import Annotated

import typer

Force = Annotated[bool, typer.Option("--force", help="Write over an input, or a run's own file.")]
"""Of every command with a file to write; see `clc_text.runs.outputs`."""


def finite(value: float | None) -> float | None:
    """The callback of an option that is a number: NaN is within every `min` and `max`."""
    if value is not None and not math.isfinite(value):
        raise typer.BadParameter(f"{value} is not a finite number.")
    return value

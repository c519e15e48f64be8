"""The commands of `clc-text`, one file a group; each has `add_to(app)` and imports nothing heavy at its top."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
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

Engine = Annotated[
    str, typer.Option("--engine", help="local, or ray (extra): the cluster of RAY_ADDRESS, or one started here.")
]
"""Of every command that has workers; see `check_engine`."""


def check_engine(engine: str) -> None:
    from clc_text.errors import InputError, nearest

    if engine not in (engines := ("local", "ray")):
        raise InputError(f"there is no engine '{engine}'{nearest(engine, engines)}", key=engine)


@contextmanager
def ended_with_its_workers() -> Iterator[None]:
    """Ctrl-C, and SIGTERM, a scheduler's way to end a command, which by default would leave its workers, end it in
    order, with exit code 130."""
    import signal

    from clc_text.utils.shown import echo

    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    except KeyboardInterrupt:
        echo("clc-text: stopped; the same command goes on", err=True)
        raise typer.Exit(130) from None
    finally:
        signal.signal(signal.SIGTERM, before)


def finite(value: float | None) -> float | None:
    """The callback of an option that is a number: NaN is within every `min` and `max`."""
    if value is not None and not math.isfinite(value):
        raise typer.BadParameter(f"{value} is not a finite number.")
    return value

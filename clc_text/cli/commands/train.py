"""`clc-text train`: from a recipe to a run directory."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from clc_text.utils.shown import echo


def add_to(app: typer.Typer) -> None:
    app.command()(train)


def train(
    recipe: Annotated[Path, typer.Argument(help="The recipe, a YAML file; `clc-text recipe list` shows those here.")],
    out: Annotated[
        Path | None, typer.Option("--out", help="The run directory; runs/NAME without it.", show_default=False)
    ] = None,
    overrides: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="KEY=VALUE", help="Change a key of the recipe, such as seeds.noise=1.", show_default=False
        ),
    ] = None,
    answers: Annotated[
        Path | None,
        typer.Option(
            "--answers", help="A run whose rows people have answered (`apply`): learn from them.", show_default=False
        ),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the last checkpoint.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the run directory if it is there.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress, only the result.")] = False,
) -> None:
    """Train on noisy labels as a recipe says."""
    import gc
    import shlex

    from clc_text.config.recipe import load
    from clc_text.errors import InputError
    from clc_text.runs.console import TrainingDisplay, show_result
    from clc_text.utils.files import check_folder_name

    if resume and overwrite:
        raise InputError("--resume and --overwrite exclude each other", key="--resume")
    chosen = load(recipe, overrides or [])
    if out is None:
        check_folder_name(chosen.name, f"{recipe}: name")
    directory = out or Path("runs") / chosen.name
    with TrainingDisplay(quiet) as display:
        from clc_text.runs.run import train as run_training

        gc.freeze()  # what was imported is never garbage; each training would look through it
        try:
            run = run_training(
                chosen, directory, resume=resume, overwrite=overwrite, observer=display, answers=answers
            )
        except KeyboardInterrupt:
            display.stop()
            again = ["clc-text", "train", str(recipe), "--out", str(directory)]
            again += [part for override in overrides or [] for part in ("--set", override)]
            echo(f"clc-text: stopped; go on with: {shlex.join([*again, '--resume'])}", err=True)
            raise typer.Exit(130) from None
    show_result(run)

"""`clc-text encode`: the features of a recipe's texts, by many processes or machines."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from clc_text.utils.shown import echo


def add_to(app: typer.Typer) -> None:
    app.command()(encode)


def encode(
    recipe: Annotated[Path, typer.Argument(help="The recipe, a YAML file; of a table: `clc-text init TABLE`.")],
    overrides: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Change a key of the recipe.", show_default=False),
    ] = None,
    jobs: Annotated[
        int | None,
        typer.Option(
            "--jobs", min=1, max=1_024, help="Workers, one thread each; as many as processors.", show_default=False
        ),
    ] = None,
    engine: Annotated[
        str, typer.Option("--engine", help="local, or ray (extra): the cluster of RAY_ADDRESS, or one started here.")
    ] = "local",
) -> None:
    """Compute the features of a recipe's texts ahead, with all processors or a cluster.

    A frozen sentence encoder is most of what a large table costs. Its features are kept in the cache, where `train`,
    `clean` and all others find them; a call that was stopped goes on where it was.
    """
    import signal

    from clc_text.config.recipe import load
    from clc_text.errors import InputError, nearest

    engines = ("local", "ray")
    if engine not in engines:
        raise InputError(f"there is no engine '{engine}'{nearest(engine, engines)}", key=engine)
    chosen = load(recipe, overrides or [])
    if engine == "ray":
        from clc_text.utils.ray_cluster import ray_itself

        ray_itself()  # before anything is read: without it nothing can run
    from clc_text.runs.encode_ahead import encode_ahead

    # A scheduler's way to end it, which by default would leave the workers.
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        done = encode_ahead(chosen, engine, jobs)
    except KeyboardInterrupt:
        echo("clc-text: stopped; the same command goes on", err=True)
        raise typer.Exit(130) from None
    finally:
        signal.signal(signal.SIGTERM, before)
    echo(f"{done.texts:,} different texts, {done.computed:,} of them computed now; kept in {done.folder}")

"""`clc-text encode`: the features of a recipe's texts, by many processes or machines."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from clc_text.cli.commands import Engine, check_engine, ended_with_its_workers
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
    engine: Engine = "local",
) -> None:
    """Compute the features of a recipe's texts ahead, with all processors or a cluster.

    A frozen sentence encoder is most of what a large table costs. Its features are kept in the cache, where `train`,
    `clean` and all others find them; a call that was stopped goes on where it was.
    """
    from clc_text.config.recipe import load

    check_engine(engine)
    chosen = load(recipe, overrides or [])
    if engine == "ray":
        from clc_text.utils.ray_cluster import ray_itself

        ray_itself()  # before anything is read: without it nothing can run
    from clc_text.runs.encode_ahead import encode_ahead

    with ended_with_its_workers():
        done = encode_ahead(chosen, engine, jobs)
    echo(f"{done.texts:,} different texts, {done.computed:,} of them computed now; kept in {done.folder}")

"""`clc-text noise`: make labels noisy and save them, repeat that from its manifest, estimate noise of a run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from clc_text.utils.shown import echo, echo_json

commands = typer.Typer(help="Inject label noise, replay it, estimate it.", no_args_is_help=True)

Recipe = Annotated[Path, typer.Argument(help="A recipe; its `data:`, `noise:` and `seeds:` are used.")]
Set = Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change a key.", show_default=False)]
Out = Annotated[Path, typer.Option("--out", help="A new directory.")]


def add_to(app: typer.Typer) -> None:
    app.add_typer(commands, name="noise")


@commands.command()
def inject(recipe: Recipe, out: Out, overrides: Set = None) -> None:
    """Flip labels as a recipe says; saves the rows, the labels and a manifest by which it can be repeated."""
    from clc_text.config.recipe import load
    from clc_text.runs.noise_files import inject_and_save

    manifest = inject_and_save(load(recipe, overrides or []), out)
    echo(f"{manifest['convention']}")
    echo(f"{manifest['rows']:,} rows, {manifest['realised_rate']:.2%} of the labels flipped, in {out}")


@commands.command()
def estimate(
    source: Annotated[Path, typer.Argument(help="A recipe, or a run directory whose method cross-fits (clc_auto).")],
    overrides: Set = None,
    encoders: Annotated[
        str | None,
        typer.Option(
            help="Compare encoders instead, such as word_vectors,tfidf,sentence: which explains held-out labels best.",
            show_default=False,
        ),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Estimate how many labels are wrong, and which class is taken for which, without any clean label."""
    from clc_text.config.recipe import load
    from clc_text.errors import InputError
    from clc_text.runs.console import TrainingDisplay
    from clc_text.runs.noise_estimate import as_dict, as_text, estimate_of_recipe, estimate_of_run
    from clc_text.utils.shown import echo_next, terminal

    if source.is_dir() and (overrides or encoders is not None):
        option = "--set changes a recipe" if overrides else "--encoders compares encoders of a recipe"
        raise InputError(
            f"{option}, but a run directory is given; give the recipe, {source}/recipe.yaml", where=source, key=option
        )
    if encoders is not None:
        _compare_encoders(load(source, overrides or []), encoders, json)
        return
    if source.is_dir():
        estimated = estimate_of_run(source)
    else:
        estimated = estimate_of_recipe(load(source, overrides or []), TrainingDisplay())
    if json:
        echo_json(as_dict(estimated))
        return
    echo(as_text(estimated))
    changed = [part for override in overrides or [] for part in ("--set", override)]
    if source.is_dir():
        echo_next(terminal(), ["correct", source], "the corrected dataset, and how far to trust it")
    elif not estimated.estimates:
        echo_next(terminal(), ["recipe", "parts", "encoders"], "the encoders to choose from")
    else:
        echo_next(terminal(), ["train", source, *changed], "finds which labels are wrong")


def _compare_encoders(recipe: Any, encoders: str, json: bool) -> None:
    from clc_text.errors import InputError
    from clc_text.runs.console import TrainingDisplay
    from clc_text.runs.encoder_choice import as_dicts, as_table, compare_encoders, conclusion
    from clc_text.utils.shown import terminal

    names = [name.strip() for name in encoders.split(",") if name.strip()]
    if not names:
        raise InputError(
            "--encoders names none; write for example --encoders word_vectors,tfidf,sentence", key="--encoders"
        )
    candidates = compare_encoders(recipe, names, TrainingDisplay())
    if json:
        echo_json(as_dicts(candidates))
        return
    terminal().print(as_table(candidates))
    echo(conclusion(candidates))


@commands.command()
def replay(
    manifest: Annotated[Path, typer.Argument(help="A manifest.json, or a run directory.")],
    recipe: Recipe,
    out: Out,
    overrides: Set = None,
) -> None:
    """Make the same noisy labels again, byte for byte, from their manifest and the data."""
    from clc_text.config.recipe import load
    from clc_text.runs.noise_files import replay_and_save

    rows = replay_and_save(manifest, load(recipe, overrides or []), out)
    echo(f"{rows:,} labels, equal to the manifest's, in {out}")

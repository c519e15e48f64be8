"""`clc-text data`: which datasets there are, where they are looked for, what is in one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from clc_text.utils.shown import echo, echo_json

commands = typer.Typer(help="List datasets, say where they are looked for, check one.", no_args_is_help=True)


def add_to(app: typer.Typer) -> None:
    app.add_typer(commands, name="data")


@commands.command("list")
def list_datasets(modality: Annotated[str, typer.Option(help="text or vision.")] = "text") -> None:
    """The datasets that a recipe's `data:` section can name."""
    from clc_text.cli.commands.recipe import parts

    parts("datasets", None, modality)


@commands.command()
def where(
    name: Annotated[str, typer.Argument(help="A dataset's name, or a recipe (a .yaml file).")],
    modality: Annotated[str, typer.Option(help="text or vision.")] = "text",
) -> None:
    """Where a dataset's files are looked for, in that order, and which are there."""
    from clc_text.config.recipe import check_modality, load, registries

    check_modality(modality)
    if name.endswith((".yaml", ".yml")):
        data = load(Path(name)).data
    else:
        from clc_text.config.typed_yaml import Node, to_dataclass

        data = to_dataclass(registries(modality)["datasets"].get(name), Node({}, name), "data")
    for place in data.places():
        echo(f"{'found  ' if place.found else 'missing'}  {place.path}  ({place.what})")


@commands.command()
def check(
    recipe: Annotated[Path, typer.Argument(help="A recipe; its `data:` and `encoder:` sections are looked at.")],
    overrides: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change a key.", show_default=False)
    ] = None,
    json_out: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Read a dataset and say what is in it: classes, near copies, contradictions, lengths, leaks into test rows."""
    from clc_text.config.recipe import load
    from clc_text.data.describe import describe
    from clc_text.runs.load import load_task
    from clc_text.runs.prepare import reading

    chosen = load(recipe, overrides or [])
    task = load_task(chosen)
    facts = describe(task) | {"encoder": reading(chosen, task)}
    if json_out:
        echo_json(facts, indent=2)
        return
    from clc_text.data.checks.tables import show_check
    from clc_text.utils.shown import echo_next, terminal

    show_check(facts)
    changed = [part for override in overrides or [] for part in ("--set", override)]
    if facts["label_variants"]:
        echo_next(terminal(), ["data", "check", recipe, *changed], "again", then="add the label_map, then ")
    else:
        why = "how many labels are wrong, and which class is taken for which"
        echo_next(terminal(), ["noise", "estimate", recipe, *changed], why)

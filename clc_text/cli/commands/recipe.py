"""`clc-text recipe`: what recipes there are, and what their keys mean."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from clc_text.utils.shown import echo

commands = typer.Typer(help="Show, list and explain recipes.", no_args_is_help=True)


def add_to(app: typer.Typer) -> None:
    app.add_typer(commands, name="recipe")


@commands.command()
def show(
    recipe: Annotated[Path, typer.Argument(help="The recipe, a YAML file.")],
    overrides: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change a key.", show_default=False)
    ] = None,
    plain: Annotated[bool, typer.Option("--plain", help="Without explanations.")] = False,
) -> None:
    """Every key of a recipe with its default resolved, what it means and what it may be."""
    from clc_text.config.recipe import load
    from clc_text.config.recipe_text import explain

    chosen = load(recipe, overrides or [])
    echo(chosen.dump() if plain else explain(chosen), end="")


@commands.command("list")
def list_recipes(
    folder: Annotated[Path, typer.Argument(help="Where to look.")] = Path("recipes"),
) -> None:
    """The recipes in a folder, with their first line of explanation."""
    from clc_text.errors import InputError

    found = sorted(path for path in folder.rglob("*.yaml") if "sweeps" not in path.parts)
    if not found:
        raise InputError(f"there is no recipe (*.yaml) in {folder}; give the folder that holds them", where=folder)
    for path in found:
        echo(f"{path!s:44s} {_first_line(path)}")


def _first_line(path: Path) -> str:
    """What a recipe says of itself; of a file that is none, that it cannot be read."""
    if not path.is_file():
        return "(a folder, a pipe or a broken link)"
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.readline(300).strip().lstrip("# ")
    except OSError as error:
        return f"(cannot be read: {error.strerror})"


@commands.command()
def parts(
    kind: Annotated[str, typer.Argument(help="datasets, encoders, networks, noise or methods.")],
    name: Annotated[str | None, typer.Argument(help="One of them, with its options.", show_default=False)] = None,
    modality: Annotated[str, typer.Option(help="text or vision.")] = "text",
) -> None:
    """What may stand behind `name:` in a section of a recipe, and which options it has."""
    import dataclasses
    import typing

    from clc_text.config.recipe import check_modality, registries
    from clc_text.config.typed_yaml import type_in_words
    from clc_text.errors import InputError, nearest

    check_modality(modality)
    known = registries(modality)
    if kind not in known:
        raise InputError(f"there are no parts of kind '{kind}'{nearest(kind, known)}", key=kind)
    if name is None:
        for each in known[kind].names():
            echo(f"{each:22s} {(known[kind].get(each).__doc__ or '').strip().splitlines()[0]}")
        return
    part = known[kind].get(name)
    echo(f"{(part.__doc__ or '').strip()}\n")
    hints = typing.get_type_hints(part)
    for field in dataclasses.fields(part):
        required = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        default = field.default_factory() if callable(field.default_factory) else field.default
        shown = "required" if required else f"default {default!r}"
        echo(f"{field.name} ({type_in_words(hints[field.name])}; {shown})\n    {field.metadata.get('help', '')}")

"""`clc-text push`: a run's corrected dataset, or its model, on the Hugging Face Hub."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from clc_text.cli.commands import Force
from clc_text.utils.shown import echo


def add_to(app: typer.Typer) -> None:
    app.command()(push)


def push(
    run: Annotated[Path, typer.Argument(help="The run directory.")],
    repo: Annotated[str, typer.Option("--repo", metavar="USER/NAME", help="The repository on the Hub.")],
    model: Annotated[bool, typer.Option("--model", help="Push the model, not the corrected dataset.")] = False,
    private: Annotated[
        bool, typer.Option("--private/--public", help="Who may see it: those whom you let, or everybody.")
    ] = True,
    columns: Annotated[
        str | None,
        typer.Option(
            "--columns",
            metavar="NAME,NAME",
            help="Send these columns of the source, too, or `all`; without it texts, labels and ids.",
            show_default=False,
        ),
    ] = None,
    create_pr: Annotated[bool, typer.Option("--create-pr", help="Propose it as a pull request.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be sent, and send nothing.")] = False,
    card: Annotated[
        Path | None, typer.Option("--card", help="Write the card to this file, too.", show_default=False)
    ] = None,
    licence: Annotated[
        str | None,
        typer.Option("--license", help="The Hub's name of the licence, such as cc-by-4.0.", show_default=False),
    ] = None,
    language: Annotated[
        list[str] | None,
        typer.Option("--language", help="Of the texts, such as en; may be repeated.", show_default=False),
    ] = None,
    force: Force = False,
) -> None:
    """Put a run's corrected dataset on the Hub, with a card made of its figures; private unless you say --public.

    One commit: whatever breaks, nothing is there by halves, and the command can be repeated.
    """
    import tempfile
    from contextlib import nullcontext

    from clc_text.artifacts.run_directory import RunDirectory
    from clc_text.artifacts.run_lock import untouched
    from clc_text.errors import InputError
    from clc_text.hub.card import Stated
    from clc_text.hub.contents import dataset_bundle, model_bundle
    from clc_text.hub.upload import check_name
    from clc_text.hub.upload import push as send
    from clc_text.runs.outputs import check_output
    from clc_text.utils.files import write_text

    def tell(message: str) -> None:
        echo(message, err=True)

    check_name(repo)
    directory = RunDirectory(run)
    if card is not None:
        check_output(card, force=force)
    if model and columns is not None:
        raise InputError("--columns is about rows, and --model sends none", key="--columns")
    with (
        untouched(run) if model and (run / "recipe.yaml").is_file() else nullcontext(),
        tempfile.TemporaryDirectory(prefix="clc-text-") as folder,
    ):
        stated, place = Stated(licence, tuple(language or ())), Path(folder)
        if model:
            bundle = model_bundle(directory, repo, stated, place)
        else:
            bundle = dataset_bundle(directory, repo, stated, place, columns)
        if card is not None:
            write_text(card, bundle.card)
        if dry_run:
            echo(bundle.preview(repo, private), end="")
            return
        for line in bundle.told_of_rows():
            tell(line)
        if not model and "audit.json" not in bundle.files:
            tell(f"clc-text: the card says how far to trust the labels if you run `clc-text audit {run}` first")
        pushed = send(bundle, repo, private=private, create_pr=create_pr, log=tell)
    if pushed.pull_request:
        echo(f"pull request: {pushed.url}")
    else:
        echo(pushed.url if pushed.changed else f"{pushed.url} is up to date already")

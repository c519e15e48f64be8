"""`clc-text sweep`: a grid of recipes, variants and seeds, run in parallel."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def add_to(app: typer.Typer) -> None:
    app.command()(sweep)


def sweep(
    file: Annotated[Path, typer.Argument(help="The sweep, a YAML file (see recipes/sweeps/).")],
    out: Annotated[
        Path | None,
        typer.Option("--out", help="The directory; runs/sweeps/NAME without it.", show_default=False),
    ] = None,
    jobs: Annotated[
        int | None,
        typer.Option("--jobs", min=1, help="Processes of one thread; all processors.", show_default=False),
    ] = None,
    engine: Annotated[str, typer.Option("--engine", help="local, or ray (extra).")] = "local",
    part: Annotated[
        str | None, typer.Option("--part", help="Run one part, such as 2/3, on this machine.", show_default=False)
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only list the cells.")] = False,
) -> None:
    """Run every cell of a sweep; cells that are done are skipped, one that was cut short goes on."""
    from clc_text.errors import InputError
    from clc_text.sweep.grid import part_of, read_sweep
    from clc_text.sweep.run_sweep import default_jobs, plan, run
    from clc_text.sweep.show import follow

    if engine not in ("local", "ray"):
        raise InputError(f"there is no engine '{engine}'; known: local, ray")
    described, cells = read_sweep(file)
    chosen = part_of(cells, part)
    directory = out or Path("runs") / "sweeps" / (described.name or file.stem)
    if dry_run:
        for cell in chosen:
            typer.echo(cell.path)
        return
    to_run = plan(file, described, chosen, directory)
    failed = follow(run(to_run, directory, engine, jobs), len(to_run), len(chosen), jobs or default_jobs())
    typer.echo(f"\nclc-text table {directory}")
    if failed:
        raise typer.Exit(1)

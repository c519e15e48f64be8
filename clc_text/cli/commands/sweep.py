"""`clc-text sweep`: a grid of recipes, variants and seeds, run in parallel."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from clc_text.cli.commands import Engine, check_engine, ended_with_its_workers
from clc_text.utils.shown import echo


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
        typer.Option(
            "--jobs",
            min=1,
            max=1_024,
            help="Cells at once, one thread each; as many as processors.",
            show_default=False,
        ),
    ] = None,
    engine: Engine = "local",
    part: Annotated[
        str | None, typer.Option("--part", help="Run one part, such as 2/3, on this machine.", show_default=False)
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only list the cells.")] = False,
) -> None:
    """Run every cell of a sweep; cells that are done are skipped, one that was cut short goes on."""
    from contextlib import closing

    from clc_text.sweep.changed_data import changed_data, told
    from clc_text.sweep.cost import cost_of, duration, so_many
    from clc_text.sweep.grid import part_of, read_sweep
    from clc_text.sweep.run_sweep import plan, run
    from clc_text.sweep.show import follow
    from clc_text.utils.workers import processors

    check_engine(engine)
    described, all_cells = read_sweep(file)
    cells = part_of(all_cells, part)
    directory = out or Path("runs") / "sweeps" / (described.name or file.stem)
    if dry_run:
        for cell in cells:
            echo(cell.path)
        return
    if engine == "ray":
        from clc_text.utils.ray_cluster import ray_itself

        ray_itself()  # before anything is said or written: without it nothing can run
    left = {cell.path for cell in plan(file, all_cells, directory)}
    to_run = [cell for cell in cells if cell.path in left]
    at_once = min(len(to_run), jobs or processors())
    echo(
        f"{so_many(len(cells))}, {len(cells) - len(to_run)} done already, {len(to_run)} to run, "
        f"{f'{at_once} at once' if engine == 'local' else 'by Ray'}",
        err=True,
    )
    if sentence := told(changed_data([cell for cell in all_cells if cell.path not in left], directory)):
        echo(f"clc-text: {sentence}", err=True)
    with ended_with_its_workers(), closing(run(to_run, directory, engine, jobs)) as outcomes:
        began = time.perf_counter()
        ended = follow(outcomes, len(to_run))
    if ended["elsewhere"]:
        echo(f"clc-text: {ended['elsewhere']} cells are being run by another sweep of this directory", err=True)
    if ended["failed"]:
        echo(f"clc-text: {ended['failed']} cells failed; the same command tries them again", err=True)
    if ended["done"]:
        echo(f"{so_many(ended['done'])} in {duration(time.perf_counter() - began)}", err=True)
    if cost := cost_of(all_cells, directory):
        echo(cost.sentence, err=True)
    echo(f"clc-text table {directory}")
    if ended["failed"]:
        raise typer.Exit(1)

"""`clc-text compare`: a table of runs with mean, deviation and significance."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Annotated, Any

import typer

from clc_text.utils.shown import echo, echo_table


def add_to(app: typer.Typer) -> None:
    app.command()(compare)


def compare(
    runs: Annotated[list[Path], typer.Argument(help="Run directories; those that differ in seeds only are one line.")],
    of: Annotated[str, typer.Option("--of", help="peers (their mean, the paper's figure) or ensemble.")] = "peers",
    markdown: Annotated[bool, typer.Option("--markdown", help="Print a Markdown table.")] = False,
    csv: Annotated[bool, typer.Option("--csv", help="Print CSV.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON, with every run's figures.")] = False,
) -> None:
    """Compare runs: last-10, last and best (oracle) accuracy, mean ± deviation over seeds, and p against the best.

    Runs without test rows are compared by the likelihood of held-out given labels and by canaries.
    """
    from clc_text.analysis.compare import compare_runs
    from clc_text.analysis.compare_untested import compare_untested, without_test_rows
    from clc_text.analysis.tables import compare_text, compare_untested_text
    from clc_text.artifacts.run_directory import RunDirectory
    from clc_text.errors import InputError
    from clc_text.utils.shown import terminal

    if markdown + csv + json > 1:
        raise InputError("--markdown, --csv and --json exclude each other", key="--markdown")
    opened = [RunDirectory(path) for path in runs]
    untested = without_test_rows(opened)
    comparison: Any
    told: ModuleType
    if untested:
        comparison, told = compare_untested(opened), compare_untested_text
        if len(untested) < len(opened):
            names = ", ".join(str(run.path) for run in untested)
            echo(f"clc-text: no test rows in {names}: all are compared by what needs none", err=True)
    else:
        comparison, told = compare_runs(opened, of), compare_text
    for sentence in comparison.remarks:
        echo(f"clc-text: {sentence}", err=True)
    for sentence in comparison.warnings:
        echo(f"clc-text: not comparable without care: {sentence}", err=True)
    if markdown or csv or json:
        echo_table((told.as_markdown if markdown else told.as_csv if csv else told.as_json)(comparison))
    else:
        terminal().print(told.as_table(comparison))

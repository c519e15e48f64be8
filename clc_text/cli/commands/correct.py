"""`clc-text correct`: a corrected dataset from a run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def add_to(app: typer.Typer) -> None:
    app.command()(correct)


def correct(
    run: Annotated[Path, typer.Argument(help="The run directory.")],
    policy: Annotated[
        str,
        typer.Option(
            "--policy",
            help="When to change a label: default, doubt, posterior, targets, agree, confidence, entropy, strict.",
        ),
    ] = "default",
    min_confidence: Annotated[
        float | None,
        typer.Option("--min-confidence", help="Least probability of the new class.", show_default=False),
    ] = None,
    min_doubt: Annotated[
        float | None,
        typer.Option("--min-doubt", help="Least probability that the given label is wrong.", show_default=False),
    ] = None,
    max_entropy: Annotated[
        float | None,
        typer.Option("--max-entropy", help="Largest entropy of the prediction, in nats.", show_default=False),
    ] = None,
    out_of_sample: Annotated[
        bool | None,
        typer.Option(
            "--out-of-sample/--in-sample",
            help="Judge every row by networks alone: that never saw its label, trained now where the run has none, or "
            "by the run's own. Without either: as the policy says.",
            show_default=False,
        ),
    ] = None,
    include_person: Annotated[bool, typer.Option("--include-person", help="Overwrite people's labels, too.")] = False,
) -> None:
    """Write RUN/corrected: the dataset with corrected labels, every row with its doubt, every change undoable."""
    from clc_text.artifacts.run_directory import RunDirectory
    from clc_text.corrections.correct import correct as correct_run
    from clc_text.corrections.policy import policy_named
    from clc_text.corrections.tables import ProgressBar, show_corrected
    from clc_text.runs.evidence import judges_of_run
    from clc_text.runs.flaws import flaws_of_run
    from clc_text.runs.reload import source_rows

    chosen = policy_named(policy, min_confidence, max_entropy, min_doubt)
    chosen.resolve(threshold=0.0)  # a number out of range is told before networks are trained for it
    directory = RunDirectory(run)
    with ProgressBar() as progress:
        judges = judges_of_run(directory, chosen, out_of_sample, progress)
        corrected = correct_run(
            directory, judges.policy, judges.predictions, source_rows(directory), include_person, progress,
            judges.nothing_learnt,
        )  # fmt: skip
    flaws_of_run(directory)
    show_corrected(corrected, judges.note)

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
        str, typer.Option("--policy", help="When a label is changed: posterior, agree, confidence, entropy, strict.")
    ] = "posterior",
    min_confidence: Annotated[
        float | None,
        typer.Option("--min-confidence", help="Least probability of the new class.", show_default=False),
    ] = None,
    max_entropy: Annotated[
        float | None,
        typer.Option("--max-entropy", help="Largest entropy of the prediction, in nats.", show_default=False),
    ] = None,
    out_of_sample: Annotated[
        bool,
        typer.Option(
            "--out-of-sample",
            help="Judge every row by networks that never saw its label; they are trained now where the run has none.",
        ),
    ] = False,
    include_person: Annotated[bool, typer.Option("--include-person", help="Overwrite people's labels, too.")] = False,
) -> None:
    """Write RUN/corrected: the dataset with corrected labels, every row with its doubt, every change undoable."""
    from clc_text.corrections.correct import correct as correct_run
    from clc_text.corrections.policy import policy_named
    from clc_text.corrections.predictions import in_sample
    from clc_text.corrections.tables import ProgressBar, show_corrected
    from clc_text.reload import source_rows
    from clc_text.run_directory import RunDirectory

    chosen = policy_named(policy, min_confidence, max_entropy)
    directory = RunDirectory(run)
    with ProgressBar() as progress:
        if out_of_sample:
            from clc_text.out_of_sample import predict_out_of_sample

            predictions = predict_out_of_sample(directory, progress)
        else:
            predictions = in_sample(directory)
        corrected = correct_run(directory, chosen, predictions, source_rows(directory), include_person, progress)
    show_corrected(corrected)

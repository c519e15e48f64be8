"""`clc-text predict` and `clc-text evaluate`: a trained run applied to rows."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from clc_text.cli.commands import Force, Share
from clc_text.utils.shown import echo, echo_json

Column = Annotated[
    str | None,
    typer.Option("--column", help="The file's column of texts; the recipe's without it.", show_default=False),
]
Separator = Annotated[
    str | None,
    typer.Option(help="Between the columns of a CSV file; what the header has without it.", show_default=False),
]
Sheet = Annotated[str | None, typer.Option(help="Of an Excel workbook; the first without it.", show_default=False)]


def add_to(app: typer.Typer) -> None:
    app.command()(predict)
    app.command()(evaluate)


def predict(
    run: Annotated[Path, typer.Argument(help="The run directory.")],
    source: Annotated[
        Path | None, typer.Argument(help="A table or text file; a folder or table of images.", show_default=False)
    ] = None,
    text: Annotated[
        list[str] | None, typer.Option("--text", help="A text; may be repeated.", show_default=False)
    ] = None,
    column: Column = None,
    separator: Separator = None,
    sheet: Sheet = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="A .csv, .jsonl or .parquet file; the screen without it.", show_default=False),
    ] = None,
    threshold: Annotated[
        float | None,
        typer.Option(
            help="Where several classes may hold: the probability from which one does; 0.5 without it.",
            show_default=False,
        ),
    ] = None,
    share: Share = None,
    force: Force = False,
) -> None:
    """Classify new texts: label, confidence, entropy, and whether the peers agree."""
    from clc_text.artifacts.run_directory import RunDirectory
    from clc_text.errors import InputError
    from clc_text.inference.prediction_file import RECIPES, HowToRead, read_named_rows, write_predictions
    from clc_text.runs.outputs import check_output

    if (source is None) == (not text):
        raise InputError("give either a file or --text", key="--text")
    directory = RunDirectory(run)
    if text and directory.recipe().get("modality") == "vision":
        raise InputError(f"{run} reads images; give a file or a folder instead of --text", where=run, key="--text")
    if out is not None:
        check_output(out, inputs=[source], force=force)
    how = HowToRead(column=column, separator=separator, sheet=sheet)
    if text and how != RECIPES:
        raise InputError("an option says how to read a file, and --text is none; leave it out", key="--text")
    rows, ids = (text, None) if text else read_named_rows(directory, source, how)  # type: ignore[arg-type]
    count = write_predictions(directory, rows, out, ids, threshold, share or None)
    if out is not None:
        echo(f"{count:,} predictions in {out}", err=True)


def evaluate(
    run: Annotated[Path, typer.Argument(help="The run directory.")],
    source: Annotated[
        Path | None, typer.Argument(help="Labelled rows; the run's own test rows without it.", show_default=False)
    ] = None,
    column: Column = None,
    label: Annotated[
        str | None,
        typer.Option(
            "--label",
            help="The file's column of labels; the recipe's (the true ones before the given) without it.",
            show_default=False,
        ),
    ] = None,
    label_map: Annotated[
        str | None,
        typer.Option(
            help="What labels of the file mean, where they are no class's name: 0=billing,1=login.", show_default=False
        ),
    ] = None,
    separator: Separator = None,
    sheet: Sheet = None,
    share: Share = None,
    json_out: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    matrix: Annotated[
        Path | None,
        typer.Option(
            "--matrix",
            help="Write the whole confusion matrix to this .csv file; of a multi-label run one of no and yes a class.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Accuracy of each peer and of the ensemble, calibration, figures of every class, confusion matrix."""
    from clc_text.artifacts.run_directory import RunDirectory
    from clc_text.errors import InputError
    from clc_text.inference.evaluation import evaluate_run, label_pairs, matrix_csv, show
    from clc_text.inference.prediction_file import HowToRead
    from clc_text.runs.outputs import check_output
    from clc_text.utils.files import write_text

    if matrix is not None:
        if matrix.suffix != ".csv":
            raise InputError(f"{matrix} is no .csv file; give it this ending", where=matrix, key="--matrix")
        check_output(matrix, inputs=[source])
    how = HowToRead(column, label, separator, sheet)
    evaluation = evaluate_run(RunDirectory(run), source, how, label_pairs(label_map), share or None)
    if matrix is not None:
        write_text(matrix, matrix_csv(evaluation))
    if json_out:
        echo_json(evaluation)
    else:
        show(evaluation)

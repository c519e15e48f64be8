"""Predictions of a run's training rows by networks that never saw their labels."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from clc_text.artifacts.cross_fit import CrossFit
from clc_text.artifacts.run_directory import RunDirectory
from clc_text.corrections.dataset_files import Progress, silent
from clc_text.corrections.predictions import RowPredictions, out_of_sample
from clc_text.corrections.source import kept_rows
from clc_text.data.task import Task
from clc_text.errors import InputError
from clc_text.runs.reload import check_sources

if TYPE_CHECKING:
    from clc_text.config.recipe import Recipe
    from clc_text.runs.prepare import Prepared


def predict_out_of_sample(run: RunDirectory, progress: Progress = silent) -> RowPredictions:
    """What the run cross-fitted itself, or else cross-fits now, and keeps in its directory.

    The rows are those that the run keeps, or where it keeps none those of its recipe.

    Raises:
        InputError: the run has not ended, or its data is not what it was.
    """
    predictions = out_of_sample(run)
    if predictions is None:
        if not run.complete:
            raise InputError(
                f"{run.path} has not ended, so there is nothing to correct; `--resume` goes on with it", where=run.path
            )
        progress("cross-fitting", 0, 1)
        _cross_fit(run).save(run.path)
        predictions = out_of_sample(run)
    assert predictions is not None
    return predictions


def _cross_fit(run: RunDirectory) -> CrossFit:
    from clc_text.runs.build import build_trainer

    recipe = run.typed_recipe()
    prepared = _prepared_from_kept(run, recipe) if kept_rows(run) is not None else _prepared_from_source(run, recipe)
    with tempfile.TemporaryDirectory() as folder:
        return build_trainer(recipe, Path(folder), prepared).make_cross_fit()


def _prepared_from_kept(run: RunDirectory, recipe: Recipe) -> Prepared:
    """From the run directory alone: its rows, its labels, its fitted encoder."""
    from clc_text.runs.prepare import Prepared

    environment = run.environment()
    rows = run.data("train")
    task = Task(environment["dataset"], rows, None, environment["input_column"], environment["label_column"])
    encoder = type(recipe.encoder).fitted.load(run.file("encoder"))
    inputs = encoder.encode(rows[task.input_column])
    return Prepared(task, run.labels(), run.noise_manifest(), encoder, inputs, None, recipe)


def _prepared_from_source(run: RunDirectory, recipe: Recipe) -> Prepared:
    from clc_text.runs.prepare import prepare

    try:
        prepared = prepare(recipe, cross_fits=True)
    except InputError as error:
        raise InputError(
            f"{run.path} keeps no rows, so cross-fitting reads its data as the recipe does: {error}; run this command "
            "in the folder in which the run was trained, or use --in-sample",
            where=run.path,
        ) from None
    check_sources(run, prepared.task)
    if not np.array_equal(prepared.labels.trained, run.labels().trained):
        raise InputError(
            f"the data of {run.path} gives other labels than when it was trained; bring the data back or train again",
            where=run.path,
            key="labels",
        )
    return prepared

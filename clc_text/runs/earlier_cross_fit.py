"""What the run that people were asked about has found already, so that a training with their answers need not."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from clc_text.artifacts.cross_fit import WITHOUT_ANSWERS, CrossFit
from clc_text.artifacts.run_directory import ANSWERS, RunDirectory
from clc_text.config.recipe import Recipe
from clc_text.errors import InputError
from clc_text.runs.prepare import Prepared, cross_fit_key


def found_without_answers(run: Path, recipe: Recipe, prepared: Prepared) -> CrossFit | None:
    """What networks of a recipe find by cross-fitting where nobody has answered, if a run has found that; else None.

    It has where its networks, folds and rows are those of the recipe, and their labels, but for canaries among the
    answered rows: such a label was flipped there and is not here, which may be of a few labels. A run that has learnt
    from answers itself keeps what it took from the one before, so that its own folder repeats it.

    Args:
        run: whose rows people have answered.
        prepared: the training to come, with the answers.
    """
    directory = RunDirectory(run)
    answered_before = (run / ANSWERS).is_file()
    try:
        cross_fit = CrossFit.load(run / WITHOUT_ANSWERS if answered_before else run)
        if cross_fit is None:
            return None
        if cross_fit_key(directory.typed_recipe()) != cross_fit_key(recipe):
            return None
        before = directory.labels().trained
    except InputError:  # damaged, or of another version: found anew
        return None
    after, trusted = prepared.labels.trained, prepared.labels.trusted
    assert trusted is not None
    if len(before) != len(after) or cross_fit.posterior.shape[0] != len(after):
        return None
    same = before == after
    same[trusted.rows] = True
    return cross_fit if bool(np.all(same)) else None

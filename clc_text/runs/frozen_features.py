"""Features and words of rows, which no label has shaped: what views may judge labels by."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from clc_text.artifacts.run_directory import RunDirectory
from clc_text.corrections.source import kept_rows
from clc_text.errors import InputError
from clc_text.runs.load import load_task
from clc_text.runs.reload import check_sources
from clc_text.text.encoders.lexical.weighting import terms_of
from clc_text.utils.shown import echo

if TYPE_CHECKING:
    from datasets import Dataset

    from clc_text.runs.encoded import EncodedRows


def features_of_run(run: RunDirectory) -> np.ndarray:
    """float32 [N, D], one vector a training row in the rows' order, by the run's own encoder.

    They are dense, finite and as the encoder makes them: neither centred nor of one length. Those of a pre-trained
    model come from the cache where it holds them. Word vectors that a network reads one after the other are pooled
    over all words of a text, weighted by rarity; a model that is fine-tuned gives what it made of the texts before
    training, since its hidden layers know the labels afterwards; images become their colours on a coarse grid. A text
    without a known word gives zeros.

    Raises:
        InputError: the run has not come as far as its encoder, the encoder's model is not there any more, or the rows
            are not those that the run was trained on.
    """
    return _features(*_encoder_and_inputs(run)).repeat(max(len(run.asked), 1), axis=0)


def distances_of_run(run: RunDirectory) -> np.ndarray | None:
    """`features_of_run`, of a multi-label run of each text once; None where their distances tell nothing of what is
    strange among the rows (`FittedEncoder.distances`), or they cannot be had any more."""
    if not type(run.typed_recipe().encoder).fitted.distances:
        return None
    try:
        return _features(*_encoder_and_inputs(run))
    except InputError:
        return None


def features_or_none(run: RunDirectory) -> np.ndarray | None:
    """`features_of_run`, or None where they cannot be had, which is said."""
    try:
        return features_of_run(run)
    except InputError as error:
        echo(f"clc-text: rows are not told apart by features, which cannot be had: {error}", err=True)
        return None


def features_and_words_of_run(run: RunDirectory) -> tuple[np.ndarray, Any | None]:
    """`features_of_run`, of a multi-label run of each text once, and sparse float32 [N, M], TF-IDF of words and pairs
    of words of the training texts; None where rows are no texts, or have no word. The rows are read once for both."""
    encoder, inputs = _encoder_and_inputs(run)
    return _features(encoder, inputs), _words(inputs)


def words_of(prepared: EncodedRows) -> Any | None:
    """The words that `features_and_words_of_run` gives, of what a recipe was prepared to."""
    return _words(_inputs(prepared))


def _words(rows: Any) -> Any | None:
    return terms_of(list(rows)) if len(rows) and isinstance(rows[0], str) else None


def features_of(prepared: EncodedRows) -> np.ndarray:
    """`features_of_run` of what a recipe was prepared to (`clc_text.runs.prepare`), before anything is trained."""
    if prepared.encoder.encodes_frozen:
        return prepared.train_inputs["features"].numpy()
    return _features(prepared.encoder, _inputs(prepared))


def _inputs(prepared: EncodedRows) -> Any:
    """What the encoder reads of each training text, once each."""
    task = prepared.task
    rows = task.train[task.input_column]
    return rows[:: task.per_text] if task.asked else rows


def _features(encoder: Any, rows: Any) -> np.ndarray:
    features: np.ndarray = encoder.frozen(rows).float().numpy()
    return features


def _encoder_and_inputs(run: RunDirectory) -> tuple[Any, Any]:
    """The run's fitted encoder, and what it reads of each training row."""
    recipe = run.typed_recipe()
    rows = rows_of_run(run, recipe)[run.environment()["input_column"]]
    asked = len(run.asked)
    return type(recipe.encoder).fitted.load(run.file("encoder")), rows[::asked] if asked else rows


def rows_of_run(run: RunDirectory, recipe: Any) -> Dataset:
    """The training rows, of the run's own copy, or read and checked anew where it keeps none."""
    if kept_rows(run) is not None:
        return run.data("train")
    task = load_task(recipe)
    check_sources(run, task)
    return task.train

"""The last hidden layer of a trained run, for a sample of its training rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from clc_text.analysis.corrected import corrected_labels, has_corrections
from clc_text.analysis.unfinished import newest_checkpoint
from clc_text.artifacts.run_directory import RunDirectory
from clc_text.errors import InputError
from clc_text.inference.predictor import Predictions, Predictor
from clc_text.utils.shown import printable

Advance = Callable[[int], None]


@dataclass(frozen=True)
class HiddenRows:
    """n training rows as the trained peers see them.

    Attributes:
        rows: int64 [n], numbers of the training rows, ascending, from 0.
        layers: float32 [P, n, H], each peer's last hidden layer.
        entropy: float [n], of the ensemble's prediction, in nats.
        predicted: int64 [n], the ensemble's class.
        labels: "given", and where there are any "corrected" and "true" -> int64 [n]; -1 for a row whose true class is
            not known.
        texts: [n], what stands in the input column; a sentence in its place where that is no text.
    """

    rows: np.ndarray
    layers: np.ndarray
    entropy: np.ndarray
    predicted: np.ndarray
    labels: dict[str, np.ndarray]
    texts: list[str]


def sample_rows(count: int, most: int, seed: int) -> np.ndarray:
    """int64, ascending: all rows, or `most` of them drawn from the seed."""
    if count <= most:
        return np.arange(count)
    return np.sort(np.random.default_rng(seed).choice(count, most, replace=False))


def hidden_rows(
    run: RunDirectory, sample: int, seed: int, advance: Advance = lambda rows: None, of_class: int = 0
) -> HiddenRows:
    """Encodes the sampled rows and takes the last hidden layer of every peer.

    The model is that of the end of training, or of the newest checkpoint where the run has not ended.

    Args:
        sample: at most so many rows.
        advance: called with the number of rows done since the last call.
        of_class: of a run in which several classes may hold of a row, the one whose no and yes are the labels.

    Raises:
        InputError: the run has no model or no data, or its network shows no hidden layer.
    """
    labels, per = run.labels(), max(len(run.asked), 1)
    rows = sample_rows(len(labels.given) // per, sample, seed)
    asked = rows * per + of_class
    predictor = Predictor(run, block=1024, model=None if run.complete else newest_checkpoint(run))
    column = run.environment()["input_column"]
    inputs = run.data().select(asked)[column]
    blocks: list[Predictions] = []
    for block in predictor.blocks(inputs, hidden=True):
        if block.hidden is None:
            raise InputError(
                f"the network '{predictor.recipe.network.name}' of {run.path} shows no hidden layer",
                where=run.path,
                key=predictor.recipe.network.name,
            )
        blocks.append(block)
        advance(block.log_probs.shape[1] // per)
    labellings = {"given": labels.given[asked]}
    if has_corrections(run):
        labellings["corrected"] = corrected_labels(run, labels).label[asked]
    if labels.true is not None:
        labellings["true"] = labels.true[asked]
    return HiddenRows(
        rows=rows,
        layers=np.concatenate([block.hidden for block in blocks if block.hidden is not None], 1),
        entropy=np.concatenate([block.entropy for block in blocks])[of_class::per],
        predicted=np.concatenate([block.classes for block in blocks])[of_class::per],
        labels=labellings,
        texts=[printable(text) if isinstance(text, str) else f"({column})" for text in inputs],
    )

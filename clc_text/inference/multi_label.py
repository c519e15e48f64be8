"""Predicting and evaluating where several classes may hold of a text: every class by itself."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from typing import Any, TypedDict, final

import numpy as np

from clc_text.artifacts.multi_label import average_precision, multi_label_scores
from clc_text.artifacts.run_directory import RunDirectory
from clc_text.errors import InputError
from clc_text.inference.predictor import Predictor
from clc_text.utils.shown import terminal
from clc_text.utils.spreadsheet import harmless
from clc_text.utils.table import Table

THRESHOLD = 0.5


def holding(log_probs: np.ndarray, asked: int) -> np.ndarray:
    """float64 [n, K], the ensemble's probability that each class holds, of log-probabilities [P, n · K, 2]."""
    probs: np.ndarray = np.exp(log_probs.astype(np.float64)).mean(0)[:, 1].reshape(-1, asked)
    return probs


def entries(run: RunDirectory, rows: Sequence[str], ids: Sequence[Any] | None, threshold: float) -> Iterator[Any]:
    """What `clc-text predict` says of each text: all classes above the threshold, and the probability of each."""
    if not 0 < threshold < 1:
        raise InputError(f"--threshold is {threshold}; give a probability between 0 and 1", key="--threshold")
    predictor, names, start = Predictor(run), run.asked, 0
    for block in predictor.blocks(rows):
        for probs in holding(block.log_probs, len(names)):
            yield {
                "row": start,
                **({} if ids is None else {"source_id": ids[start]}),
                "text": rows[start],
                "labels": [name for name, value in zip(names, probs, strict=True) if value >= threshold],
                "probabilities": {name: round(float(value), 4) for name, value in zip(names, probs, strict=True)},
            }
            start += 1


def flat(entry: dict[str, Any]) -> dict[str, Any]:
    """An entry for a table: the labels in one cell, one column for each class's probability."""
    each = {f"probability of {name}": value for name, value in entry["probabilities"].items()}
    plain = {name: value for name, value in entry.items() if name not in ("labels", "probabilities")}
    return plain | {"labels": "; ".join(entry["labels"])} | each


class ScoresOfClass(TypedDict):
    name: str
    rows: int
    precision: float
    recall: float
    f1: float


@final
class ScoresOfHeldClass(ScoresOfClass):
    """Of a class that may hold beside others."""

    average_precision: float
    confusion: list[list[int]]


@final
class MultiLabelEvaluation(TypedDict):
    """See `scores`."""

    rows: int
    multi_label: dict[str, float]
    pair_accuracy: float
    classes: list[ScoresOfHeldClass]


def scores(log_probs: np.ndarray, truth: np.ndarray, names: Sequence[str]) -> MultiLabelEvaluation:
    """What is right of predictions, in percent.

    Args:
        log_probs: [P, n · K, 2], of pairs of a text and a class.
        truth: [n, K] of 0 and 1.

    Returns:
        ``rows`` (texts), ``multi_label`` {``f1_micro``, ``f1_macro``, ``average_precision``, ``subset_accuracy``},
        ``pair_accuracy`` and ``classes`` (one entry a class: ``name``, ``rows`` of which it holds, ``precision``,
        ``recall``, ``f1``, ``average_precision``, ``confusion`` [2, 2], texts by whether it holds and is predicted, no
        before yes).
    """
    probs = holding(log_probs, len(names)).clip(1e-12, 1 - 1e-12)
    odds = np.log(probs) - np.log1p(-probs)
    said, held = odds > 0, truth > 0
    classes: list[ScoresOfHeldClass] = []
    for one, name in enumerate(names):
        right = int((said[:, one] & held[:, one]).sum())
        of_said, of_held = int(said[:, one].sum()), int(held[:, one].sum())
        classes.append(
            {
                "name": name,
                "rows": of_held,
                "precision": 100 * right / max(of_said, 1),
                "recall": 100 * right / max(of_held, 1),
                "f1": 200 * right / max(of_said + of_held, 1),
                "average_precision": 100 * average_precision(odds[:, [one]], held[:, [one]]),
                "confusion": [
                    [len(truth) - of_said - of_held + right, of_said - right],
                    [of_held - right, right],
                ],
            }
        )
    return {
        "rows": len(truth),
        "multi_label": {name: 100 * value for name, value in multi_label_scores(odds, truth).items()},
        "pair_accuracy": 100 * float((said == held).mean()),
        "classes": classes,
    }


def matrices_csv(evaluation: MultiLabelEvaluation) -> str:
    """The matrices of all classes as CSV, two lines each: where the class does not hold, and where it does."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["class", "holds", "predicted no", "predicted yes"])
    for entry in evaluation["classes"]:
        for said, counts in zip(("no", "yes"), entry["confusion"], strict=True):
            writer.writerow([harmless(entry["name"]), said, *counts])
    return text.getvalue()


def show(evaluation: MultiLabelEvaluation) -> None:
    """Prints the figures as a sentence and a table of the classes."""
    console, told = terminal(), evaluation["multi_label"]
    console.print(
        f"{evaluation['rows']:,} texts: micro F1 {told['f1_micro']:.2f} %, macro F1 {told['f1_macro']:.2f} %, mean "
        f"average precision {told['average_precision']:.2f} %, all classes of a text right "
        f"{told['subset_accuracy']:.2f} %"
    )
    rows = []
    for one in evaluation["classes"]:
        figures = (one["precision"], one["recall"], one["f1"], one["average_precision"])
        rows.append([one["name"], f"{one['rows']:,}", *(f"{figure:.1f}" for figure in figures)])
    heads = ("class", "#texts", "#precision", "#recall", "#F1", "#average precision")
    console.print(Table(heads, rows, "by class, in percent").on_screen())

"""`clc-text evaluate`: how good a trained run is on labelled rows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from clc_text.errors import InputError
from clc_text.inference import Predictor
from clc_text.run_directory import RunDirectory
from clc_text.shown import for_rich, terminal


def evaluate_run(
    run: RunDirectory, source: Path | None, column: str | None = None, label: str | None = None
) -> dict[str, Any]:
    """Figures on the run's test rows, or on those of a file, whose labels `class_numbers` reads.

    Returns:
        ``rows``, ``accuracy`` {``peers`` [P], ``ensemble``} in percent, ``ece``, ``classes`` (one entry a class:
        ``name``, ``rows``, ``precision``, ``recall``, ``f1``, in percent), ``macro_f1`` and ``confusion`` [C, C], row
        = label, column = prediction.
    """
    names = run.label_names
    if source is None:
        environment = run.environment()
        if not environment["rows"]["test"]:
            raise InputError(f"{run.path} had no test rows; name a file of labelled rows after it")
        log_probs = run.log_probs("test")
        labels = np.asarray(run.data("test")[environment["label_column"]], dtype=np.int64)
    else:
        from clc_text.prediction_file import read_labelled, read_labels, read_rows

        rows: Any
        values: Sequence[str | None]
        if run.recipe().get("modality") != "vision":
            rows, values = read_labelled(run, source, column, label)
        else:
            rows = read_rows(run, source, column)
            # Of a folder of images the subfolders are the classes.
            folders = source.is_dir()
            values = [Path(row).parent.name for row in rows] if folders else read_labels(source, label or "label")
        labels = class_numbers(values, names, f"{source}")
        log_probs = Predictor(run).predict(rows).log_probs
    return scores(log_probs, labels, names)


def class_numbers(values: Sequence[Any], names: list[str], where: str) -> np.ndarray:
    """int64 [n], the class numbers of labels, which are class names as `label_strings` writes them.

    Where no class name is a number, a column of numbers alone is one of places: 0 is the first class.

    Raises:
        InputError: a label is missing or unknown; its row is named.
    """
    from clc_text.text.datasets.reading.labels import is_number

    labels = [None if value is None else str(value) for value in values]
    by_place = not any(map(is_number, names)) and all(is_number(label) for label in labels if label is not None)
    number = {str(index) if by_place else name: index for index, name in enumerate(names)}
    found = np.empty(len(labels), dtype=np.int64)
    for row, label in enumerate(labels):
        if label is None:
            raise InputError(f"{where}, row {row + 1} has no label; leave the row out, or label it")
        if label not in number:
            places = f", nor of 0 to {len(names) - 1}" if by_place else ""
            raise InputError(f"{where}, row {row + 1}: the label '{label}' is none of {', '.join(names)}{places}")
        found[row] = number[label]
    return found


def scores(log_probs: np.ndarray, labels: np.ndarray, names: list[str]) -> dict[str, Any]:
    """The figures of `evaluate_run` from log-probabilities [P, n, C] and labels [n]."""
    import torch
    from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

    from clc_text.metrics import test_scores

    predicted = np.exp(log_probs.astype(np.float64)).mean(0).argmax(-1)
    classes = np.arange(len(names))
    precision, recall, f1, support = precision_recall_fscore_support(
        labels, predicted, labels=classes, zero_division=0.0
    )
    return {
        "rows": len(labels),
        **test_scores(torch.from_numpy(log_probs), torch.from_numpy(labels)),
        "macro_f1": 100 * float(f1[support > 0].mean()),
        "classes": [
            {
                "name": name,
                "rows": int(support[index]),
                "precision": 100 * float(precision[index]),
                "recall": 100 * float(recall[index]),
                "f1": 100 * float(f1[index]),
            }
            for index, name in enumerate(names)
        ],
        "confusion": confusion_matrix(labels, predicted, labels=classes).tolist(),
    }


def show(found: dict[str, Any]) -> None:
    """Prints the figures as tables."""
    from rich.table import Table

    console = terminal()
    peers = "  ".join(f"{value:.2f}" for value in found["accuracy"]["peers"])
    console.print(
        f"{found['rows']:,} rows: accuracy {found['accuracy']['ensemble']:.2f} % (ensemble), {peers} % (peers), "
        f"macro F1 {found['macro_f1']:.2f} %, calibration error {found['ece']:.3f}"
    )
    table = Table("class", title="by class, in percent", title_justify="left")
    for name in ("rows", "precision", "recall", "F1"):
        table.add_column(name, justify="right")
    for entry in found["classes"]:
        figures = (f"{entry[name]:.1f}" for name in ("precision", "recall", "f1"))
        table.add_row(for_rich(entry["name"]), f"{entry['rows']:,}", *figures)
    console.print(table)
    names = [entry["name"] for entry in found["classes"]]
    matrix = Table("label \\ predicted", title="confusion", title_justify="left")
    for index, name in enumerate(names):
        matrix.add_column(for_rich(name) if len(names) <= 10 else str(index), justify="right")
    for index, row in enumerate(found["confusion"]):
        cells = [f"[bold]{value}[/bold]" if column == index else str(value or "·") for column, value in enumerate(row)]
        matrix.add_row(for_rich(names[index]) if len(names) <= 10 else f"{index} {for_rich(names[index])}", *cells)
    console.print(matrix)

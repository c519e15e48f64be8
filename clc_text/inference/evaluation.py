"""`clc-text evaluate`: how good a trained run is on labelled rows."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict, final

import numpy as np

from clc_text.artifacts.run_directory import RunDirectory
from clc_text.artifacts.run_files import TestAccuracy
from clc_text.data.class_shares import ClassShares
from clc_text.errors import InputError, nearest, some_of
from clc_text.inference import multi_label
from clc_text.inference.multi_label import MultiLabelEvaluation, ScoresOfClass
from clc_text.inference.prediction_file import (
    RECIPES,
    HowToRead,
    read_held,
    read_labelled,
    read_labels,
    read_rows,
    shares_of,
)
from clc_text.inference.predictor import Predictions, Predictor
from clc_text.utils.confusions import LISTED, as_csv, worst
from clc_text.utils.shown import for_rich, terminal
from clc_text.utils.spreadsheet import harmless
from clc_text.utils.table import Strong, Table

if TYPE_CHECKING:
    from rich.table import Table as RichTable

NAMED = 10  # classes whose names stand above the columns of a confusion matrix
ALL_CLASSES = 40  # that are listed one by one


class _Scores(TypedDict):
    rows: int
    accuracy: TestAccuracy
    ece: float
    macro_f1: float
    classes: list[ScoresOfClass]
    confusion: list[list[int]]


@final
class Evaluation(_Scores, total=False):
    """See `evaluate_run`; `read_as` and what follows only of a file."""

    read_as: dict[str, str]
    left_out: int
    notes: list[str]


def evaluate_run(
    run: RunDirectory,
    source: Path | None,
    how: HowToRead | None = None,
    label_map: Mapping[str, str] | None = None,
    class_shares: Any = None,
) -> Evaluation | MultiLabelEvaluation:
    """Figures on the run's test rows, or on those rows of a file whose class `known_classes` knows.

    Args:
        how: what is asked for of the file in place of what the recipe says.
        label_map: labels of the file that are read as a class of the run.
        class_shares: how common the classes are among these rows, as `write_predictions` takes it; None: nobody knows.

    Returns:
        ``rows``, ``accuracy`` {``peers`` [P], ``ensemble``} in percent, ``ece``, ``classes`` (one entry a class:
        ``name``, ``rows``, ``precision``, ``recall``, ``f1``, in percent), ``macro_f1`` and ``confusion`` [C, C], row
        = label, column = prediction; of a file also ``read_as`` (labels that are not a class's name, and the class
        that each was read as), ``left_out`` (how many rows have no class of the run) and ``notes`` (sentences). Of a
        multi-label run `multi_label.scores`.
    """
    shares = shares_of(run, class_shares)
    if run.asked:
        if label_map:
            raise InputError(
                "--label-map is of one label a row, and in this run several classes may hold", key="--label-map"
            )
        return _of_several_classes(run, source, how or RECIPES)
    names = run.label_names
    if source is None:
        if how not in (None, RECIPES) or label_map:
            raise InputError("an option says how to read a file, and none is given; name the file")
        environment = run.environment()
        if not environment["rows"]["test"]:
            raise InputError(
                f"{run.path} had no test rows; name a file of labelled rows after it", where=run.path, key="test rows"
            )
        predictions = Predictions(run.log_probs("test"))
        labels = np.asarray(run.data("test")[environment["label_column"]], dtype=np.int64)
        return scores(_moved(predictions, shares), labels, names)

    how = how or RECIPES
    rows: Sequence[Any]
    values: Sequence[str | None]
    notes: list[str] = []
    row_name: Callable[[Sequence[int]], str] | None = None
    if run.recipe().get("modality") != "vision":
        labelled = read_labelled(run, source, how)
        rows, values, row_name = labelled.texts, labelled.labels, labelled.row_name
        notes = [f"{name} {fact}" for name, fact in labelled.facts.items()]
    else:
        rows = read_rows(run, source, how)
        # Of a folder of images the subfolders are the classes.
        folders = source.is_dir()
        values = [Path(row).parent.name for row in rows] if folders else read_labels(source, how.label or "label")
        if not label_map:
            # The datasets of images come with numbers, whose names their publishers tell: the order is theirs.
            label_map = {str(number): name for number, name in enumerate(names) if str(number) not in names}
    known = known_classes(values, names, f"{source}", label_map, row_name)
    kept = np.flatnonzero(known.numbers >= 0)
    rows = rows if len(kept) == len(rows) else [rows[index] for index in kept.tolist()]
    scored = scores(_moved(Predictor(run).predict(rows), shares), known.numbers[kept], names)
    scored["read_as"], scored["left_out"], scored["notes"] = known.read_as, known.left_out, [*notes, *known.notes]
    return scored


def _moved(predictions: Predictions, shares: ClassShares | None) -> np.ndarray:
    """float32 [P, n, C], log-probabilities, as shares of the classes have them that somebody has told."""
    return predictions.log_probs if shares is None else predictions.with_shares(shares).log_probs


def _of_several_classes(run: RunDirectory, source: Path | None, how: HowToRead) -> MultiLabelEvaluation:
    """`multi_label.scores` of the run's test texts, or of those of a file that is read as the recipe's data is."""
    asked = run.asked
    if source is None:
        environment = run.environment()
        if not environment["rows"]["test"]:
            raise InputError(
                f"{run.path} had no test rows; name a file of labelled rows after it", where=run.path, key="test rows"
            )
        truth = np.asarray(run.data("test")[environment["label_column"]], dtype=np.int64).reshape(-1, len(asked))
        return multi_label.scores(run.log_probs("test"), truth, asked)
    texts, held = read_held(run, source, asked, how)
    return multi_label.scores(Predictor(run).predict(texts).log_probs, held, asked)


@dataclass(frozen=True)
class KnownClasses:
    """Labels of a file as classes of a run.

    Attributes:
        numbers: int64 [n], -1 where a row has no class of the run.
        read_as: labels that are not a class's name, and the class that each was read as.
        left_out: how many rows have no class of the run.
        notes: sentences on both.
    """

    numbers: np.ndarray
    read_as: dict[str, str]
    left_out: int
    notes: list[str]


def known_classes(
    values: Sequence[Any],
    names: list[str],
    where: str,
    label_map: Mapping[str, str] | None = None,
    row_name: Callable[[Sequence[int]], str] | None = None,
) -> KnownClasses:
    """The classes of labels, which are class names as `label_strings` writes them.

    A number is the class of that name, or of that size (``1.0`` is ``1``), and never a place in a list of names: in
    which order somebody has numbered words, no file says.

    Args:
        label_map: labels that are read as another; those of the run, or numbers for names.
        row_name: what to call rows by their places; None: ``rows 1, 2``.

    Raises:
        InputError: no row has a class of the run, or `label_map` names none of them.
    """
    from clc_text.data.reading.labels import is_number

    for label, name in (label_map or {}).items():
        if name not in names:
            raise InputError(
                f"--label-map reads '{label[:60]}' as '{name[:60]}', which is no class{nearest(name, names)}",
                key="--label-map",
            )
    labels = [None if value is None else str(value) for value in values]
    number = {name: index for index, name in enumerate(names)}
    of_size: dict[float, list[str]] = {}
    for name in filter(is_number, names):
        of_size.setdefault(float(name), []).append(name)
    read_as: dict[str, str] = {}
    for label in dict.fromkeys(label for label in labels if label is not None):
        if label_map and label in label_map:
            read_as[label] = label_map[label]
        elif label not in number and is_number(label) and len(alike := of_size.get(float(label), [])) == 1:
            read_as[label] = alike[0]
    numbers = np.array(
        [-1 if label is None else number.get(read_as.get(label, label), -1) for label in labels], np.int64
    )
    strange = Counter(label for label, found in zip(labels, numbers, strict=True) if found < 0)
    if len(labels) and not (numbers >= 0).any():
        raise _nothing_known([label for label in strange if label is not None], names, where, is_number)
    return KnownClasses(numbers, read_as, sum(strange.values()), _notes(labels, strange, read_as, row_name))


def label_pairs(text: str | None) -> dict[str, str]:
    """What ``--label-map 0=billing,1=login`` says; a name with a comma stands in quotes, as in a CSV file.

    Raises:
        InputError: it is no list of such pairs.
    """
    pairs: dict[str, str] = {}
    for pair in next(csv.reader([text or ""]), []):
        label, equals, name = pair.partition("=")
        if not equals or label in pairs:
            raise InputError(
                f"--label-map: '{pair[:60]}' is no new pair; write it as 0=billing,1=login", key="--label-map"
            )
        pairs[label] = name
    return pairs


def _nothing_known(strange: list[str], names: list[str], where: str, is_number: Callable[[str], bool]) -> InputError:
    if not strange:
        return InputError(f"{where}: no row has a label; name their column by --label", where=where)
    shown = some_of([f"'{label[:60]}'" for label in strange], 10)
    if all(map(is_number, strange)) and not any(map(is_number, names)):
        example = ",".join(f"{label[:20]}=?" for label in sorted(strange, key=float)[:3])
        return InputError(
            f"{where}: the labels are numbers ({shown}) and the classes are words ({some_of(names, 10)}); in which "
            f"order they were numbered no file says: write it as --label-map {example} with a class for each ?",
            where=where,
        )
    return InputError(
        f"{where}: no label ({shown}) is a class of the run ({some_of(names, 10)}); name their column by --label, or "
        f"say what they mean, as --label-map '{strange[0][:60]}={names[0]}'",
        where=where,
    )


def _notes(
    labels: list[str | None],
    strange: Counter[str | None],
    read_as: dict[str, str],
    row_name: Callable[[Sequence[int]], str] | None,
) -> list[str]:
    notes = []
    if read_as:
        pairs = [f"'{label[:60]}' as '{name[:60]}'" for label, name in read_as.items()]
        notes.append(f"labels read: {some_of(pairs, 20)}")
    if strange:
        row_name = row_name or (lambda rows: f"rows {some_of([str(row + 1) for row in rows], 5)}")
        told = []
        for label, count in strange.most_common(10):
            places = [row for row, value in enumerate(labels) if value == label][:6]
            counted = "1 row" if count == 1 else f"{count:,} rows"
            what = "no label" if label is None else f"'{label[:60]}'"
            first = row_name(places[:5]) + (", …" if count > 5 else "")
            told.append(f"{what} ({counted}: {first})")
        more = f" and {len(strange) - 10} other labels" if len(strange) > 10 else ""
        total = sum(strange.values())
        counted = "1 row is" if total == 1 else f"{total:,} rows are"
        notes.append(f"{counted} left out, whose class the run does not know: {', '.join(told)}{more}")
    return notes


def scores(log_probs: np.ndarray, labels: np.ndarray, names: list[str]) -> Evaluation:
    """The figures of `evaluate_run` from log-probabilities [P, n, C] and labels [n]."""
    import torch
    from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

    from clc_text.artifacts.accuracy import test_scores

    predicted = np.exp(log_probs.astype(np.float64)).mean(0).argmax(-1)
    classes = np.arange(len(names))
    precision, recall, f1, support = precision_recall_fscore_support(
        labels, predicted, labels=classes, zero_division=0.0
    )
    tested = test_scores(torch.from_numpy(log_probs), torch.from_numpy(labels))
    return {
        "rows": len(labels),
        "accuracy": tested["accuracy"],
        "ece": tested["ece"],
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


def show(evaluation: Evaluation | MultiLabelEvaluation) -> None:
    """Prints the figures as tables; a confusion matrix that is too wide as a list of its largest entries."""
    if "multi_label" in evaluation:
        multi_label.show(evaluation)
        return
    console = terminal()
    peers = "  ".join(f"{value:.2f}" for value in evaluation["accuracy"]["peers"])
    console.print(
        f"{evaluation['rows']:,} rows: accuracy {evaluation['accuracy']['ensemble']:.2f} % (ensemble), {peers} % "
        f"(peers), macro F1 {evaluation['macro_f1']:.2f} %, calibration error {evaluation['ece']:.3f}"
    )
    for note in evaluation.get("notes", ()):
        console.print(for_rich(f"note  {note}"))
    console.print(_by_class(evaluation["classes"]))
    matrix = _confusion(evaluation, named=len(evaluation["classes"]) <= NAMED)
    if matrix.__rich_measure__(console, console.options).maximum > console.width:
        matrix = _confusion(evaluation, named=False)
    if matrix.__rich_measure__(console, console.options).maximum > console.width:
        matrix = _worst_confusions(evaluation)
    console.print(matrix)


def _by_class(entries: list[ScoresOfClass]) -> RichTable:
    """Of many classes those that are recognised worst."""
    shown, title = entries, "by class, in percent"
    if len(entries) > ALL_CLASSES:
        shown = sorted((entry for entry in entries if entry["rows"]), key=lambda entry: entry["f1"])[:LISTED]
        title = f"the {len(shown)} worst of {len(entries):,} classes, in percent (--json has all)"
    rows = []
    for entry in shown:
        figures = (entry["precision"], entry["recall"], entry["f1"])
        rows.append([entry["name"], f"{entry['rows']:,}", *(f"{figure:.1f}" for figure in figures)])
    return Table(("class", "#rows", "#precision", "#recall", "#F1"), rows, title).on_screen()


def _confusion(evaluation: Evaluation, named: bool) -> RichTable:
    """The whole matrix, its columns by name or by number."""
    names = [entry["name"] for entry in evaluation["classes"]]
    rows = []
    for index, row in enumerate(evaluation["confusion"]):
        cells = [Strong(value) if column == index else str(value or "·") for column, value in enumerate(row)]
        rows.append([names[index] if named else f"{index} {names[index]}", *cells])
    columns = names if named else [str(index) for index in range(len(names))]
    return Table(["label \\ predicted", *(f"#{name}" for name in columns)], rows, "confusion").on_screen()


def _worst_confusions(evaluation: Evaluation) -> RichTable:
    title = "the most frequent confusions (--matrix FILE.csv writes them all)"
    classes, counts, rows = evaluation["classes"], evaluation["confusion"], []
    for row, column in worst(np.array(counts)):
        share = counts[row][column] / classes[row]["rows"]
        rows.append([classes[row]["name"], classes[column]["name"], f"{counts[row][column]:,}", f"{share:.0%}"])
    return Table(("label", "predicted", "#rows", "#of the label"), rows, title).on_screen()


def matrix_csv(evaluation: Evaluation | MultiLabelEvaluation) -> str:
    """The confusion matrix as CSV; row = label, column = prediction. Of a multi-label run one of each class."""
    if "multi_label" in evaluation:
        return multi_label.matrices_csv(evaluation)
    return as_csv(
        evaluation["confusion"], [harmless(entry["name"]) for entry in evaluation["classes"]], "label \\ predicted"
    )

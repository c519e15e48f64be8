"""Labels that a run would change: how many, and which to show, never chosen by whether the change is right."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from clc_text.analysis.corrected import CorrectedLabels
from clc_text.artifacts.run_directory import RunDirectory
from clc_text.data.labels import Labels


@dataclass(frozen=True)
class Example:
    """One changed label.

    Attributes:
        row: number of the training row, from 0.
        verdict: "fixed" (now true), "broken" (was true), "wrong" (neither was nor is), "unknown".
    """

    row: int
    text: str
    given: str
    corrected: str
    true: str | None
    confidence: float
    verdict: str


@dataclass(frozen=True)
class Counts:
    """Rows in all, changed ones, and by verdict; the last three are None where no true label is known."""

    rows: int
    changed: int
    fixed: int | None
    broken: int | None
    wrong: int | None


def count_changes(labels: Labels, corrected: CorrectedLabels) -> Counts:
    rows, changed = len(labels.given), int(corrected.changed.sum())
    if labels.true is None:
        return Counts(rows, changed, None, None, None)
    known = corrected.changed & (labels.true >= 0)
    was, now = labels.given == labels.true, corrected.label == labels.true
    return Counts(rows, changed, int((known & now).sum()), int((known & was).sum()), int((known & ~was & ~now).sum()))


def choose_rows(labels: Labels, corrected: CorrectedLabels, examples: int) -> list[int]:
    """The rows to show: the surest change of every (given, corrected) pair in turn, then the second surest, ...

    So the examples differ from each other, and nothing is chosen by whether the change is right.
    """
    changed = np.flatnonzero(corrected.changed)
    ranked = changed[np.lexsort((changed, -corrected.confidence[changed].round(3)))]
    turn: dict[tuple[int, int], int] = {}
    order = []
    for place, row in enumerate(ranked.tolist()):
        pair = (int(labels.given[row]), int(corrected.label[row]))
        turn[pair] = turn.get(pair, -1) + 1
        order.append((turn[pair], place, row))
    return [row for _, _, row in sorted(order)[:examples]]


def pick_examples(run: RunDirectory, labels: Labels, corrected: CorrectedLabels, examples: int) -> list[Example]:
    """The chosen rows with their texts; a row that is no text is called by its number."""
    rows, names = choose_rows(labels, corrected, examples), run.label_names
    column = run.environment()["input_column"]
    texts = run.data().select(rows)[column] if rows else []
    picked = []
    for row, text in zip(rows, texts, strict=True):
        true = None if labels.true is None or labels.true[row] < 0 else int(labels.true[row])
        given, now = int(labels.given[row]), int(corrected.label[row])
        verdict = "unknown" if true is None else "fixed" if now == true else "broken" if given == true else "wrong"
        shown = text if isinstance(text, str) else f"({column} of row {row})"
        truth, confidence = None if true is None else names[true], float(corrected.confidence[row])
        picked.append(Example(row, shown, names[given], names[now], truth, confidence, verdict))
    return picked

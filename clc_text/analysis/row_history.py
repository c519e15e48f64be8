"""One row's history over the epochs: what the peers said of it, and what they were taught."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from clc_text.analysis.thresholds import own_thresholds
from clc_text.artifacts.run_directory import RunDirectory
from clc_text.errors import InputError


@dataclass(frozen=True)
class RowHistory:
    """A training row over the E epochs that have training dynamics, for P peers.

    Attributes:
        row: its number, from 0.
        text: what stands in the input column; None where that is no text, or the run kept no data.
        given, trained: its label as given, and as training saw it (another one for a canary).
        true: None where not known.
        label_names: of the C classes.
        epochs: int [E].
        seen: bool [E].
        prediction: int [E, P].
        confidence: float [E, P], the probability of that class.
        entropy: float [E, P], in nats.
        target: int [E, P], the class that the peer was taught.
        selected: bool [E, P].
        threshold: float [E, P], the run's Γ; NaN where there was none, or where it is no entropy.
    """

    row: int
    text: str | None
    given: int
    trained: int
    true: int | None
    canary: bool
    label_names: list[str]
    epochs: np.ndarray
    seen: np.ndarray
    prediction: np.ndarray
    confidence: np.ndarray
    entropy: np.ndarray
    target: np.ndarray
    selected: np.ndarray
    threshold: np.ndarray


def row_history(run: RunDirectory, row: int) -> RowHistory:
    """Reads one row out of every epoch of the dynamics.

    Raises:
        InputError: there is no such row, or no epoch has ended.
    """
    labels, names = run.labels(), run.label_names
    count = len(labels.given)
    if not 0 <= row < count:
        raise InputError(
            f"{run.path} has no row {row}; its {count:,} training rows are 0 to {count - 1}", where=run.path, row=row
        )
    epochs = run.dynamics_epochs()
    if not epochs:
        run.dynamics()  # says in its own words that there is none
    columns: dict[str, list[np.ndarray]] = {}
    for epoch in epochs:
        record = run.dynamics(epoch)
        columns.setdefault("seen", []).append(record.seen.numpy()[row])
        for name in ("prediction", "confidence", "entropy", "target", "selected"):
            columns.setdefault(name, []).append(getattr(record, name).numpy()[:, row])
    known = own_thresholds(run).by_epoch
    peers = len(columns["prediction"][0])
    none = [np.nan] * peers
    thresholds = [known.get(epoch) or none for epoch in epochs]
    true = None if labels.true is None or labels.true[row] < 0 else int(labels.true[row])
    return RowHistory(
        row=row,
        text=_text(run, row),
        given=int(labels.given[row]),
        trained=int(labels.trained[row]),
        true=true,
        canary=bool(labels.canary[row]),
        label_names=names,
        epochs=np.array(epochs),
        threshold=np.array(thresholds, dtype=float),
        **{name: np.array(values) for name, values in columns.items()},
    )


def _text(run: RunDirectory, row: int) -> str | None:
    if not run.file("data/train.parquet").is_file():
        return None
    value = run.data()[row][run.environment()["input_column"]]
    return value if isinstance(value, str) else None


@dataclass(frozen=True)
class Stretch:
    """Consecutive epochs, places `first` to `last`, in which only confidence and entropy changed."""

    first: int
    last: int


def stretches(history: RowHistory) -> Iterator[Stretch]:
    """The history in as few stretches as its predictions, targets and selection allow."""
    first = 0
    for place in range(1, len(history.epochs) + 1):
        if place == len(history.epochs) or not _same(history, first, place):
            yield Stretch(first, place - 1)
            first = place


def _same(history: RowHistory, one: int, other: int) -> bool:
    if history.seen[one] != history.seen[other]:
        return False
    return all(
        np.array_equal(values[one], values[other]) for values in (history.prediction, history.target, history.selected)
    )

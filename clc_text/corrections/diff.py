"""What a corrected dataset changed: counts from class to class, examples, and the changed rows themselves."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from contextlib import ExitStack
from typing import IO, Any, TypedDict

import numpy as np

from clc_text.artifacts.run_files import LabelCounts, LabelSource
from clc_text.corrections.identity import RowNames, id_column_here, names_of
from clc_text.corrections.state import METHOD, SOURCES, State
from clc_text.corrections.store import Corrected
from clc_text.utils.spreadsheet import harmless

EXAMPLE_LENGTH = 300


class Example(RowNames):
    row: int
    text: str | None
    confidence: float
    corrected_at_epoch: int | None


_OfClass = TypedDict("_OfClass", {"class": str}, total=False)
_FromTo = TypedDict(
    "_FromTo",
    {
        "from": str,
        "to": str,
        "rows": int,
        "share_of_from": float,
        "sources": dict[LabelSource, int],
        "examples": list[Example],
    },
)


class Pair(_FromTo, _OfClass):
    """See `differences`."""


class Differences(TypedDict):
    """See `differences`."""

    run_id: str
    step: int
    rows: int
    changed: int
    share: float
    labels: LabelCounts
    pairs: list[Pair]


def differences(corrected: Corrected, step: int | None = None, examples: int = 2) -> Differences:
    """The changes from the given labels to the current ones, or those that one step made.

    Args:
        step: show what this step changed; None: what is changed now.
        examples: rows shown of each pair of classes, the surest first.

    Returns:
        ``run_id``, ``step``, ``rows``, ``changed``, ``share``, ``labels`` {given, method, person} and ``pairs``, the
        most frequent first: ``from``, ``to``, ``rows``, ``share_of_from``, ``sources`` {given, method, person},
        ``examples`` [{``row``, ``text``, ``confidence``, ``corrected_at_epoch``, and where known ``source_id`` and
        ``source_row``}]. Where several classes may hold of a text, each stands by itself, named by ``class``, and
        ``from`` and ``to`` are no and yes.
    """
    after, before = _labels(corrected, step)
    names, asked = corrected.facts["label_names"], corrected.run.asked
    classes = len(names)
    rows = np.flatnonzero(after.label != before)
    # From which class to which, for each class that is asked.
    origins = np.arange(len(before)) % max(len(asked), 1) * classes + before
    pair = origins[rows] * classes + after.label[rows]
    counts = np.bincount(pair)
    of_origin = np.bincount(origins)
    # Sorted by pair, and within a pair by confidence, so that every pair's examples are its first rows.
    order = rows[np.lexsort((-after.confidence[rows], pair))]
    starts = np.concatenate([[0], np.cumsum(counts)])
    pairs: list[Pair] = []
    for key in np.argsort(-counts, kind="stable")[: int((counts > 0).sum())].tolist():
        origin, target = divmod(key, classes)
        mine = order[starts[key] : starts[key + 1]]
        of: Any = {"class": asked[origin // classes]} if asked else {}
        pairs.append(
            {
                **of,
                "from": names[origin % classes],
                "to": names[target],
                "rows": int(counts[key]),
                "share_of_from": float(counts[key] / of_origin[origin]),
                "sources": dict(zip(SOURCES, np.bincount(after.source[mine], minlength=3).tolist(), strict=True)),
                "examples": _examples(after, mine[:examples]),
            }
        )
    _add_names(corrected, pairs)
    _add_texts(corrected, pairs)
    return {
        "run_id": corrected.facts["run_id"],
        "step": corrected.facts["step"] if step is None else step,
        "rows": len(after),
        "changed": len(rows),
        "share": len(rows) / max(len(after), 1),
        "labels": after.counts,
        "pairs": pairs,
    }


def _labels(corrected: Corrected, step: int | None) -> tuple[State, np.ndarray]:
    """A state, and the labels that it is compared with."""
    after = corrected.state(step)
    if step is None or step == 1:
        return after, after.given
    return after, corrected.state(step - 1).label


def _examples(state: State, rows: np.ndarray) -> list[Example]:
    return [
        {
            "row": int(row),
            "text": None,
            "confidence": round(float(state.confidence[row]), 4),
            "corrected_at_epoch": int(state.since[row]) or None,
        }
        for row in rows
    ]


def _add_names(corrected: Corrected, pairs: list[Pair]) -> None:
    shown = [example for pair in pairs for example in pair["examples"]]
    for example, called in zip(shown, names_of(corrected, _rows_of(shown)), strict=True):
        example |= called


def _rows_of(examples: list[Example]) -> np.ndarray:
    return np.array([example["row"] for example in examples], np.int64)


def _add_texts(corrected: Corrected, pairs: list[Pair]) -> None:
    shown = [example for pair in pairs for example in pair["examples"]]
    texts = corrected.inputs(_rows_of(shown))
    for example, text in zip(shown, texts, strict=True):
        if isinstance(text, str):
            example["text"] = text if len(text) <= EXAMPLE_LENGTH else text[: EXAMPLE_LENGTH - 1] + "…"


def write_changed_rows(corrected: Corrected, out: IO[str]) -> int:
    """Every row whose label is not the given one, as CSV, in the order of the rows; gives their number.

    Where several classes may hold of a text, a column `class` says which of them a row is about.
    """
    names, asked = corrected.facts["label_names"], corrected.run.asked
    column = corrected.facts["renamed"].get(corrected.facts["input_column"], corrected.facts["input_column"])
    state = corrected.state()
    keys = ["confidence", "probability_given", "entropy", "peers_agree", "corrected_at_epoch"]
    writer = csv.writer(out)
    numbers, id_column = corrected.run.labels().source_row, id_column_here(corrected)
    known = [*(["source_id"] if id_column else []), *([] if numbers is None else ["source_row"])]
    writer.writerow(["row", *known, "text", *(["class"] if asked else []), "given", "label", "source", *keys])
    written = 0
    for row, entry in _rows(
        corrected, state.changed, list(dict.fromkeys([column, *([id_column] if id_column else [])]))
    ):
        called = [entry[id_column]] if id_column else []
        called += [] if numbers is None else [int(numbers[row])]
        text = entry[column] if isinstance(entry[column], str) else ""
        figures = [
            round(float(values[row]), 4) for values in (state.confidence, state.probability_given, state.entropy)
        ]
        since = int(state.since[row]) if state.source[row] == METHOD else 0
        labels = [asked[row % len(asked)]] if asked else []
        labels += [names[state.given[row]], names[state.label[row]], SOURCES[state.source[row]]]
        texts = (harmless(value) if isinstance(value, str) else value for value in (*called, text, *labels))
        writer.writerow([row, *texts, *figures, bool(state.peers_agree[row]), since or None])
        written += 1
    return written


def _rows(corrected: Corrected, wanted: np.ndarray, columns: list[str]) -> Iterator[tuple[int, dict[str, Any]]]:
    """Some rows, bool [N]: the number of each, and what it has in these columns."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    start = 0
    with ExitStack() as stack:
        # Open ones stay readable when another command puts a new state in their place.
        for file in corrected.of_rows(lambda shards: [stack.enter_context(pq.ParquetFile(path)) for path in shards]):
            for batch in file.iter_batches(batch_size=16_384, columns=columns):
                inside = wanted[start : start + len(batch)]
                rows = np.flatnonzero(inside) + start
                yield from zip(rows.tolist(), batch.filter(pa.array(inside)).to_pylist(), strict=True)
                start += len(batch)

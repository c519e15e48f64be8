"""The rows that the page's table lists: changed labels, those that a person kept, and doubtful ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from clc_text.analysis.corrected import CorrectedLabels
from clc_text.analysis.examples import choose_rows
from clc_text.artifacts.run_directory import RunDirectory
from clc_text.data.labels import Labels
from clc_text.utils.shown import printable

if TYPE_CHECKING:
    from clc_text.corrections.store import Corrected

CHANGED, KEPT, DOUBTED = range(3)
MOST_ROWS = 20_000
MOST_DOUBTED = 500


@dataclass(frozen=True)
class ReportRows:
    """Arrays of the n listed rows, in the order in which the table first shows them.

    Attributes:
        row: int64, numbers of the training rows, from 0.
        kind: `CHANGED`; `KEPT`, a person looked and kept the given label; `DOUBTED`, nobody changed the given label,
            but it is among the most doubtful ones.
        given: int64, the given class.
        proposed: int64, the class that the label has now; for `DOUBTED` the one that the method finds most probable.
        true: int64, -1 where unknown; None where no true label is known.
        confidence: float, probability of the proposed class, mean of the peers.
        entropy: float, of the prediction, in nats.
        source: int, index into `clc_text.corrections.state.SOURCES`: who says the proposed class.
        since: int, the first epoch since which it was taught without interruption; 0: unknown.
        changed_in_all: how many labels are changed in all; more than are listed where those are too many.
        called: what the rows are called in the file that they came from, by the column's title: ids or else numbers of
            rows, those that are known.
    """

    row: np.ndarray
    kind: np.ndarray
    given: np.ndarray
    proposed: np.ndarray
    true: np.ndarray | None
    confidence: np.ndarray
    entropy: np.ndarray
    source: np.ndarray
    since: np.ndarray
    changed_in_all: int
    called: dict[str, list[str]]

    def __len__(self) -> int:
        return len(self.row)


def listed_rows(run: RunDirectory, labels: Labels, now: CorrectedLabels) -> ReportRows:
    """The surest change of every pair of classes in turn (as in Figure 7), then kept rows, then doubtful ones."""
    changed = np.array(choose_rows(labels, now, MOST_ROWS), np.int64)
    in_all = int(now.changed.sum())
    if run.file("corrected/corrected.json").is_file():
        return _of_dataset(run, labels, now, changed, in_all)
    record = run.dynamics()
    entropy = record.entropy.numpy().mean(0)
    from clc_text.corrections.state import METHOD

    return ReportRows(
        row=changed,
        kind=np.full(len(changed), CHANGED),
        given=labels.given[changed],
        proposed=now.label[changed],
        true=None if labels.true is None else labels.true[changed],
        confidence=now.confidence[changed],
        entropy=entropy[changed],
        source=np.full(len(changed), METHOD),
        since=np.zeros(len(changed), np.int64),
        changed_in_all=in_all,
        called={},
    )


def _of_dataset(
    run: RunDirectory, labels: Labels, now: CorrectedLabels, changed: np.ndarray, in_all: int
) -> ReportRows:
    from clc_text.corrections.state import METHOD, PERSON
    from clc_text.corrections.store import Corrected

    corrected = Corrected(run)
    state = corrected.state()
    person = state.source == PERSON
    kept = np.flatnonzero(person & ~state.changed)[:MOST_ROWS]
    open_rows = np.flatnonzero(~state.changed & ~person)
    doubted = open_rows[np.argsort(-state.doubt[open_rows], kind="stable")][:MOST_DOUBTED]
    rows = np.concatenate([changed, kept, doubted])
    kind = np.repeat([CHANGED, KEPT, DOUBTED], [len(changed), len(kept), len(doubted)])
    unchanged = kind == DOUBTED
    return ReportRows(
        row=rows,
        kind=kind,
        given=labels.given[rows],
        proposed=np.where(unchanged, state.suggested[rows], state.label[rows]).astype(np.int64),
        true=None if labels.true is None else labels.true[rows],
        confidence=np.where(unchanged, state.confidence[rows], now.confidence[rows]),
        entropy=state.entropy[rows],
        source=np.where(unchanged, METHOD, state.source[rows]),
        since=np.where(state.suggested[rows] == state.label[rows], state.since[rows], 0),
        changed_in_all=in_all,
        called=_called(corrected, rows),
    )


def _called(corrected: Corrected, rows: np.ndarray) -> dict[str, list[str]]:
    from clc_text.corrections.identity import names_of

    names: Sequence[Mapping[str, Any]] = names_of(corrected, rows)
    for key, title in (("source_id", "Id"), ("source_row", "Row of the file")):
        if names and all(key in entry for entry in names):
            return {title: [printable(str(entry[key])) for entry in names]}
    return {}


def page_rows(rows: ReportRows) -> dict[str, Any]:
    """The arrays as the page's script reads them, without texts and images."""
    return {
        "row": rows.row.tolist(),
        "kind": rows.kind.tolist(),
        "given": rows.given.tolist(),
        "proposed": rows.proposed.tolist(),
        "true": None if rows.true is None else rows.true.tolist(),
        "confidence": _rounded(rows.confidence),
        "entropy": _rounded(rows.entropy),
        "source": rows.source.tolist(),
        "since": rows.since.tolist() if rows.since.any() else None,
        "called": rows.called,
        "changedInAll": rows.changed_in_all,
    }


def _rounded(values: np.ndarray) -> list[float]:
    rounded: list[float] = np.nan_to_num(values.astype(float)).round(3).tolist()
    return rounded

"""The labels of a corrected dataset and what is known of each, as arrays of N rows."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from clc_text.artifacts.run_files import LabelCounts, LabelSource
from clc_text.corrections.evidence import Evidence

if TYPE_CHECKING:
    import pyarrow as pa

SOURCES: tuple[LabelSource, ...] = ("given", "method", "person")
GIVEN, METHOD, PERSON = range(len(SOURCES))


@dataclass(frozen=True)
class State:
    """One state of a corrected dataset; every change makes a new one.

    Attributes:
        label: int32 [N], the current class.
        source: int8 [N], who says so: `GIVEN`, `METHOD` or `PERSON`.
        given: int32 [N], the given class; of a canary the one before it was flipped.
        suggested: int32 [N], the class that the method finds most probable beside the given one, whether or not the
            policy took it.
        confidence: float32 [N], its probability.
        probability_given: float32 [N], that of the given class.
        entropy: float32 [N], of the class probabilities, in nats.
        peers_agree: bool [N], whether every peer's first class is the same.
        since: int32 [N], the first epoch since which training taught every peer the suggested class without
            interruption; 0 where it did not.
        true: int32 [N], -1 where unknown; None where no true label is known.
    """

    label: np.ndarray
    source: np.ndarray
    given: np.ndarray
    suggested: np.ndarray
    confidence: np.ndarray
    probability_given: np.ndarray
    entropy: np.ndarray
    peers_agree: np.ndarray
    since: np.ndarray
    true: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.label)

    @property
    def evidence(self) -> Evidence:
        """What the rule was asked about."""
        return Evidence(self.suggested, self.confidence, self.probability_given, self.entropy, self.peers_agree)

    @property
    def changed(self) -> np.ndarray:
        """bool [N], the rows whose label is not the given one."""
        return self.label != self.given

    @property
    def doubt(self) -> np.ndarray:
        """float32 [N], the probability that the given label is wrong, whatever the current one is.

        Where a person has decided: 0 for the given label, 1 for another.
        """
        decided = np.where(self.changed, 1.0, 0.0)
        return np.where(self.source == PERSON, decided, 1.0 - self.probability_given).clip(0, 1).astype(np.float32)

    @property
    def rank(self) -> np.ndarray:
        """int32 [N], 1 for the row whose given label is most probably wrong; rows of equal doubt in their own order.

        Rows that a person has answered need no other look and come last.
        """
        rank = np.empty(len(self), np.int32)
        order = np.lexsort((-self.doubt, self.source == PERSON))
        rank[order] = np.arange(1, len(self) + 1, dtype=np.int32)
        return rank

    @property
    def counts(self) -> LabelCounts:
        """Rows by who said their label."""
        given, method, person = np.bincount(self.source, minlength=len(SOURCES)).tolist()
        return {"given": given, "method": method, "person": person}

    def part(self, rows: np.ndarray) -> State:
        """Some of the rows, by their numbers."""
        arrays: dict[str, Any] = {field.name: getattr(self, field.name) for field in fields(self)}
        chosen: dict[str, Any] = {name: None if values is None else values[rows] for name, values in arrays.items()}
        return State(**chosen)

    def with_labels(self, rows: np.ndarray, labels: np.ndarray, source: int) -> State:
        """The state in which `rows` (bool [N], or row numbers) have these labels from this source."""
        label, origin = self.label.copy(), self.source.copy()
        label[rows], origin[rows] = labels, source
        return replace(self, label=label, source=origin)

    def with_given(self, rows: np.ndarray) -> State:
        """The state in which `rows` have their given labels back."""
        return self.with_labels(rows, self.given[rows], GIVEN)


def to_arrow(state: State, run_id: str) -> dict[str, pa.Array]:
    """The columns that a corrected dataset has beside the source's, by name."""
    import pyarrow as pa

    never = (state.since == 0) | (state.source != METHOD)
    columns: dict[str, Any] = {
        "label": state.label,
        "label_given": state.given,
        "label_suggested": state.suggested,
        "label_source": pa.array(np.asarray(SOURCES, dtype=object)[state.source], pa.string()),
        "confidence": state.confidence,
        "probability_given": state.probability_given,
        "entropy": state.entropy,
        "peers_agree": state.peers_agree,
        "doubt": state.doubt,
        "rank": state.rank,
        "corrected_at_epoch": pa.array(state.since, mask=never),
        "run_id": pa.array([run_id], pa.string()).take(pa.array(np.zeros(len(state), np.int32))),
    }
    if state.true is not None:
        columns["label_true"] = pa.array(state.true, mask=state.true < 0)
    return {name: column if isinstance(column, pa.Array) else pa.array(column) for name, column in columns.items()}

"""The log of corrections, `history.jsonl`: one line a step, and nothing that stands there is ever changed.

    step, action, arguments, time
    changed        rows that got another label or source
    labels         rows by who said their label, after the step
    differs        rows whose label is not the given one, after the step
    whole          whether more than labels may have changed, so that `file` keeps the whole state
    changes        [{`row`, `label` (its class number), `source`, `facts` where there are any}]: what the step set
    file           instead of `changes` where there are more than `IN_LINE` of them, the Parquet file that has them; of
                   a whole state, the one that has all of it
    made           of a whole state: how it was made (`clc_text.artifacts.run_files.Made`)

A line that has no end was being written when the machine stopped: it is no step, and the next one takes its place.
Earlier versions kept all changes in files and did not write `differs`.
"""

from __future__ import annotations

import errno
import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np

from clc_text.artifacts.run_files import CorrectedFacts, HistoryStep, LoggedChange, Made
from clc_text.corrections.state import SOURCES, State
from clc_text.corrections.stored import DAMAGE, facts_in
from clc_text.utils.files import json_lines, to_be_written
from clc_text.utils.typed_json import fault_of

LOG = "history.jsonl"
IN_LINE = 1000  # changes; a line of so many has less than 100 KB


@dataclass(frozen=True)
class Step:
    """One step to come.

    Attributes:
        action: the command that makes it.
        arguments: what it was told.
        whole: whether more than labels may have changed, so that the whole state must be kept.
        made: of a whole state, the facts of how it was made.
        facts: by row, whatever is to be remembered of the answer to it, as JSON; such a row is logged even where the
            answer leaves its label as it is.
    """

    action: str
    arguments: dict[str, Any]
    whole: bool = False
    made: Made | None = None
    facts: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class Change:
    """A label that a step has set.

    Attributes:
        label: the class number.
        source: who says so, one of `SOURCES`.
        time: of the step, ISO 8601.
        facts: what else is known of the answer.
    """

    row: int
    label: int
    source: str
    step: int
    time: str
    facts: dict[str, Any]


@dataclass(frozen=True)
class Changes:
    """The labels that one step has set: int64 [n], int32 [n], int8 [n], and facts by row."""

    rows: np.ndarray
    labels: np.ndarray
    sources: np.ndarray
    facts: dict[int, dict[str, Any]]

    def each(self, entry: HistoryStep) -> Iterator[Change]:
        """One by one; `entry` is the step."""
        for row, label, source in zip(self.rows.tolist(), self.labels.tolist(), self.sources.tolist(), strict=True):
            yield Change(row, label, SOURCES[source], entry["step"], entry["time"], self.facts.get(row, {}))

    def check(self, rows: int, classes: int) -> Changes:
        """That rows, classes and sources are such."""
        for name, values, most in (("row", self.rows, rows), ("label", self.labels, classes)):
            if len(values) and not (values.min() >= 0 and values.max() < most):
                raise ValueError(f"`{name}` has a number that is not from 0 to {most - 1}")
        if len(self.sources) and not (self.sources.min() >= 0 and self.sources.max() < len(SOURCES)):
            raise ValueError("`source` has a number that stands for nobody")
        return self


@dataclass(frozen=True)
class Log:
    """The log as it was read.

    Attributes:
        torn: bytes at its end that are no whole line.
    """

    steps: list[HistoryStep]
    torn: int

    @classmethod
    def read(cls, path: Path, least: int = 1, settled: bool = True) -> Log:
        """
        Args:
            least: so many steps are known to have been made.
            settled: nobody is writing; otherwise what is torn may only not have been written to its end yet.

        Raises:
            ValueError: it is damaged.
        """
        content = path.read_bytes()
        torn = len(content) - (content.rfind(b"\n") + 1)
        if torn and not settled:
            raise ValueError("its last line has no end")
        steps = json_lines(content)
        for number, entry in enumerate(steps, 1):
            _check(entry, number)
        if len(steps) < max(least, 1) or not steps[0]["whole"]:
            raise ValueError(f"it has not the steps 1 to {max(least, 1)}")
        return cls(steps, torn)

    def facts_since(self, written: CorrectedFacts) -> CorrectedFacts:
        """What corrected.json would say after the last step, from what it says of an earlier one."""
        facts = written.copy()
        for entry in self.steps[written["step"] :]:
            facts |= {"step": entry["step"], "labels": entry["labels"], "changed": entry["differs"]}
            if entry["whole"]:
                facts |= entry["made"]
        return facts


def _check(entry: Any, number: int) -> None:
    if fault := fault_of(entry, HistoryStep):
        raise ValueError(f"line {number}: {fault}")
    if entry["step"] != number:
        raise ValueError(f"line {number}: it is of step {entry['step']}")
    if "file" in entry and not re.fullmatch(r"history/step-\d{4,}\.parquet", entry["file"]):
        raise ValueError(f"line {number}: `file` is no file of the history")
    needed = ("file", "made") if entry["whole"] else () if "file" in entry else ("changes", "differs")
    for name in needed:
        if name not in entry:
            raise ValueError(f"line {number}: it has no `{name}`")


def last_step_of(path: Path) -> int:
    """`step` of current.json; 0 where there is none."""
    if not path.exists():
        return 0
    return int(json.loads(path.read_text(encoding="utf-8"))["step"])


def step_in(folder: Path) -> int | None:
    """The last step of a corrected dataset; None where it cannot tell."""
    with suppress(*DAMAGE):
        return len(Log.read(folder / LOG, facts_in(folder / "corrected.json")["step"]).steps)
    return None


def entry_of(number: int, step: Step, state: State, changed: int, rows: np.ndarray) -> HistoryStep:
    """The line of a step.

    Args:
        state: after it.
        changed: rows that got another label or source.
        rows: int64 [n], those whose label the step sets.
    """
    entry: HistoryStep = {
        "step": number,
        "action": step.action,
        "arguments": step.arguments,
        "time": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "changed": changed,
        "labels": state.counts,
        "differs": int(state.changed.sum()),
        "whole": step.whole,
    }
    if step.whole or len(rows) > IN_LINE:
        entry["file"] = f"history/step-{number:04d}.parquet"
    if step.whole:
        assert step.made is not None
        entry["made"] = step.made
    elif "file" not in entry:
        entry["changes"] = [_change(row, step, state) for row in rows.tolist()]
    return entry


def _change(row: int, step: Step, state: State) -> LoggedChange:
    change: LoggedChange = {"row": row, "label": int(state.label[row]), "source": SOURCES[state.source[row]]}
    if row in step.facts:
        change["facts"] = dict(step.facts[row])
    return change


def append(path: Path, entry: HistoryStep) -> None:
    """Adds a step to the log, so that it is on the disk or not there at all; takes away what is torn at its end.

    Raises:
        Unwritable: the place cannot be written to.
    """
    line = json.dumps(entry, ensure_ascii=False).encode() + b"\n"
    with to_be_written(path), open(path, "a+b", buffering=0) as handle:
        handle.seek(0)
        end = handle.read().rfind(b"\n") + 1
        handle.truncate(end)
        try:
            if handle.write(line) < len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fsync(handle.fileno())
        except BaseException:
            handle.truncate(end)
            raise


def write_changes(path: Path, state: State, rows: np.ndarray, facts: Mapping[int, Mapping[str, Any]]) -> None:
    """The file of a step with many changes: `row`, `label`, `source`, and as JSON `facts` where there are any."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns: dict[str, Any] = {"row": rows, "label": state.label[rows], "source": state.source[rows]}
    if facts:
        known = (facts.get(row) for row in rows.tolist())
        columns["facts"] = pa.array(
            [None if one is None else json.dumps(dict(one), ensure_ascii=False) for one in known], pa.string()
        )
    pq.write_table(pa.table(columns), path, compression="zstd")


def changes_of(entry: HistoryStep) -> Changes:
    """What a line says that its step has set."""
    changes = entry["changes"]
    return Changes(
        np.array([one["row"] for one in changes], np.int64),
        np.array([one["label"] for one in changes], np.int32),
        np.array([SOURCES.index(one["source"]) for one in changes], np.int8),
        {one["row"]: one["facts"] for one in changes if "facts" in one},
    )


def changes_in(path: Path) -> Changes:
    """What a step's file says that it has set."""
    import pyarrow.parquet as pq

    table = pq.read_table(path)
    rows = table["row"].to_numpy()
    facts = table["facts"].to_pylist() if "facts" in table.column_names else []
    return Changes(
        rows,
        table["label"].to_numpy(),
        table["source"].to_numpy(),
        {row: json.loads(one) for row, one in zip(rows.tolist(), facts, strict=False) if one is not None},
    )

"""The files of `RUN/corrected` as they are read; what is raised of a damaged one is told by `is_damage`."""

from __future__ import annotations

import errno
import json
import re
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from clc_text.artifacts.run_files import CorrectedFacts, HistoryStep
from clc_text.corrections.state import State
from clc_text.utils.files import json_lines
from clc_text.utils.typed_json import fault_of

DAMAGE = (OSError, ValueError, KeyError, TypeError, IndexError, RecursionError)
_OF_DAMAGE = {None, errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.EIO}  # None: as pyarrow raises it


def is_damage(error: Exception) -> bool:
    """Whether this, raised by a function here, says that the file is damaged: not so where it may not be read."""
    return not isinstance(error, OSError) or error.errno in _OF_DAMAGE


def reason(error: Exception) -> str:
    """What is wrong with the file, in a few words."""
    if isinstance(error, FileNotFoundError):
        return "it is missing"
    if isinstance(error, KeyError):
        return f"it has no `{error.args[0]}`"
    said = (str(error).splitlines() or [type(error).__name__])[0]
    return re.sub(r"^Could not open Parquet input source '.*?': ", "", said)


def facts_in(path: Path) -> dict[str, Any]:
    """corrected.json."""
    facts = json.loads(path.read_text(encoding="utf-8"))
    if fault := fault_of(facts, CorrectedFacts):
        raise ValueError(fault)
    return dict(facts)


def step_in(folder: Path) -> int | None:
    """The step that a state is; None where it cannot tell."""
    with suppress(*DAMAGE):
        return int(facts_in(folder / "corrected.json")["step"])
    return None


def steps_in(path: Path, last: int) -> list[dict[str, Any]]:
    """history.jsonl, which has at least the steps up to `last`."""
    entries = json_lines(path.read_bytes())
    for number, entry in enumerate(entries, 1):
        if fault := fault_of(entry, HistoryStep):
            raise ValueError(f"line {number}: {fault}")
        if not re.fullmatch(r"history/step-\d{4,}\.parquet", entry["file"]):
            raise ValueError(f"line {number}: `file` is no file of the history")
        if entry["whole"] and "made" not in entry:
            raise ValueError(f"line {number}: it has no `made`")
    if [entry["step"] for entry in entries[:last]] != list(range(1, last + 1)) or not entries[0]["whole"]:
        raise ValueError(f"it has not the steps 1 to {last}")
    return entries


def shards_in(folder: Path, rows: int) -> list[Path]:
    """The files in data/, which together have so many rows."""
    import pyarrow.parquet as pq

    shards = sorted(folder.glob("train-*.parquet"))
    there = sum(pq.read_metadata(shard).num_rows for shard in shards)
    if there != rows:
        raise ValueError(f"its files have {there:,} rows instead of {rows:,}")
    return shards


def read_whole(path: Path, rows: int) -> State:
    """A step's file that keeps the whole state."""
    import pyarrow.parquet as pq

    table = pq.read_table(path)
    if len(table) != rows:
        raise ValueError(f"it has {len(table):,} rows instead of {rows:,}")
    return State(**{name: table[name].to_numpy() for name in table.column_names})


def apply_changes(path: Path, state: State) -> State:
    """The state after a step whose file keeps only the labels that it changed."""
    import pyarrow.parquet as pq

    table = pq.read_table(path)
    label, source = state.label.copy(), state.source.copy()
    rows = table["row"].to_numpy()
    label[rows], source[rows] = table["label"].to_numpy(), table["source"].to_numpy()
    return replace(state, label=label, source=source)

"""The files of `RUN/corrected` as they are read; what is raised of a damaged one is told by `is_damage`."""

from __future__ import annotations

import errno
import json
import re
from dataclasses import fields
from pathlib import Path

from clc_text.artifacts.run_files import CorrectedFacts
from clc_text.corrections.state import State
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


def facts_in(path: Path) -> CorrectedFacts:
    """corrected.json."""
    facts: CorrectedFacts = json.loads(path.read_text(encoding="utf-8"))
    if fault := fault_of(facts, CorrectedFacts):
        raise ValueError(fault)
    return facts


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


def write_whole(path: Path, state: State) -> None:
    """A step's file that keeps the whole state."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = {field.name: getattr(state, field.name) for field in fields(state)}
    table = pa.table({name: values for name, values in columns.items() if values is not None})
    pq.write_table(table, path, compression="zstd")

"""Parquet files, and folders written by `Dataset.save_to_disk`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import datasets
import pyarrow as pa
import pyarrow.parquet as parquet

from clc_text.data.reading.rows import Rows, describe_folder, rows_from_table
from clc_text.data.task import describe_file
from clc_text.errors import InputError


def read_parquet(paths: Sequence[Path], where: Path) -> Rows:
    """One Parquet file, or the shards of a folder in the order of their names."""
    tables = []
    for path in paths:
        try:
            tables.append(parquet.read_table(path, use_threads=False, partitioning=None))
        except (pa.ArrowInvalid, OSError) as error:
            reason = str(error).splitlines()[0]
            raise InputError(f"{path}: not a whole Parquet file ({reason}); was it cut off?", where=path) from None
    for path, table in zip(paths, tables, strict=True):
        if table.column_names != tables[0].column_names:
            raise InputError(
                f"{path}: its columns ({', '.join(table.column_names)}) are not those of {paths[0].name} "
                f"({', '.join(tables[0].column_names)})",
                where=path,
            )
    try:
        table = pa.concat_tables(tables, promote_options="permissive")
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise InputError(
            f"{where}: the files' columns differ in type ({str(error).splitlines()[0]})", where=where
        ) from None
    return rows_from_table(table, where, [describe_file(path) for path in paths])


def read_saved(folder: Path) -> Rows:
    """A `Dataset` saved by `save_to_disk`, memory-mapped."""
    if (folder / "dataset_dict.json").exists():
        splits = sorted(entry.name for entry in folder.iterdir() if (entry / "state.json").exists())
        named = ", ".join(str(folder / split) for split in splits)
        raise InputError(f"{folder}: a folder of several splits; name one of them: {named}", where=folder)
    try:
        saved = datasets.load_from_disk(str(folder))
    except (pa.ArrowInvalid, OSError, ValueError, KeyError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise InputError(f"{folder}: not a whole saved dataset ({reason}); save it again", where=folder) from None
    files = [entry for entry in folder.iterdir() if entry.is_file()]
    return rows_from_dataset(saved, str(folder), [describe_folder(folder, files)])


def rows_from_dataset(rows: datasets.Dataset, where: str, sources: Sequence[dict[str, Any]]) -> Rows:
    """The rows of a `datasets.Dataset`, which keeps what it says of its columns."""
    whole = rows.flatten_indices() if rows._indices is not None else rows
    return Rows(whole.data.table, whole.features, where, tuple(sources))

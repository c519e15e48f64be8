"""The rows of the dataset that a run was trained on, in its order, read in batches of Arrow tables."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from clc_text.artifacts.run_directory import RunDirectory
from clc_text.errors import InputError
from clc_text.utils.files import sha256_of_file

if TYPE_CHECKING:
    import pyarrow as pa
    from datasets import Dataset, Features

TRAIN_FILE = "data/train.parquet"
BATCH_BYTES = 32 << 20
BATCH_ROWS = 16_384
VALUE_ROWS = 2048  # an image may be large


@dataclass(frozen=True)
class SourceRows:
    """Rows that can be read any number of times.

    Attributes:
        features: of all columns of the source.
        rows: N.
        bytes: their size, about.
        read: gives the tables, each of at most so many rows as it is told.
    """

    features: Features
    rows: int
    bytes: int
    read: Callable[[int], Iterator[pa.Table]]

    def batches(self) -> Iterator[pa.Table]:
        """Tables of about 32 MB at most, so that images need no more memory than texts."""
        size = BATCH_ROWS if self.rows == 0 else min(BATCH_ROWS, max(1, BATCH_BYTES * self.rows // max(self.bytes, 1)))
        yield from self.read(size)


def from_parquet(paths: list[Path]) -> SourceRows:
    """Rows of one Parquet file, or of several shards in their order."""
    import pyarrow as pa
    import pyarrow.parquet as pq
    from datasets import Features

    def read(size: int) -> Iterator[pa.Table]:
        for path in paths:
            with pq.ParquetFile(path) as file:
                for batch in file.iter_batches(batch_size=size):
                    yield pa.Table.from_batches([batch])

    metadata = [pq.read_metadata(path) for path in paths]
    groups = [file.row_group(index) for file in metadata for index in range(file.num_row_groups)]
    features = Features.from_arrow_schema(pq.read_schema(paths[0]))
    return SourceRows(
        features, sum(file.num_rows for file in metadata), sum(group.total_byte_size for group in groups), read
    )


def values_of(paths: list[Path], column: str, rows: np.ndarray) -> list[Any]:
    """The values of one column in these rows, in the order asked for; no other column is read.

    Args:
        rows: int [n], row numbers counted through all the files.
    """
    import pyarrow.parquet as pq

    wanted = np.sort(np.unique(rows))
    values: dict[int, Any] = {}
    start = 0
    for path in paths:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=VALUE_ROWS, columns=[column]):
                inside = wanted[(wanted >= start) & (wanted < start + len(batch))]
                for row in inside.tolist():
                    values[row] = batch.column(0)[row - start].as_py()
                start += len(batch)
    return [values[row] for row in rows.tolist()]


def asked_of(values: list[Any], rows: np.ndarray, asked: list[str]) -> list[Any]:
    """Texts [n] as people are asked about them, each after the class that is meant; themselves where a row has one
    class.

    Args:
        rows: int [n], numbers of pairs of a text and a class.
        asked: K classes, () or [] without.
    """
    if not asked:
        return values
    return [f"[{asked[row % len(asked)]}?] {value}" for row, value in zip(rows.tolist(), values, strict=True)]


def from_dataset(rows: Dataset) -> SourceRows:
    """Rows of a dataset that is loaded already."""

    def read(size: int) -> Iterator[pa.Table]:
        yield from rows.with_format("arrow").iter(batch_size=size)

    return SourceRows(rows.features, len(rows), rows.data.nbytes, read)


def numbered(source: SourceRows, name: str, numbers: np.ndarray) -> SourceRows:
    """The rows with one column more.

    Args:
        numbers: int64 [N], what it holds.
    """
    import pyarrow as pa
    from datasets import Features, Value

    def read(size: int) -> Iterator[pa.Table]:
        start = 0
        for table in source.read(size):
            yield table.append_column(name, pa.array(numbers[start : start + len(table)], pa.int64()))
            start += len(table)

    features = Features({**source.features, name: Value("int64")})
    return SourceRows(features, source.rows, source.bytes + 8 * source.rows, read)


def kept_rows(run: RunDirectory) -> SourceRows | None:
    """The rows that the run keeps in data/train.parquet; None where it keeps none.

    Raises:
        InputError: the file is not the one that the run wrote.
    """
    import pyarrow as pa

    path = run.file(TRAIN_FILE)
    if not path.is_file():
        return None
    recorded = run.environment().get("files", {}).get(TRAIN_FILE)
    if recorded is not None and sha256_of_file(path) != recorded:
        raise InputError(
            f"{path} was changed after the run wrote it (its sha256 is not the recorded one), so the predictions no "
            "longer belong to its rows; bring the file back or train again",
            where=path,
        )
    try:
        return from_parquet([path])
    except (pa.ArrowInvalid, OSError) as error:
        raise InputError(
            f"{path} is not readable Parquet ({error}); bring the file back or train again", where=path
        ) from None


def check_rows(run: RunDirectory, source: SourceRows) -> None:
    """Refuses rows that cannot be those of the run."""
    environment = run.environment()
    expected = environment["rows"]["train"]
    if source.rows != expected:
        raise InputError(
            f"the dataset has {source.rows:,} training rows, but {run.path} was trained on {expected:,}: it changed "
            "since; bring it back or train again",
            where=run.path,
        )
    missing = {environment["label_column"], environment["input_column"]} - set(source.features)
    if missing:
        raise InputError(
            f"the dataset has no column '{sorted(missing)[0]}', which {run.path} was trained on: it changed since; "
            "bring it back or train again",
            where=run.path,
            key=sorted(missing)[0],
        )

"""Rows as they come from a source: an Arrow table, what is known of its columns, and how a message names a row."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from datasets.table import InMemoryTable

from clc_text.data.tabular.separators import likely_separator
from clc_text.errors import InputError, nearest
from clc_text.utils.files import sha256_of_file


@dataclass(frozen=True)
class Rows:
    """A table and where it came from.

    Attributes:
        table: the rows, all columns of the source in its order.
        features: what the source says of its columns (`ClassLabel` names), otherwise what Arrow says.
        where: the file's or dataset's name, for messages.
        sources: the entries of `Task.sources`.
        noun, first: a message calls the i-th row (from 0) ``noun i+first``, as the user sees it in the file.
        numbers: int64 [N], i+first of each row where it is not that: where a row is several lines of the source.
        facts: what was settled in reading them that a user should hear of, by name.
    """

    table: pa.Table
    features: datasets.Features
    where: str
    sources: tuple[dict[str, Any], ...] = ()
    noun: str = "row"
    first: int = 1
    facts: dict[str, str] = field(default_factory=dict)
    numbers: np.ndarray | None = None

    def require(self, column: str, key: str) -> None:
        if column not in self.table.column_names:
            raise InputError(
                f"{self.where}: there is no column '{column}' for data.{key}{self.hint(column)}",
                where=self.where,
                key=f"data.{key}",
            )

    def hint(self, column: str) -> str:
        """What to do about a column that is not there."""
        separator = likely_separator(self.table.column_names)
        if separator is not None:
            name = self.table.column_names[0][:60]
            return f"; the only one is '{name}': set data.separator to {separator!r}"
        return nearest(column, self.table.column_names)

    def reaching(self, columns: Iterable[str]) -> Rows:
        """With a column for each name such as ``content.text``: the value `text` of the object in `content`."""
        table, features = self.table, dict(self.features)
        for name in columns:
            whole, *parts = name.split(".")
            if name in features or whole not in features or not parts:
                continue
            values, feature = table.column(whole), features[whole]
            for part in parts:
                kind = values.type
                if not pa.types.is_struct(kind) or kind.get_field_index(part) < 0:
                    break
                values = pc.struct_field(values, [part])
                feature = feature[part] if isinstance(feature, dict) else None
            else:
                schema = pa.schema([(name, values.type)])
                table = table.append_column(name, values)
                features[name] = feature or datasets.Features.from_arrow_schema(schema)[name]
        return replace(self, table=table, features=datasets.Features(features)) if table is not self.table else self

    def number(self, indices: Sequence[int] | np.ndarray) -> int:
        """What `row_names` calls the first of these rows by."""
        return int(indices[0]) + self.first if self.numbers is None else int(self.numbers[indices[0]])

    def row_names(self, indices: Sequence[int] | np.ndarray, shown: int = 5) -> str:
        """Such as ``rows 3, 8, 9``; of many only the first."""
        numbers = ", ".join(str(self.number([index])) for index in indices[:shown])
        more = f" and {len(indices) - shown} more" if len(indices) > shown else ""
        return f"{self.noun}{'s' if len(indices) > 1 else ''} {numbers}{more}"


def rows_from_table(table: pa.Table, path: Path, sources: Sequence[dict[str, Any]], **naming: Any) -> Rows:
    """Rows whose columns mean what the table's own schema says (Parquet written by `datasets` says it too)."""
    seen: set[str] = set()
    for name in table.column_names:
        if name in seen:
            raise InputError(f"{path}: two columns are called '{name}'; rename one of them", where=str(path), key=name)
        seen.add(name)
    for index, column in enumerate(table.schema):
        if pa.types.is_dictionary(column.type):
            table = table.set_column(index, column.name, table.column(index).cast(column.type.value_type))
        if pa.types.is_map(column.type):
            raise InputError(
                f"{path}: the column '{column.name}' holds {brief(column.type)}, for which `datasets` has no type; "
                "leave it out, or write it as text",
                where=str(path),
                key=column.name,
            )
    return Rows(table, datasets.Features.from_arrow_schema(table.schema), str(path), tuple(sources), **naming)


def brief(kind: pa.DataType) -> str:
    """A type for a message; that of an object with a thousand keys has a thousand parts."""
    text = str(kind)
    return text if len(text) <= 80 else f"{text[:79]}…"


def to_dataset(table: pa.Table, features: datasets.Features, identity: object) -> datasets.Dataset:
    """A `Dataset` around the table, its fingerprint drawn from `identity` rather than from a hash of all the data."""
    fingerprint = hashlib.sha256(repr(identity).encode()).hexdigest()[:16]
    table = table.replace_schema_metadata(None).cast(features.arrow_schema.remove_metadata())
    info = datasets.DatasetInfo(features=features)
    return datasets.Dataset(InMemoryTable(table), info=info, fingerprint=fingerprint)


def describe_folder(folder: Path, files: Sequence[Path]) -> dict[str, Any]:
    """The `sources` entry of a folder: one sha256 over the names and the sha256 of its files, sorted by name."""
    digest = hashlib.sha256()
    size = 0
    for file in sorted(files):
        digest.update(f"{file.relative_to(folder).as_posix()} {sha256_of_file(file)}\n".encode())
        size += file.stat().st_size
    return {"path": folder.name, "sha256": digest.hexdigest(), "bytes": size, "files": len(files)}

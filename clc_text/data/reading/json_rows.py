"""JSON lines, and JSON files that hold one list of objects."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO, Any

import pyarrow as pa

from clc_text.data.reading.annotation_exports import rows_of_export
from clc_text.data.reading.rows import Rows, rows_from_table
from clc_text.data.reading.text_files import open_utf8
from clc_text.data.tabular.json_shapes import rows_of_object
from clc_text.data.tabular.json_words import wrong_in_words
from clc_text.data.task import describe_file
from clc_text.errors import InputError

BATCH = 10_000


def read_json(path: Path, encoding: str, plain: Collection[str] = ()) -> Rows:
    """One object a line, or one list of objects; exports of annotation tools as `annotation_exports` reads them.

    A column whose values have no common type (a list of a number and a string, say) is kept as JSON text.

    Args:
        path: the file.
        encoding: of the file.
        plain: columns that must have one type, because a text or a class is read from them.

    Raises:
        InputError: a line is not JSON, is cut off, is not an object, or a plain column mixes types.
    """
    with open_utf8(path, encoding) as handle:
        start = handle.read(64).lstrip(b"\xef\xbb\xbf \t\r\n")
        handle.seek(0)
        table_in_one = _in_one_object(path, handle, plain) if start.startswith(b"{") else None
        if table_in_one is not None:
            objects, noun = iter(table_in_one), "entry"
        elif start.startswith(b"["):
            objects, noun = _of_list(path, handle), "entry"
        else:
            objects, noun = _of_lines(path, handle), "line"
        objects, facts = rows_of_export(objects, str(path), noun, plain)
        table = _table(path, noun, objects, plain)
    if not len(table):
        raise InputError(f"{path}: the file holds no rows", where=path)
    return rows_from_table(table, path, [describe_file(path)], noun=noun, facts=facts)


def _in_one_object(path: Path, handle: IO[bytes], plain: Collection[str]) -> list[dict[str, Any]] | None:
    """The rows of a file that is one object with a whole table in it; None, at the file's beginning, for others."""
    try:
        first = handle.readline()
        try:
            value = json.loads(first.removeprefix(b"\xef\xbb\xbf"))
            if handle.read(1):
                return None  # the first of many lines
        except ValueError:
            if path.suffix in (".jsonl", ".ndjson") or len(first) > _OPENING:
                return None
            value = json.loads(first.removeprefix(b"\xef\xbb\xbf") + handle.read())  # written with indents
    except (ValueError, RecursionError):
        return None  # said of the line that is wrong
    finally:
        handle.seek(0)
    return rows_of_object(value, str(path), plain) if isinstance(value, dict) else None


_OPENING = 100  # bytes of a first line that only opens an object


def _of_lines(path: Path, handle: IO[bytes]) -> Iterator[dict[str, Any]]:
    blank = 0
    for number, line in enumerate(handle, start=1):
        if number == 1:
            line = line.removeprefix(b"\xef\xbb\xbf")
        if not line.strip():
            blank = blank or number
            continue
        if blank:
            raise InputError(
                f"{path}: line {blank} is empty, in the middle of the file; remove it", where=str(path), row=blank
            )
        try:
            value = json.loads(line)
        except (ValueError, RecursionError) as error:
            do = "mend that line" if line.endswith(b"\n") else "the file was probably cut off there"
            raise InputError(
                f"{path}: line {number} is not JSON: {wrong_in_words(error)}; {do}", where=str(path), row=number
            ) from None
        if not isinstance(value, dict):
            raise InputError(
                f"{path}: line {number} is not an object in braces; write one object a line",
                where=str(path),
                row=number,
            )
        yield value


def _of_list(path: Path, handle: IO[bytes]) -> Iterator[dict[str, Any]]:
    try:
        values = json.loads(handle.read().decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise InputError(
            f"{path}: not JSON: {wrong_in_words(error, of_file=True)}; mend it there, or was the file cut off?",
            where=path,
        ) from None
    for number, value in enumerate(values, start=1):
        if not isinstance(value, dict):
            raise InputError(
                f"{path}: entry {number} of the list is not an object in braces", where=str(path), row=number
            )
        yield value


def _table(path: Path, noun: str, objects: Iterator[dict[str, Any]], plain: Collection[str]) -> pa.Table:
    chunks: dict[str, list[_Chunk]] = {}
    rows = 0
    while batch := list(islice(objects, BATCH)):
        names = list(dict.fromkeys([*chunks, *(name for row in batch for name in row)]))
        for name in names:
            parts = chunks.setdefault(name, [_Chunk(pa.nulls(rows))] if rows else [])
            values = [row.get(name) for row in batch]
            if name in plain:  # what pandas has for "none"
                values = [None if value != value else value for value in values]
            try:
                parts.append(_chunk(values))
            except UnicodeEncodeError as error:
                row = rows + next(index for index, value in enumerate(values, start=1) if _is_cut(value))
                half = f"\\u{ord(error.object[error.start]):04x}"
                raise InputError(
                    f"{path}: the column '{name}' in {noun} {row} holds {half}, one half of a character without the "
                    "other; the text was cut there, mend it",
                    where=str(path),
                    key=name,
                    row=row,
                ) from None
        rows += len(batch)
    columns = {}
    for name, parts in chunks.items():
        column = _common_type(parts)
        if column is None:
            if name in plain:
                raise _mixed(path, noun, name, parts)
            column = pa.chunked_array([part.as_json() for part in parts], pa.string())
        columns[name] = column
    return pa.table(columns)


@dataclass(frozen=True)
class _Chunk:
    """Some values of a column; as JSON text when they have no common type."""

    values: pa.Array
    mixed: bool = False

    def plain(self) -> list[Any]:
        values = self.values.to_pylist()
        return [None if value is None else json.loads(value) for value in values] if self.mixed else values

    def as_json(self) -> pa.Array:
        return self.values if self.mixed else _json_texts(self.values.to_pylist())


def _chunk(values: list[Any]) -> _Chunk:
    try:
        return _Chunk(pa.array(values))
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
        return _Chunk(_json_texts(values), mixed=True)


def _is_cut(value: Any) -> bool:
    """Whether text, wherever in the value, holds half of a pair of surrogates."""
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return True
    return False


def _holds_nothing(kind: pa.DataType) -> bool:
    """Whether an object without any key is in it, for which Parquet has no form."""
    if pa.types.is_struct(kind):
        return kind.num_fields == 0 or any(_holds_nothing(kind.field(index).type) for index in range(kind.num_fields))
    return pa.types.is_list(kind) and _holds_nothing(kind.value_type)


def _json_texts(values: list[Any]) -> pa.Array:
    return pa.array(
        [None if value is None else json.dumps(value, ensure_ascii=False) for value in values], pa.string()
    )


def _common_type(parts: list[_Chunk]) -> pa.ChunkedArray | None:
    if any(part.mixed for part in parts):
        return None
    try:
        schemas = [pa.schema([("column", part.values.type)]) for part in parts]
        wide = pa.unify_schemas(schemas, promote_options="permissive").field(0).type
        if _holds_nothing(wide):
            return None
        return pa.chunked_array([part.values.cast(wide) for part in parts], wide)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError):
        return None


def _mixed(path: Path, noun: str, name: str, parts: list[_Chunk]) -> InputError:
    values = enumerate((value for part in parts for value in part.plain()), start=1)
    (first, kind), *others = [(number, type(value)) for number, value in values if value is not None]
    odd, odd_kind = next(((number, other) for number, other in others if other is not kind), (0, kind))
    if not odd:  # lists or objects of unlike parts, or numbers beyond 64 bits
        return InputError(
            f"{path}: the values of the column '{name}' have no common type ({_KINDS[kind]} in {noun} {first}, and "
            "others unlike it); a text or a class is one word or number a row",
            where=str(path),
            key=name,
            row=first,
        )
    return InputError(
        f"{path}: the column '{name}' is {_KINDS[odd_kind]} in {noun} {odd} and {_KINDS[kind]} in {noun} {first}; "
        "give every row the same kind of value",
        where=str(path),
        key=name,
        row=odd,
    )


_KINDS = {str: "text", int: "a number", float: "a number", bool: "true or false", list: "a list", dict: "an object"}

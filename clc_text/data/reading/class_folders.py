"""A folder with one subfolder a class and one text file a row."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from clc_text.data.reading.rows import Rows, describe_folder, rows_from_table
from clc_text.data.reading.text_files import check_encoding
from clc_text.errors import InputError

BATCH = 10_000


def read_class_folders(folder: Path, text: str, label: str, encoding: str) -> Rows:
    """Rows sorted by class and file name, with the columns `text`, `label` and ``file`` (such as ``pos/17.txt``).

    Raises:
        InputError: no subfolder holds a text file, or a file is wrongly encoded.
    """
    files = [
        file
        for below in sorted(folder.iterdir())
        if below.is_dir() and not below.name.startswith(".")  # .ipynb_checkpoints and its like
        for file in sorted(below.iterdir())
        if file.suffix.lower() == ".txt" and file.is_file() and not file.name.startswith(".")
    ]
    if not files:
        raise InputError(
            f"{folder}: a folder of texts has one subfolder a class with .txt files in it, a saved dataset has "
            "state.json, a set of shards has .parquet files; none is here",
            where=folder,
        )
    table = pa.Table.from_batches(_batches(files, text, label, encoding))
    return rows_from_table(table, folder, [describe_folder(folder, files)])


def _batches(files: list[Path], text: str, label: str, encoding: str) -> Iterator[pa.RecordBatch]:
    for start in range(0, len(files), BATCH):
        part = files[start : start + BATCH]
        columns = {
            text: [_text(file, encoding) for file in part],
            label: [file.parent.name for file in part],
            "file": [f"{file.parent.name}/{file.name}" for file in part],
        }
        yield pa.record_batch({name: pa.array(values, pa.string()) for name, values in columns.items()})


def _text(file: Path, encoding: str) -> str:
    try:
        return file.read_text(encoding=encoding).removeprefix("\ufeff")
    except (UnicodeDecodeError, LookupError):
        check_encoding(file, encoding)  # names the line and the byte
        raise

"""Images that a user names on the command line: a folder, a table with a column of images or paths, one file."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from clc_text.errors import InputError, nearest
from clc_text.utils.files import lines_of

ENDINGS = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff")
SOURCES = "a folder of images, an image, a .txt file of paths, or a .csv or .parquet file with a column of images"


def read_images(path: Path, column: str) -> Sequence[Any]:
    """What `clc_text.vision.images.decode` takes, one a row: paths, or encoded images with their names.

    Args:
        column: of a .csv file, paths; of a .parquet file, paths or images as `datasets` stores them. A relative path
            is looked for beside the file.

    Raises:
        InputError: there is nothing there, no image in it, or no such column.
    """
    if path.is_dir():
        found = sorted(str(file) for file in path.rglob("*") if file.suffix.lower() in ENDINGS)
        if not found:
            raise InputError(f"there is no image in {path}; known are {', '.join(ENDINGS)}", where=path)
        return found
    if not path.is_file():
        raise InputError(f"there is no file or folder {path}", where=path)
    if path.suffix.lower() in ENDINGS:
        return [str(path)]
    if path.suffix == ".parquet":
        return _beside(path, _from_parquet(path, column))
    if path.suffix == ".csv":
        with open(path, encoding="utf-8-sig", newline="") as handle:
            reader = csv.DictReader(handle)
            _check(path, column, reader.fieldnames or [])
            return _beside(path, [row[column] for row in reader])
    if path.suffix == ".txt":
        lines = lines_of(path.read_text(encoding="utf-8-sig"))
        return _beside(path, [line for line in lines if line.strip()])
    raise InputError(f"{path} holds no images; give {SOURCES}", where=path)


def shown(image: Any) -> str | None:
    """What a table of predictions calls an image: its path, where it has one."""
    if isinstance(image, dict):
        image = image.get("path")
    return str(image) if isinstance(image, (str, Path)) else None


def _from_parquet(path: Path, column: str) -> list[Any]:
    from clc_text.vision.datasets.reading.tables import read_shards

    table = read_shards([path])
    _check(path, column, table.column_names)
    values: list[Any] = table[column].to_pylist()
    return values


def _check(path: Path, column: str, known: Sequence[str]) -> None:
    if column not in known:
        raise InputError(
            f"{path} has no column '{column}'{nearest(column, known)}; name it by --column", where=path, key=column
        )


def _beside(path: Path, values: Sequence[Any]) -> list[Any]:
    if not values:
        raise InputError(f"{path} has no rows", where=path)
    return [str(path.parent / value) if isinstance(value, str) else value for value in values]

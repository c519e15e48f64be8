"""Rows in, predictions out: the files of `clc-text predict`."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from clc_text.errors import InputError, nearest
from clc_text.files import written_aside
from clc_text.inference import Predictor
from clc_text.run_directory import RunDirectory

WRITABLE = (".csv", ".jsonl", ".parquet")


def read_inputs(path: Path, column: str) -> Sequence[str]:
    """The texts of a file: the named column of a table, or the lines of a .txt file.

    Raises:
        InputError: the file is missing, empty or unreadable, or has no such column.
    """
    if path.suffix == ".txt":
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            raise InputError(f"there is no file {path}") from None
        except UnicodeDecodeError as error:
            raise InputError(f"{path} is not UTF-8 (byte {error.start}); convert it first") from None
        if not lines:
            raise InputError(f"{path} is empty")
        return lines
    return [_text(path, row, value) for row, value in enumerate(read_column(path, column))]


def read_rows(run: RunDirectory, path: Path, column: str) -> Sequence[Any]:
    """What the run's encoder reads, from a file: texts, or for a run of images what `read_images` takes."""
    if run.recipe().get("modality") != "vision":
        return read_inputs(path, column)
    from clc_text.vision.inputs import read_images

    # The command line's default is the usual name for texts.
    return read_images(path, run.environment()["input_column"] if column == "text" else column)


def read_column(path: Path, column: str) -> Sequence[Any]:
    """One column of a CSV, TSV, JSON-lines or Parquet file."""
    from clc_text.text.datasets.files import Files

    table = Files(train=str(path)).read(str(path), "the file").table
    if column not in table.column_names:
        raise InputError(f"{path} has no column '{column}'{nearest(column, table.column_names)}; name it by an option")
    values: Sequence[Any] = table[column].to_pylist()
    return values


def _text(path: Path, row: int, value: Any) -> str:
    if not isinstance(value, str):
        raise InputError(f"{path}, row {row + 1}: the text is {value!r}, not a text")
    return value


def write_predictions(run: RunDirectory, rows: Sequence[Any], out: Path | None) -> int:
    """Predicts block by block and writes them; without `out`, as JSON lines to standard output. Gives their number."""
    if out is None:
        count = 0
        for entry in _entries(run, rows):
            sys.stdout.write(json.dumps(entry, ensure_ascii=False) + "\n")
            count += 1
        return count
    if out.suffix not in WRITABLE:
        raise InputError(f"{out} is none of {', '.join(WRITABLE)}; give one of these endings")
    return _write_table(_entries(run, rows), out)


def _entries(run: RunDirectory, rows: Sequence[Any]) -> Iterator[dict[str, Any]]:
    predictor = Predictor(run)
    names = predictor.label_names
    name = _image if predictor.recipe.modality == "vision" else _text_entry
    start = 0
    for block in predictor.blocks(rows):
        found = zip(block.classes, block.confidence, block.entropy, block.peers_agree, strict=True)
        for offset, (label, confidence, entropy, agree) in enumerate(found):
            yield {
                "row": start + offset,
                **name(rows[start + offset]),
                "label": names[label],
                "confidence": round(float(confidence), 4),
                "entropy": round(float(entropy), 4),
                "peers_agree": bool(agree),
            }
        start += len(block.classes)


def _text_entry(row: str) -> dict[str, str | None]:
    return {"text": row}


def _image(row: Any) -> dict[str, str | None]:
    """An image is named by its path, where it has one."""
    from clc_text.vision.inputs import shown

    return {"image": shown(row)}


def _write_table(entries: Iterator[dict[str, Any]], out: Path) -> int:
    import csv

    count = 0
    with written_aside(out) as aside:
        if out.suffix == ".parquet":
            import pyarrow as pa
            import pyarrow.parquet as pq

            table = pa.Table.from_pylist(list(entries))
            pq.write_table(table, aside)
            return int(table.num_rows)
        with open(aside, "w", encoding="utf-8", newline="") as handle:
            writer = None
            for entry in entries:
                if out.suffix == ".jsonl":
                    handle.write(json.dumps(entry, ensure_ascii=False) + "\n")
                else:
                    if writer is None:
                        writer = csv.DictWriter(handle, list(entry))
                        writer.writeheader()
                    writer.writerow(entry)
                count += 1
    return count

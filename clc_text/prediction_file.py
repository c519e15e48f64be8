"""Rows in, predictions out: the files of `clc-text predict`."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clc_text.corrections.spreadsheet import harmless_row
from clc_text.errors import InputError, nearest
from clc_text.files import lines_of, written_aside
from clc_text.inference import Predictor
from clc_text.recipe import load as load_recipe
from clc_text.run_directory import RunDirectory
from clc_text.shown import printable_json

if TYPE_CHECKING:
    from clc_text.text.datasets.files import Files
    from clc_text.text.datasets.reading.rows import Rows

WRITABLE = (".csv", ".jsonl", ".parquet")


def read_rows(run: RunDirectory, path: Path, column: str | None = None) -> Sequence[Any]:
    """What the run's encoder reads, from a file: texts, or for a run of images what `read_images` takes.

    Args:
        run: whose recipe tells how the file is read.
        path: a table, a folder of texts, or a .txt file with one text a line.
        column: the column of texts or images; None: those of the recipe.

    Raises:
        InputError: the file is missing, empty or unreadable, or has no such column.
    """
    if run.recipe().get("modality") == "vision":
        from clc_text.vision.inputs import read_images

        return read_images(path, column or run.environment()["input_column"])
    if path.suffix == ".txt" and not path.is_dir():
        return _lines(path, _reader(run, path).encoding)
    return read_labelled(run, path, column, labelled=False)[0]


def read_labelled(
    run: RunDirectory, path: Path, column: str | None = None, label: str | None = None, labelled: bool = True
) -> tuple[list[str], list[str | None]]:
    """Texts and labels of a table, read as the run's recipe reads its own data; no labels without `labelled`.

    Without `label` the labels are what the run tests on: the recipe's `true_label` where the file has it. Where the
    recipe drops rows without a label, so does this.
    """
    from clc_text.text.datasets.reading.labels import joined, label_strings

    reader = _reader(run, path, column, label)
    rows = reader.read(str(path), "the file")
    pieces = [_texts(rows, name) for name in reader.texts]
    texts = pieces[0] if len(pieces) == 1 else [" ".join(piece) for piece in zip(*pieces, strict=True)]
    if not labelled:
        return texts, []
    trusted = reader.label
    if reader.true_label is not None and reader.true_label in rows.table.column_names:
        trusted = reader.true_label
    _require(rows, trusted)
    labels = joined(label_strings(rows, trusted), reader.label_map or {}).to_pylist()
    kept = [index for index, value in enumerate(labels) if value is not None]
    if len(kept) < len(labels) and reader.unlabelled == "error":
        without = next(index for index, value in enumerate(labels) if value is None)
        raise InputError(f"{rows.where}: no label in {rows.row_names([without])} (column '{trusted}')")
    return [texts[index] for index in kept], [labels[index] for index in kept]


def read_labels(path: Path, column: str) -> list[str | None]:
    """The labels in a column of a CSV, TSV, JSON-lines or Parquet file, as `label_strings` writes them."""
    from clc_text.text.datasets.files import Files
    from clc_text.text.datasets.reading.labels import label_strings

    rows = Files(train=str(path)).read(str(path), "the file")
    _require(rows, column)
    labels: list[str | None] = label_strings(rows, column).to_pylist()
    return labels


def _reader(run: RunDirectory, path: Path, column: str | None = None, label: str | None = None) -> Files:
    """The recipe's way of reading files, with the columns that are named instead of its own."""
    from clc_text.text.datasets.columns import NamedColumns
    from clc_text.text.datasets.files import Files

    data = load_recipe(run.file("recipe.yaml")).data
    given: dict[str, Any] = {}
    if isinstance(data, NamedColumns):
        given = {name: getattr(data, name) for name in ("text", "label", "true_label", "label_map", "unlabelled")}
    if isinstance(data, Files):
        given |= {name: getattr(data, name) for name in ("encoding", "separator", "quote", "header")}
    if column is not None:
        given["text"] = column
    if label is not None:
        given |= {"label": label, "true_label": None}
    reader = Files(train=str(path), **given)
    return replace(reader, header=None) if reader.header and _has_header(reader, path) else reader


def _has_header(reader: Files, path: Path) -> bool:
    """Whether a file's first line names the columns of texts, though the recipe's own files have no such line."""
    import csv

    from clc_text.text.datasets.reading.text_files import existing, open_utf8

    ending = Path(path.stem if path.suffix == ".gz" else path.name).suffix.lower()
    if ending not in (".csv", ".tsv", ".tab") or not existing(path, "the file").is_file():
        return False
    with open_utf8(path, reader.encoding) as handle:
        line = handle.readline().decode("utf-8-sig")
    delimiter = reader.separator or ("," if ending == ".csv" else "\t")
    try:
        if reader.quote:
            first = next(csv.reader([line], delimiter=delimiter, quotechar=reader.quote), [])
        else:
            first = next(csv.reader([line], delimiter=delimiter, quoting=csv.QUOTE_NONE), [])
    except csv.Error:  # a text too long for a name
        return False
    return set(reader.texts) <= set(first)


def _lines(path: Path, encoding: str) -> list[str]:
    """One text a line."""
    from clc_text.text.datasets.reading.text_files import check_encoding

    if not path.is_file():
        raise InputError(f"there is no file {path}")
    check_encoding(path, encoding)
    text = path.read_bytes().decode(encoding).removeprefix("\ufeff")
    if not text:
        raise InputError(f"{path} is empty")
    return lines_of(text)


def _require(rows: Rows, column: str) -> None:
    if column not in rows.table.column_names:
        hint = nearest(column, rows.table.column_names)
        raise InputError(f"{rows.where} has no column '{column}'{hint}; name it by an option")


def _texts(rows: Rows, column: str) -> list[str]:
    """The column's texts; a missing one is empty, as in training."""
    _require(rows, column)
    values = ["" if value is None else value for value in rows.table[column].to_pylist()]
    for row, value in enumerate(values):
        if not isinstance(value, str):
            raise InputError(f"{rows.where}, {rows.row_names([row])}: the text is {value!r}, not a text")
    return values


def write_predictions(run: RunDirectory, rows: Sequence[Any], out: Path | None) -> int:
    """Predicts block by block and writes them; without `out`, as JSON lines to standard output. Gives their number."""
    if out is None:
        count = 0
        for entry in _entries(run, rows):
            sys.stdout.write(printable_json(entry) + "\n")
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
                    writer.writerow(harmless_row(entry))
                count += 1
    return count

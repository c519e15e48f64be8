"""Rows in, predictions out: the files of `clc-text predict`."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from clc_text.artifacts.run_directory import RunDirectory
from clc_text.data.class_shares import ClassShares, plain
from clc_text.data.columns import NamedColumns
from clc_text.data.reading.text_files import check_encoding, existing, first_line
from clc_text.data.reading.written_lists import with_lists
from clc_text.data.tabular.separators import header_names
from clc_text.data.tabular.workbook import read_workbook
from clc_text.errors import InputError
from clc_text.inference.multi_label import THRESHOLD, entries, flat
from clc_text.inference.predictor import Predictor
from clc_text.text.datasets.files import DELIMITED, WORKBOOKS, Files, ending
from clc_text.utils.files import lines_of, written_aside
from clc_text.utils.shown import printable_json
from clc_text.utils.spreadsheet import harmless_row
from clc_text.vision.inputs import read_images, shown

if TYPE_CHECKING:
    from clc_text.data.reading.rows import Rows

WRITABLE = (".csv", ".jsonl", ".parquet")


@dataclass(frozen=True)
class HowToRead:
    """What is asked for of a file in place of what the run's recipe says.

    Attributes:
        column: of texts or images.
        label: the column of labels.
        separator: the character between the columns of a CSV file.
        sheet: of a workbook.
    """

    column: str | None = None
    label: str | None = None
    separator: str | None = None
    sheet: str | None = None

    def check(self, path: Path) -> None:
        """Refuses what would not be asked of such a file.

        Raises:
            InputError: a separator of a file that is no CSV file, or a sheet of one that is no workbook.
        """
        kind = None if path.is_dir() else ending(path)
        for option, value, kinds in (
            ("--separator", self.separator, DELIMITED), ("--sheet", self.sheet, WORKBOOKS),
        ):  # fmt: skip
            if value is not None and kind not in kinds:
                raise InputError(
                    f"{option} is for {' and '.join(kinds)} files, and {path} is none; leave it out", key=option
                )


RECIPES = HowToRead()


@dataclass(frozen=True)
class Labelled:
    """Texts, their labels (None where a row has none; of a file without labels an empty list), and what to say.

    `ids` are those of the run's column of ids, None where the file has no such column.
    """

    texts: list[str]
    labels: list[str | None]
    row_name: Callable[[Sequence[int]], str]
    facts: dict[str, str]
    ids: list[Any] | None = None


def read_rows(run: RunDirectory, path: Path, how: HowToRead = RECIPES) -> Sequence[Any]:
    """What the run's encoder reads, from a file: texts, or for a run of images what `read_images` takes.

    Args:
        run: whose recipe tells how the file is read.
        path: a table, a folder of texts, or a .txt file with one text a line.

    Raises:
        InputError: the file is missing, empty or unreadable, or has no such column.
    """
    return read_named_rows(run, path, how)[0]


def read_named_rows(
    run: RunDirectory, path: Path, how: HowToRead = RECIPES
) -> tuple[Sequence[Any], Sequence[Any] | None]:
    """`read_rows`, and the rows' ids, where the file has the run's column of ids."""
    if run.recipe().get("modality") == "vision":
        how.check(path)
        return read_images(path, how.column or run.environment()["input_column"]), None
    if path.suffix == ".txt" and not path.is_dir():
        return _lines(path, _reader(run, path, how).encoding), None
    read = read_labelled(run, path, how, labelled=False)
    return read.texts, read.ids


def read_labelled(run: RunDirectory, path: Path, how: HowToRead = RECIPES, labelled: bool = True) -> Labelled:
    """Texts and labels of a table, read as the run's recipe reads its own data; no labels without `labelled`.

    Unless another column is asked for the labels are what the run tests on: the recipe's `true_label` where the file
    has it.
    """
    from clc_text.data.reading.labels import joined, label_strings

    reader = _reader(run, path, how)
    try:
        rows = reader.read(str(path), "the file").reaching(reader.plain)
    except InputError as error:
        raise error.in_words(_by_option(str(error))) from None
    facts = {name: _by_option(fact) for name, fact in rows.facts.items()}
    pieces = [_texts(rows, name) for name in reader.texts]
    texts = pieces[0] if len(pieces) == 1 else [" ".join(piece) for piece in zip(*pieces, strict=True)]
    if not labelled:
        column = run.environment().get("id_column")
        ids = rows.table[column].to_pylist() if column in rows.table.column_names else None
        return Labelled(texts, [], rows.row_names, facts, ids)
    trusted = reader.given
    if reader.true_label is not None and reader.true_label in rows.table.column_names:
        trusted = reader.true_label
    _require(rows, trusted)
    labels = joined(label_strings(rows, trusted), reader.label_map or {}).to_pylist()
    return Labelled(texts, labels, rows.row_names, facts)


def read_held(run: RunDirectory, path: Path, asked: Sequence[str], how: HowToRead) -> tuple[list[str], np.ndarray]:
    """Texts, and int64 [n, K], which of the classes hold of each: of the rows of a file that are labelled.

    Raises:
        InputError: the file names other classes, or has none.
    """
    from clc_text.data.reading.multi_label import trusted_of

    reader = _reader(run, path, how)
    try:
        rows = reader.read(str(path), "the file").reaching(reader.plain)
    except InputError as error:
        raise error.in_words(_by_option(str(error))) from None
    if len(reader.labels) == 1:
        rows = with_lists(rows, (*reader.labels, reader.true_label))
    held = trusted_of(rows, reader, list(asked))
    pieces = [_texts(rows, name) for name in reader.texts]
    kept = np.flatnonzero(held.there)
    if not len(kept):
        raise InputError(f"{path}: no row has labels", where=path)
    return [" ".join(piece[row] for piece in pieces) for row in kept.tolist()], held.held[kept].astype(np.int64)


def read_labels(path: Path, column: str) -> list[str | None]:
    """The labels in a column of any table that `Files` reads, as `label_strings` writes them."""
    from clc_text.data.reading.labels import label_strings

    rows = Files(train=str(path), text=column, label=column).read(str(path), "the file")
    _require(rows, column)
    labels: list[str | None] = label_strings(rows, column).to_pylist()
    return labels


def _reader(run: RunDirectory, path: Path, how: HowToRead) -> Files:
    """The recipe's way of reading files, with what is asked for instead."""
    how.check(path)
    data = run.typed_recipe().data
    given: dict[str, Any] = {}
    if isinstance(data, NamedColumns):
        given = {
            name: getattr(data, name) for name in ("text", "label", "task", "true_label", "label_map", "unlabelled")
        }
    if isinstance(data, Files):
        given |= {name: getattr(data, name) for name in ("encoding", "separator", "quote", "header", "sheet")}
    if how.column is not None:
        given["text"] = how.column
    if how.label is not None:
        given |= {"label": how.label, "true_label": None}
    return _as_the_file_is(Files(train=str(path), **given), path, how)


def _as_the_file_is(reader: Files, path: Path, how: HowToRead) -> Files:
    """The reader, where the file differs from the recipe's own: in its separator, its sheets, or by a header row."""
    kind = ending(path)
    if kind in WORKBOOKS and existing(path, "the file").is_file():
        if how.sheet is not None or reader.sheet is not None:
            wanted = read_workbook(path).sheets if how.sheet is None else (how.sheet,)
            own = reader.sheet if reader.sheet in wanted else None
            reader = replace(reader, sheet=how.sheet or own)
        named = reader.header is None or set(reader.texts) <= set(read_workbook(path, reader.sheet).columns)
        return replace(reader, header=None) if named else reader
    if kind not in DELIMITED or not existing(path, "the file").is_file():
        return reader
    if how.separator is not None:
        reader = replace(reader, separator=how.separator)
    by_header = replace(reader, header=None)
    separator = reader.separator if how.separator is not None else by_header.guessed(path, reader.separator)
    first = header_names(first_line(path, reader.encoding), str(separator), reader.quote)
    if set(reader.texts) <= set(first):
        return replace(by_header, separator=separator)
    return reader


def _lines(path: Path, encoding: str) -> list[str]:
    """One text a line."""
    if not path.is_file():
        raise InputError(f"there is no file {path}", where=path)
    check_encoding(path, encoding)
    text = path.read_bytes().decode(encoding).removeprefix("\ufeff")
    if not text:
        raise InputError(f"{path} is empty", where=path)
    return lines_of(text)


def _by_option(sentence: str) -> str:
    """What a recipe's reader says of its keys, said of the command's options."""
    return sentence.replace("set data.separator to", "give --separator").replace("data.sheet", "--sheet")


def _require(rows: Rows, column: str) -> None:
    if column not in rows.table.column_names:
        hint = _by_option(rows.hint(column))
        raise InputError(
            f"{rows.where} has no column '{column}'{hint}; name it by an option", where=rows.where, key=column
        )


def _texts(rows: Rows, column: str) -> list[str]:
    """The column's texts; a missing one is empty, as in training."""
    import pyarrow as pa

    from clc_text.data.reading.rows import brief

    _require(rows, column)
    kind = rows.table[column].type
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_null(kind)):
        raise InputError(
            f"{rows.where}: the column '{column}' holds {brief(kind)}, not text", where=rows.where, key=column
        )
    return ["" if value is None else value for value in rows.table[column].to_pylist()]


def write_predictions(
    run: RunDirectory,
    rows: Sequence[Any],
    out: Path | None,
    ids: Sequence[Any] | None = None,
    threshold: float | None = None,
    class_shares: Any = None,
) -> int:
    """Predicts block by block and writes them; without `out`, as JSON lines to standard output. Gives their number.

    Args:
        threshold: of a multi-label run, the probability from which a class is said to hold.
        class_shares: how common the classes are among these rows (`class_shares.plain`); all are then predicted before
            the first is written. None: nobody knows.

    Raises:
        InputError: the file's ending is none that is written, there is a threshold where a row has one class, or
            shares where several may hold, or shares that cannot be.
    """
    shares = shares_of(run, class_shares)
    if not run.asked and threshold is not None:
        raise InputError(
            f"--threshold is of runs in which several classes may hold; in {run.path} a row has one",
            where=run.path,
            key="--threshold",
        )
    if run.asked:
        lines = entries(run, rows, ids, THRESHOLD if threshold is None else threshold)
        if out is not None and out.suffix in (".csv", ".parquet"):
            lines = map(flat, lines)
    else:
        lines = _entries(run, rows, ids, shares)
    if out is None:
        count = 0
        for entry in lines:
            sys.stdout.write(printable_json(entry) + "\n")
            count += 1
        return count
    if out.suffix not in WRITABLE:
        raise InputError(f"{out} is none of {', '.join(WRITABLE)}; give one of these endings", where=out)
    return _write_table(lines, out)


def shares_of(run: RunDirectory, told: Any) -> ClassShares | None:
    """What was told of how common the classes are among some rows.

    Raises:
        InputError: several classes may hold of a row, or the shares cannot be.
    """
    if told is None:
        return None
    if run.asked:
        raise InputError(
            f"--share is of one class a row; in {run.path} several may hold", where=run.path, key="--share"
        )
    return ClassShares.of(plain(told), run.label_names)


def _entries(
    run: RunDirectory, rows: Sequence[Any], ids: Sequence[Any] | None, shares: ClassShares | None
) -> Iterator[dict[str, Any]]:
    predictor = Predictor(run)
    names = predictor.label_names
    name = _image if predictor.recipe.modality == "vision" else _text_entry
    start = 0
    blocks = predictor.blocks(rows)
    if shares is not None:
        blocks = iter([predictor.predict(rows).with_shares(shares)])
    for block in blocks:
        columns = zip(block.classes, block.confidence, block.entropy, block.peers_agree, strict=True)
        for offset, (label, confidence, entropy, agree) in enumerate(columns):
            yield {
                "row": start + offset,
                **({} if ids is None else {"source_id": ids[start + offset]}),
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

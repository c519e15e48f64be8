"""Any table or folder of texts with labels."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from clc_text.config.components import option
from clc_text.data.columns import NamedColumns
from clc_text.data.task import Task
from clc_text.data.where import Place
from clc_text.errors import InputError
from clc_text.text.datasets.base import dataset
from clc_text.utils.files import expanded

if TYPE_CHECKING:
    from clc_text.data.reading.rows import Rows

FORMATS = (
    ".csv, .tsv, .jsonl, .json (each also with .gz), .xlsx, .parquet, a folder of Parquet shards (in it or in its "
    "data/, as `clc-text correct` writes them), of class subfolders with .txt files, or one written by `save_to_disk`"
)

DELIMITED = (".csv", ".tsv", ".tab")
WORKBOOKS = (".xlsx", ".xlsm")


@dataset("files")
@dataclass(frozen=True, kw_only=True)
class Files(NamedColumns):
    """CSV, TSV, JSON lines, JSON, Excel, Parquet, a folder of class subfolders, or a saved `datasets.Dataset`."""

    train: str = option(help=f"the training rows: {FORMATS}", not_empty=True)
    test: str | None = option(None, "the test rows, in any of these formats; null: none, or a held-out test_share")
    encoding: str = option("utf-8", "the encoding of text files, for example iso-8859-1")
    separator: str | None = option(
        None, "the character between columns (\\t: a tab); null: a comma, in .tsv files a tab, or what the header has"
    )
    quote: str = option('"', "the character around values that hold separators; '': quotes mean nothing, as in GLUE")
    id: str | None = option(
        None, "the column that names a row in all that is exported; null: one called so with another value in each row"
    )
    header: list[str] | None = option(None, "the column names of a CSV, TSV or Excel file that has no header row")
    sheet: str | None = option(None, "the sheet of an Excel workbook; null: the first")
    votes: str | None = option(
        None, "a second file with a vote a line, in place of data.label: what several sources say of the training rows"
    )
    vote_row: str = option("id", "its column of the rows that are meant, by what data.id names them", not_empty=True)
    vote_source: str = option("annotator", "its column of who says it", not_empty=True)
    vote_label: str = option("label", "its column of labels", not_empty=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.separator == "\\t":  # what a shell makes of a tab: the two letters
            object.__setattr__(self, "separator", "\t")
        if self.votes is not None and self.annotator is not None:
            raise InputError(
                "data.votes has who gives a label in data.vote_source; leave data.annotator out", key="data.annotator"
            )
        if self.test is not None and self.test_share is not None:
            raise InputError("data.test and data.test_share are both set; keep one of them", key="data.test")

    @property
    def row_id(self) -> tuple[str, str | None]:
        return "id", self.id

    @property
    def vote_lines_named(self) -> bool:
        return self.votes is not None or super().vote_lines_named

    def vote_lines(self) -> tuple[Rows, tuple[str, str, str]] | None:
        if self.votes is None:
            return None
        return self.read(self.votes, "data.votes"), (self.vote_row, self.vote_source, self.vote_label)

    def places(self) -> list[Place]:
        named = {"the training rows": self.train, "the test rows": self.test, "the votes": self.votes}
        return [Place(path, expanded(path).exists(), what) for what, path in named.items() if path]

    def load(self, seed: int) -> Task:
        from clc_text.data.reading.shards import title_of
        from clc_text.data.reading.task_from_rows import task_from_rows

        train = self.read(self.train, "data.train")
        test = None if self.test is None else self.read(self.test, "data.test")
        title = self.title or title_of(expanded(self.train)) or self.name
        return task_from_rows(self, title, train, test, seed)

    def read(self, given: str, key: str) -> Rows:
        """The rows of a file or folder; `key` is what a message calls the option that names it."""
        from clc_text.data.reading.annotation_exports import of_flattened_records

        return of_flattened_records(self._read(given, key))

    def _read(self, given: str, key: str) -> Rows:
        from clc_text.data.reading.class_folders import read_class_folders
        from clc_text.data.reading.columnar import read_parquet, read_saved
        from clc_text.data.reading.delimited import read_delimited
        from clc_text.data.reading.json_rows import read_json
        from clc_text.data.reading.shards import shards_of
        from clc_text.data.reading.text_files import existing

        path = existing(given, key)
        if path.is_dir():
            if (path / "state.json").exists() or (path / "dataset_dict.json").exists():
                return read_saved(path)
            shards = shards_of(path, key.removeprefix("data."))
            if shards:
                return read_parquet(shards, path)
            if len(self.texts) > 1:
                raise InputError(
                    f"{path}: a folder of text files has one text a row; name one column in data.text",
                    where=str(path),
                    key="data.text",
                )
            return read_class_folders(path, self.texts[0], self.given, self.encoding)
        suffix = ending(path)
        if suffix in DELIMITED and key == "data.votes":
            return read_delimited(path, self._separator_of_votes(path), self.quote, None, self.encoding)
        if suffix in DELIMITED:
            separator = self.separator or self.guessed(path)
            return read_delimited(path, separator, self.quote, self.header, self.encoding, self.labels)
        if suffix in WORKBOOKS:
            from clc_text.data.reading.workbooks import read_excel

            return read_excel(path, self.sheet, self.header, self.texts, self.plain)
        if suffix in (".xls", ".xlsb", ".ods"):
            raise InputError(f"{path}: of workbooks .xlsx is read; save it as .xlsx, or the sheet as CSV", where=path)
        if suffix in (".jsonl", ".ndjson", ".json"):
            return read_json(path, self.encoding, self.plain)
        if suffix == ".parquet":
            return read_parquet([path], path)
        raise InputError(f"{path}: the name does not tell the format; known are {FORMATS}", where=path)

    def guessed(self, path: Path, usual: str | None = None) -> str:
        """The separator of a CSV or TSV file: the usual one, unless only under another the header has the texts."""
        from clc_text.data.reading.text_files import first_line
        from clc_text.data.tabular.separators import guessed_separator

        usual = usual or ("," if ending(path) == ".csv" else "\t")
        if self.header is not None:
            return usual
        return guessed_separator(first_line(path, self.encoding), usual, self.texts, self.quote)

    def likely_separator(self) -> str | None:
        """Of the training rows, where no column is known by name: that which makes the header one of most names.

        None where the usual one does, or the file has no header or no separators.
        """
        from clc_text.data.reading.text_files import existing, first_line
        from clc_text.data.tabular.separators import richest_separator

        path = existing(self.train, "data.train")
        if path.is_dir() or ending(path) not in DELIMITED or self.header is not None:
            return None
        top, usual = first_line(path, self.encoding), self.guessed(path)
        best = richest_separator(top, usual, self.quote)
        return None if best == usual else best

    def _separator_of_votes(self, path: Path) -> str:
        """Of the second file, which need not have that of the training rows: as the names of its columns tell."""
        from clc_text.data.reading.text_files import first_line
        from clc_text.data.tabular.separators import guessed_separator, header_names, richest_separator

        top, usual = first_line(path, self.encoding), self.separator or ("," if ending(path) == ".csv" else "\t")
        needed = {self.vote_row, self.vote_source, self.vote_label}
        found = guessed_separator(top, usual, needed, self.quote)
        known = needed <= set(header_names(top, found, self.quote))
        return found if known else richest_separator(top, usual, self.quote)


def ending(path: Path) -> str:
    """Of a file's name, in small letters; of a packed one (.gz) that of what is in it."""
    return Path(path.stem if path.suffix == ".gz" else path.name).suffix.lower()

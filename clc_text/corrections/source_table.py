"""The corrected rows as a table like the one that they came from.

Its columns, their order and names, the delimiter, the quotes and the encoding are the source's; the column of labels
holds the current ones, and beside it stands `<label>_given`. In CSV and TSV, which spreadsheets open, formulas are
defused.
"""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple

import numpy as np

from clc_text.artifacts.run_directory import RunDirectory
from clc_text.artifacts.unlabelled import Unlabelled
from clc_text.corrections.columns import ADDED, SOURCE_ROW
from clc_text.corrections.exported_images import is_image
from clc_text.corrections.who_said import Said, who_said
from clc_text.data.yes_no import written
from clc_text.errors import InputError
from clc_text.utils.spreadsheet import harmless

if TYPE_CHECKING:
    import pyarrow as pa
    from datasets import Features

KINDS = {
    ".csv": "delimited", ".tsv": "delimited", ".tab": "delimited", ".jsonl": "lines", ".ndjson": "lines",
    ".json": "list", ".parquet": "parquet",
}  # fmt: skip
_BATCH = 4096


@dataclass(frozen=True)
class Form:
    """How a table is written.

    Attributes:
        kind: "delimited", "lines" (of JSON), "list" (of JSON) or "parquet".
        packed: gzip.
        encoding: of text.
        separator, quote: of a delimited one; no quote: values stand as they are.
        header: whether its first row names the columns.
    """

    kind: str
    packed: bool = False
    encoding: str = "utf-8"
    separator: str = ","
    quote: str = '"'
    header: bool = True


def source_name(recipe: Mapping[str, Any]) -> str | None:
    """The name of the one file of rows that the run was trained on; None where it was no such file."""
    data = recipe.get("data", {})
    named = data.get("train") if data.get("name") == "files" else None
    return Path(named).name if isinstance(named, str) and _ending(Path(named)) in KINDS else None


def form_of(path: Path, recipe: Mapping[str, Any], names: list[str]) -> Form:
    """The form of a file so called: as the source has it where that is of the same kind.

    Args:
        names: of the classes, which the encoding must have.

    Raises:
        InputError: its ending is none of `KINDS`.
    """
    ending = _ending(path)
    if ending not in KINDS:
        raise InputError(
            f"{path}: the name does not tell the format; end it in {', '.join(KINDS)}, also with .gz", where=path
        )
    packed = path.suffix == ".gz" and ending != ".parquet"
    source = source_name(recipe)
    data = recipe.get("data", {})
    encoding = (
        data.get("encoding", "utf-8") if source is not None and KINDS[_ending(Path(source))] != "parquet" else "utf-8"
    )
    try:
        "".join(names).encode(encoding)
    except UnicodeEncodeError:  # a class that the recipe names
        encoding = "utf-8"
    separator = "," if ending == ".csv" else "\t"
    if source is not None and KINDS[_ending(Path(source))] == KINDS[ending] == "delimited":
        same = _ending(Path(source)) == ending
        return Form(
            "delimited", packed, encoding, (data.get("separator") if same else None) or separator,
            data.get("quote", '"'), not data.get("header"),
        )  # fmt: skip
    return Form(KINDS[ending], packed, encoding, separator)


class Written(NamedTuple):
    """How many rows a table has, how many of them nobody labelled, and in how many cells a formula was defused."""

    rows: int
    unlabelled: int
    defused: int


def write_source_table(
    run: RunDirectory, shards: list[Path], facts: Mapping[str, Any], path: Path, form: Form
) -> Written:
    """Writes the rows of a corrected dataset, and among them those that nobody labelled.

    Args:
        shards: its Parquet files.
        facts: its `corrected.json`.

    Raises:
        InputError: the rows hold images.
    """
    import pyarrow.parquet as pq

    plan = (_Folded if run.asked else _Plan).of(run, pq.read_schema(shards[0]), facts)
    bare, defused = 0 if plan.bare is None else len(plan.bare.number), 0
    if form.kind == "delimited":
        rows, defused = _write_delimited(plan, shards, path, form)
    else:
        writer = {"lines": _write_lines, "list": _write_list, "parquet": _write_parquet}
        rows = writer[form.kind](plan, shards, path, form)
    return Written(rows, bare, defused)


@dataclass(frozen=True)
class Bare:
    """Rows that nobody labelled, as they stand among the others.

    Attributes:
        table: with the columns of a corrected dataset that are written, `label_given` null, and `flag` true.
        number: int64 [U], rising, what the file calls them by.
        flag: the column that says of every row whether nobody labelled it.
        numbered: whether the corrected dataset has the rows' numbers, so that these find their places; else they come
            last.
    """

    table: pa.Table
    number: np.ndarray
    flag: str
    numbered: bool

    def among(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """The rows of both, in the order of the file."""
        import pyarrow as pa

        done = 0
        for batch in batches:
            named = batch.append_column(self.flag, pa.array(np.zeros(len(batch), bool)))
            table = pa.Table.from_batches([named])
            if not self.numbered:
                yield from table.to_batches()
                continue
            number = table.column(SOURCE_ROW).to_numpy()
            until = int(np.searchsorted(self.number, number[-1])) if len(number) else done
            mine = self.table.slice(done, until - done).select(table.column_names).cast(table.schema)
            order = np.argsort(np.concatenate([number, self.number[done:until]]), kind="stable")
            done = until
            yield from pa.concat_tables([table, mine]).take(pa.array(order)).combine_chunks().to_batches()
        rest = self.table.slice(done)
        if len(rest):
            yield from rest.select(table.column_names).cast(table.schema).combine_chunks().to_batches()


@dataclass(frozen=True)
class _Plan:
    """Which columns are written: their names there -> (their names here, whether class names stand for numbers).

    `said` is the name here of a column of all labels of a row, where the file has no such columns, and what gives it.
    """

    columns: dict[str, tuple[str, bool]]
    label_names: list[str]
    label_type: str
    bare: Bare | None = None
    said: tuple[str, Callable[[int], Said]] | None = None

    @classmethod
    def of(cls, run: RunDirectory, schema: pa.Schema, facts: Mapping[str, Any]) -> _Plan:
        from datasets import Features

        label = facts["label_column"]
        joined = facts["input_column"] if isinstance(run.recipe().get("data", {}).get("text"), list) else None
        there = {here: name for name, here in facts["renamed"].items()}
        features = Features.from_arrow_schema(schema)
        own = [name for name in features if name == label or (name not in ADDED and name != joined)]
        if SOURCE_ROW in own and facts.get("numbered"):
            own.remove(SOURCE_ROW)
        if any(is_image(features[name]) for name in own):
            raise InputError(f"{run.path} has images, which no table holds; use the folder corrected/", where=run.path)
        columns: dict[str, tuple[str, bool]] = {}
        for name in own:
            if name == label:
                columns[label] = ("label", True)
                columns[f"{label}_given"] = ("label_given", True)
                continue
            shown = there.get(name, name)
            while shown in columns or shown == f"{label}_given":  # it was called so by an earlier correction
                shown = f"source_{shown}"
            columns[shown] = (name, False)
        said = None if run.asked or run.recipe().get("data", {}).get("votes") is None else who_said(run)
        if said is not None:  # they stand in a file of their own
            columns[f"{label}_votes"] = (_free(f"{label}_votes", features), False)
        votes = None if said is None else (columns[f"{label}_votes"][0], said)
        bare = _bare(run, features, columns, facts, f"{label}_unlabelled", votes and votes[0])
        if bare is not None:
            columns[f"{label}_unlabelled"] = (bare.flag, False)
        kind = str(run.environment().get("label_type") or "string")
        return cls(columns, list(facts["label_names"]), kind, bare, votes)

    @property
    def header(self) -> list[str]:
        """The names of the columns, in order."""
        return list(self.columns)

    def label(self, number: int) -> Any:
        """A class as the source writes it: a number, where its labels are numbers."""
        name = self.label_names[number]
        try:
            if self.label_type.startswith(("int", "uint")):
                return int(name)
            if self.label_type.startswith(("float", "double", "halffloat")):
                return float(name)
        except ValueError:
            return name
        return name == "true" if self.label_type == "bool" and name in ("true", "false") else name

    def batches(self, shards: list[Path]) -> Iterator[pa.RecordBatch]:
        import pyarrow.parquet as pq

        needed = list(dict.fromkeys(here for here, _ in self.columns.values()))
        bare, said = self.bare, self.said
        made = {name for name in (bare and bare.flag, said and said[0]) if name}
        needed = [name for name in needed if name not in made]
        if bare is not None and bare.numbered and SOURCE_ROW not in needed:
            needed.append(SOURCE_ROW)

        def read() -> Iterator[pa.RecordBatch]:
            row = 0
            for shard in shards:
                with pq.ParquetFile(shard) as file:
                    for batch in file.iter_batches(_BATCH, columns=needed):
                        yield batch if said is None else _with_votes(batch, said, row)
                        row += len(batch)

        yield from read() if bare is None else bare.among(read())

    def rows(self, shards: list[Path]) -> Iterator[dict[str, Any]]:
        labels = [self.label(number) for number in range(len(self.label_names))]
        for batch in self.batches(shards):
            values = {
                name: [None if number is None else labels[number] for number in batch.column(here).to_pylist()]
                if is_label
                else batch.column(here).to_pylist()
                for name, (here, is_label) in self.columns.items()
            }
            for row in zip(*values.values(), strict=True):
                yield dict(zip(values, row, strict=True))


@dataclass(frozen=True)
class _Folded(_Plan):
    """Of a multi-label run: one row a text again, its classes in the form in which the source has them.

    Attributes:
        pair: how a row of the dataset names its class, its label, the label that was given and itself.
        lists: the source's column of lists; None where each class has a column.
        asked: K classes.
    """

    pair: tuple[str, str, str, str] = ("", "", "", "")
    lists: str | None = None
    asked: tuple[str, ...] = ()

    @classmethod
    def of(cls, run: RunDirectory, schema: pa.Schema, facts: Mapping[str, Any]) -> _Folded:
        plain, environment = _Plan.of(run, schema, facts), run.environment()
        label = facts["label_column"]
        named = run.recipe().get("data", {}).get("label")
        pair = (str(environment["class_column"]), label, f"{label}_given", str(environment["id_column"]))
        folded = cls(
            {}, plain.label_names, "string", pair=pair,
            lists=named if isinstance(named, str) else None, asked=tuple(run.asked),
        )  # fmt: skip
        for shown, here in plain.columns.items():
            while shown in folded.columns or shown in folded.given:  # it was called so by an earlier correction
                shown = f"source_{shown}"
            folded.columns[shown] = here
        return folded

    @property
    def given(self) -> list[str]:
        """What the columns of the given labels are called."""
        return [f"{name}_given" for name in ([self.lists] if self.lists else self.asked)]

    @property
    def header(self) -> list[str]:
        return [*(name for name in self.columns if name not in self.pair), *self.given]

    def rows(self, shards: list[Path]) -> Iterator[dict[str, Any]]:
        of_class, label, given, _ = self.pair
        header, pairs = self.header, super().rows(shards)
        while several := list(islice(pairs, len(self.asked))):
            whole = dict(several[0])
            now = {pair[of_class]: pair[label] == "yes" for pair in several}
            before = {pair[of_class]: pair[given] == "yes" for pair in several}
            if self.lists is not None:
                whole[self.lists] = [name for name in self.asked if now[name]]
                whole[f"{self.lists}_given"] = [name for name in self.asked if before[name]]
            else:
                cells = {name: whole.get(name) for name in self.asked}
                whole |= {name: written(now[name], cells[name]) for name in self.asked}
                whole |= {f"{name}_given": written(before[name], cells[name]) for name in self.asked}
            yield {name: whole[name] for name in header}

    def write_parquet(self, shards: list[Path], path: Path) -> int:
        import pyarrow as pa
        import pyarrow.parquet as pq

        rows, writer, count = self.rows(shards), None, 0
        while several := list(islice(rows, _BATCH)):
            table = pa.Table.from_pylist(several, None if writer is None else writer.schema)
            writer = writer or pq.ParquetWriter(path, table.schema, compression="zstd")
            writer.write_table(table)
            count += len(table)
        if writer is not None:
            writer.close()
        return count


def _with_votes(batch: pa.RecordBatch, said: tuple[str, Callable[[int], Said]], first: int) -> pa.RecordBatch:
    """With a column of who said what, as JSON; `first` is the number of the first row."""
    import pyarrow as pa

    name, of_row = said
    told = [json.dumps(of_row(first + place), ensure_ascii=False) for place in range(len(batch))]
    return batch.append_column(name, pa.array(told, pa.string()))


def _free(name: str, features: Mapping[str, Any]) -> str:
    """The name, or one like it, that no column has."""
    while name in features:
        name = f"{name}_"
    return name


def _bare(
    run: RunDirectory,
    features: Features,
    columns: Mapping[str, tuple[str, bool]],
    facts: Mapping[str, Any],
    flag: str,
    said: str | None,
) -> Bare | None:
    """The run's rows that nobody labelled; None where it has none."""
    import pyarrow as pa

    unlabelled = Unlabelled.of(run)
    if unlabelled is None:
        return None
    flag = _free(flag, features)
    renamed = facts["renamed"]
    there = {renamed.get(name, name): unlabelled.rows.column(name) for name in unlabelled.rows.column_names}
    there |= {
        "label": pa.chunked_array([pa.array(unlabelled.classes)]),
        "label_given": pa.chunked_array([pa.nulls(len(unlabelled.rows), pa.int64())]),
        flag: pa.chunked_array([pa.array(np.ones(len(unlabelled.rows), bool))]),
        SOURCE_ROW: there.get(SOURCE_ROW, pa.chunked_array([pa.array(unlabelled.number)])),
    }
    needed = [here for here, _ in columns.values()]
    nothing = pa.chunked_array([pa.nulls(len(unlabelled.rows), pa.string())])
    if said is not None:
        there[said] = nothing
    return Bare(
        pa.table({name: there[name] for name in dict.fromkeys([*needed, SOURCE_ROW, flag])}),
        unlabelled.number, flag, bool(facts.get("numbered")),
    )  # fmt: skip


def _write_delimited(plan: _Plan, shards: list[Path], path: Path, form: Form) -> tuple[int, int]:
    """How many rows are written, and how many cells differ from what they hold."""
    count = defused = 0
    quoting: dict[str, Any] = (
        {"quotechar": form.quote} if form.quote else {"quoting": csv.QUOTE_NONE, "quotechar": None}
    )
    with _text(path, form) as handle:
        writer = csv.writer(handle, delimiter=form.separator, lineterminator="\n", **quoting)
        if form.header:
            writer.writerow([harmless(name) for name in plan.header])
            defused += sum(harmless(name) != name for name in plan.header)
        for row in plan.rows(shards):
            cells = [_cell(value) for value in row.values()]
            writer.writerow(cells)
            count += 1
            defused += sum(isinstance(was, str) and cell != was for cell, was in zip(cells, row.values(), strict=True))
    return count, defused


def _write_lines(plan: _Plan, shards: list[Path], path: Path, form: Form) -> int:
    count = 0
    with _text(path, form) as handle:
        for row in plan.rows(shards):
            handle.write(_json(row, form) + "\n")
            count += 1
    return count


def _write_list(plan: _Plan, shards: list[Path], path: Path, form: Form) -> int:
    count = 0
    with _text(path, form) as handle:
        for row in plan.rows(shards):
            handle.write(("[\n" if count == 0 else ",\n") + _json(row, form))
            count += 1
        handle.write("[]\n" if count == 0 else "\n]\n")
    return count


def _write_parquet(plan: _Plan, shards: list[Path], path: Path, form: Form) -> int:
    import pyarrow as pa
    import pyarrow.parquet as pq
    from datasets import ClassLabel, Features, Value

    known = Features.from_arrow_schema(pq.read_schema(shards[0]))
    if plan.bare is not None:
        known[plan.bare.flag] = Value("bool")
    if plan.said is not None:
        known[plan.said[0]] = Value("string")
    if plan.label_type == "ClassLabel":
        features = Features({name: known[here] for name, (here, _) in plan.columns.items()})
        schema = features.arrow_schema
        labels = None
    else:
        labels = pa.array([plan.label(number) for number in range(len(plan.label_names))])
        plain = Features({name: known[here] for name, (here, _) in plan.columns.items()}).arrow_schema
        fields = [
            pa.field(name, labels.type if is_label else plain.field(name).type)
            for name, (_, is_label) in plan.columns.items()
        ]
        others = {name: known[here] for name, (here, is_label) in plan.columns.items() if not is_label}
        # What only `datasets` knows of the other columns is kept, where there is such.
        told = any(isinstance(feature, ClassLabel) for feature in others.values())
        schema = pa.schema(fields, plain.metadata if told else None)
    if isinstance(plan, _Folded):
        return plan.write_parquet(shards, path)
    count = 0
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for batch in plan.batches(shards):
            columns = [
                batch.column(here) if labels is None or not is_label else labels.take(batch.column(here))
                for here, is_label in plan.columns.values()
            ]
            arrays = [values.cast(field.type) for values, field in zip(columns, schema, strict=True)]
            writer.write_batch(pa.record_batch(arrays, schema=schema))
            count += len(batch)
    return count


@contextmanager
def _text(path: Path, form: Form) -> Iterator[IO[str]]:
    opened: Any = gzip.open if form.packed else open
    with opened(path, "wt", encoding=form.encoding, newline="") as handle:
        yield handle


def _json(row: dict[str, Any], form: Form) -> str:
    return json.dumps(row, ensure_ascii=form.encoding.lower() not in ("utf-8", "utf8"), default=str)


def _cell(value: Any) -> Any:
    if isinstance(value, str):
        return harmless(value)
    if isinstance(value, bool):
        return str(value).lower()
    return json.dumps(value, ensure_ascii=False, default=str) if isinstance(value, (list, dict)) else value


def _ending(path: Path) -> str:
    return Path(path.stem if path.suffix == ".gz" else path.name).suffix.lower()

"""Rows with named columns into a `Task`: the checks that every user's data goes through."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from clc_text.data.checks.names_alike import alike_in_words
from clc_text.data.columns import JOINED, NamedColumns
from clc_text.data.describe import text_facts
from clc_text.data.reading.distributions import distributions_in
from clc_text.data.reading.identity import id_column
from clc_text.data.reading.label_a_line import one_row_each
from clc_text.data.reading.labels import class_names, class_numbers, joined, label_strings
from clc_text.data.reading.multi_label import classes_in, multi_label_task
from clc_text.data.reading.rows import Rows, to_dataset
from clc_text.data.reading.several import votes_in
from clc_text.data.reading.texts import first_equal, refuse_same_file, with_text
from clc_text.data.reading.written_lists import with_lists
from clc_text.data.task import Task
from clc_text.errors import InputError

MANY_CLASSES = 20  # above it, a class for every second row means that the column is not one of labels


@dataclass(frozen=True)
class _Labelled:
    """Rows and what is read of them: labels and true labels as class names, null where there is none."""

    rows: Rows
    given: pa.ChunkedArray
    true: pa.ChunkedArray | None
    number: pa.Array  # int64, of each row in the source, as the source counts them
    without: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64))  # places of rows that nobody labels

    def filter(self, mask: Any) -> _Labelled:
        rows = replace(self.rows, table=self.rows.table.filter(mask))
        true = None if self.true is None else self.true.filter(mask)
        whole = mask.combine_chunks() if isinstance(mask, pa.ChunkedArray) else mask
        return _Labelled(rows, self.given.filter(mask), true, self.number.filter(whole))

    @property
    def trusted(self) -> pa.ChunkedArray:
        return self.given if self.true is None else self.true


def task_from_rows(columns: NamedColumns, name: str, train: Rows, test: Rows | None, seed: int) -> Task:
    """The task, its label column a `ClassLabel` and every other column as the source has it.

    Raises:
        InputError: a column is missing, holds no text or no classes, a row has no label, there are fewer than two
            rows or classes, train and test are the same file, or test has a class that train has not.
    """
    of_lists = (*columns.labels, columns.true_label) if len(columns.labels) == 1 else ()
    train = with_lists(train.reaching(columns.plain), of_lists)
    facts: dict[str, Any] = dict(train.facts)
    if test is not None:
        refuse_same_file(train, test)
        test = with_lists(test.reaching(columns.plain), of_lists)
        facts |= {f"test_{name}": fact for name, fact in test.facts.items()}
        test, _ = one_row_each(test, columns)
    train, lines = one_row_each(train, columns)
    train, input_column = with_text(train, columns, facts, "")
    named_by = id_column(train, columns)
    option, named = columns.row_id
    if named_by is not None and named is None:
        facts["id_column_guessed"] = f"'{named_by}' (data.{option} names another)"
    soft = None if columns.task == "multi_label" else distributions_in(train, columns)
    if soft is None and (held := classes_in(train, columns)) is not None:
        return multi_label_task(columns, name, (train, input_column), test, held, named_by, facts, seed)
    if soft is not None:
        train, columns = soft.rows, soft.columns
    several = votes_in(train, columns)
    if several is not None:
        train, columns = several.rows, several.columns
    apart = whole = _labelled(train, columns, facts, "", several=several is not None)
    names = columns.label_names or _names(columns, whole)
    _check_classes(whole, names, columns)
    if test is not None:
        test, _ = with_text(test, columns, facts, "test_")
        if soft is not None:
            test = soft.of_test(test)
        if several is not None:
            test = several.of_test(test)
        test_part = _labelled(test, columns, facts, "test_", trusted=True, several=several is not None)
    elif columns.test_share is not None:
        whole, test_part = _hold_out(whole, input_column, columns.test_share, seed)
    else:
        test_part = None

    key = "data.label_names" if columns.label_names else "the classes of the training rows"
    at = whole.number.to_numpy() - train.first
    given = class_numbers(whole.given, names, train, key, at)
    true = None if whole.true is None else class_numbers(whole.true, names, train, key, at)
    if sentence := alike_in_words(names):
        facts["classes_alike"] = sentence
    present = set(pc.unique(whole.given).to_pylist())
    if absent := [name for name in names if name not in present]:
        facts["classes_without_rows"] = ", ".join(absent)

    sources = train.sources + (() if several is None else several.sources)
    test_rows = None
    if test_part is not None:
        known = present | set([] if whole.true is None else pc.unique(whole.true).to_pylist())
        strange = sorted(set(pc.unique(test_part.trusted).to_pylist()) - known)
        if strange:
            shown = ", ".join(f"'{label}'" for label in strange[:5])
            raise InputError(
                f"{test_part.rows.where}: no training row has the label {shown} of the test rows; "
                "add training rows of them or take these test rows out",
                where=test_part.rows.where,
            )
        tested = train if test is None else test
        at = test_part.number.to_numpy() - tested.first
        test_numbers = class_numbers(test_part.trusted, names, tested, key, at)
        identity = (train.sources, test and test.sources, columns, seed, "test")
        test_rows = _dataset(test_part.rows, columns.given, test_numbers, names, identity)
        sources = sources if test is None else sources + test.sources
    names_of_rows = _numbers(train, lines)
    unlabelled = None
    if len(apart.without):
        bare = replace(train, table=train.table.take(pa.array(apart.without)))
        nothing = pa.chunked_array([pa.nulls(len(apart.without), pa.int64())])
        unlabelled = _dataset(bare, columns.given, nothing, names, (train.sources, columns, seed, "unlabelled"))
    train_rows = _dataset(whole.rows, columns.given, given, names, (train.sources, columns, seed, "train"))
    texts = whole.rows.table.column(input_column)
    test_texts = None if test_part is None else test_part.rows.table.column(input_column)
    facts.update(text_facts(texts, given.to_numpy(), test_texts))
    return Task(
        name=name,
        train=train_rows,
        test=test_rows,
        input_column=input_column,
        label_column=columns.given,
        true_labels=None if true is None else true.to_numpy(),
        sources=sources,
        facts=facts,
        id_column=named_by,
        source_row=names_of_rows[whole.number.to_numpy() - train.first],
        row_noun=train.noun,
        label_type=_label_type(train, columns.given),
        distribution=None if soft is None else soft.of(whole.number.to_numpy() - train.first),
        votes=None if several is None else several.of(whole.number.to_numpy() - train.first),
        unlabelled=unlabelled,
        unlabelled_row=None if unlabelled is None else names_of_rows[apart.without],
    )


def _numbers(train: Rows, lines: np.ndarray | None) -> np.ndarray:
    """int64, what the source calls each row by; `lines` are the first of each, where a row is several."""
    return np.arange(train.first, train.first + len(train.table)) if lines is None else lines


def _label_type(rows: Rows, label: str) -> str:
    names = getattr(rows.features[label], "names", None)
    return str(rows.table.schema.field(label).type) if names is None else "ClassLabel"


def _labelled(
    rows: Rows,
    columns: NamedColumns,
    facts: dict[str, Any],
    prefix: str,
    trusted: bool = False,
    several: bool = False,
) -> _Labelled:
    """The labels of the rows, rows without one dropped or refused; with `trusted` the true label stands for it.

    Args:
        several: whether the label is what several sources say, who need not speak of every row.
    """
    true_label = columns.true_label
    if trusted and true_label is not None and true_label in rows.table.column_names:
        given, key = true_label, "true_label"
    else:
        given, key = columns.given, "label"
    rows.require(given, key)
    label_map = columns.label_map or {}
    number = pa.array(np.arange(rows.first, rows.first + len(rows.table)))
    labelled = _Labelled(rows, joined(label_strings(rows, given), label_map), None, number)
    if true_label and not trusted:
        rows.require(true_label, "true_label")
        labelled = replace(labelled, true=joined(label_strings(rows, true_label), label_map))
    if labelled.given.null_count:
        without = np.flatnonzero(labelled.given.is_null().to_numpy())
        if columns.unlabelled == "error" or (columns.unlabelled is None and not several):
            joint = given == JOINED
            who = "no source speaks of them" if joint else f"column '{given}'"
            raise InputError(
                f"{rows.where}: no label in {rows.row_names(without)} ({who}); label them, or leave them out of "
                "training by --set data.unlabelled=drop, which predicts them",
                where=rows.where,
                key="data.unlabelled" if joint else given,
                row=rows.number(without),
            )
        facts[f"unlabelled_{prefix}rows_dropped"] = len(without)
        if len(without) == len(rows.table):
            who = f" (column '{given}')" if given != JOINED else ""
            raise InputError(f"{rows.where}: no row has a label{who}", where=rows.where, key=given)
    if labelled.true is not None:
        holes = pc.and_(labelled.true.is_null(), labelled.given.is_valid())
        if pc.any(holes).as_py():
            without = np.flatnonzero(holes.to_numpy())
            raise InputError(
                f"{rows.where}: no true label in {rows.row_names(without)} (column '{true_label}'); a column of true "
                "labels must be whole",
                where=rows.where,
                key=true_label,
                row=rows.number(without),
            )
    if not labelled.given.null_count:
        return labelled
    return replace(labelled.filter(labelled.given.is_valid()), without=without)


def _names(columns: NamedColumns, whole: _Labelled) -> list[str]:
    if whole.true is None or columns.true_label is None:
        names = class_names(whole.rows, [columns.given], [whole.given])
    else:
        names = class_names(whole.rows, [columns.given, columns.true_label], [whole.given, whole.true])
    gone = {name for name, kept in (columns.label_map or {}).items() if name != kept}
    return [name for name in names if name not in gone]


def _check_classes(whole: _Labelled, names: list[str], columns: NamedColumns) -> None:
    rows, where = len(whole.rows.table), whole.rows.where
    if rows < 2:
        raise InputError(f"{where}: {rows} row is too few to train on; give at least 2", where=where)
    present = pc.unique(whole.given).to_pylist()
    if len(present) < 2:
        raise InputError(
            f"{where}: every row has the label '{present[0]}'; training needs at least two classes", where=where
        )
    if len(present) > MANY_CLASSES and len(present) > rows / 2:
        raise InputError(
            f"{where}: the column '{columns.given}' has {len(present)} values in {rows} rows, so it is hardly one of "
            "labels; name the right one in data.label",
            where=where,
            key=columns.given,
        )


def _hold_out(whole: _Labelled, input_column: str, share: float, seed: int) -> tuple[_Labelled, _Labelled]:
    """Draws `share` of each class (never all of it) for testing; both parts keep the source's order.

    Equal texts go where the first of them goes: a test on a text that was trained on would say nothing.
    """
    labels = whole.trusted.combine_chunks().dictionary_encode().indices.to_numpy()
    generator = np.random.default_rng(seed)
    held = np.zeros(len(labels), dtype=bool)
    for label in range(int(labels.max()) + 1):
        members = np.flatnonzero(labels == label)
        drawn = min(int(len(members) * share + 0.5), len(members) - 1)
        held[generator.permutation(members)[:drawn]] = True
    first = first_equal(whole.rows.table.column(input_column))
    held = held[first]
    for label in range(int(labels.max()) + 1):
        if held[labels == label].all():  # by its copies alone: the first text is given back, with whatever copies
            held[first == first[np.flatnonzero(labels == label)[0]]] = False
    if not held.any():
        raise InputError(
            f"{whole.rows.where}: data.test_share={share:g} of these rows is no row; raise it",
            where=whole.rows.where,
            key="data.test_share",
        )
    return whole.filter(pa.array(~held)), whole.filter(pa.array(held))


def _dataset(rows: Rows, label: str, numbers: pa.ChunkedArray, names: list[str], identity: object) -> datasets.Dataset:
    table, features = rows.table, datasets.Features(dict(rows.features))
    features[label] = datasets.ClassLabel(names=names)
    if label in table.column_names:
        table = table.set_column(table.column_names.index(label), label, numbers)
    else:
        table = table.append_column(label, numbers)
    ordered = datasets.Features({column: features[column] for column in table.column_names})
    return to_dataset(table, ordered, identity)

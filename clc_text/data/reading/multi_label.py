"""Several classes that hold at once: a column of lists, or a column of 0 and 1 (no and yes) for each class.

Either may as well be several people's labels of one class a row, so what is not plain has to be said (`data.task`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from clc_text.data.columns import NamedColumns
from clc_text.data.describe import text_facts
from clc_text.data.folds import rarest_of
from clc_text.data.reading.annotation_exports import voters_column
from clc_text.data.reading.labels import class_names, class_numbers, joined, label_strings
from clc_text.data.reading.rows import Rows, brief, to_dataset
from clc_text.data.reading.said import is_soft
from clc_text.data.reading.texts import first_equal, with_text
from clc_text.data.task import NO_YES, Task
from clc_text.data.yes_no import said
from clc_text.errors import InputError, some_of
from clc_text.utils.memory import check_memory

ENOUGH = 10  # lists of several labels, no two of which are alike: people who label one class agree once in so many
VOTES_AGREE = 0.2  # mean correlation of columns of 0 and 1 above which they say the same thing
MOST_CLASSES = 1000
PAIRS = ("class", "holds", "pair")  # of a row that is a pair of a text and a class, see `_free`
CORRECTIONS = {"label_given", "label_source", "run_id"}  # columns of every corrected dataset


@dataclass(frozen=True)
class Held:
    """Which classes hold of each row.

    Attributes:
        names: [K].
        held: bool [N, K].
        there: bool [N], whether a row is labelled at all.
    """

    names: list[str]
    held: np.ndarray
    there: np.ndarray


def classes_in(rows: Rows, columns: NamedColumns) -> Held | None:
    """The classes that hold of each row, where several may; None where a row has one class, or votes on it.

    Raises:
        InputError: the columns may be either, and `data.task` does not say which; or they are neither.
    """
    if columns.task == "votes" or columns.vote_lines_named:
        return None
    for name in columns.labels:
        rows.require(name, "label")
    if columns.task is None and (
        voters_column(rows.table, columns.labels[0]) or any(is_soft(rows, name) for name in columns.labels)
    ):
        return None
    single = len(columns.labels) == 1
    lists = single and _is_list(rows, columns.labels[0])
    if columns.task is None and not _tells(rows, columns, lists):
        return None
    _refuse_pairs(rows, columns)
    if lists:
        strings, _row = _flat(rows, columns, columns.labels[0])
        names = columns.label_names or _names_of_lists(rows, columns, strings)
        return _of_lists(rows, columns, columns.labels[0], names, "data.label_names")
    if single:
        raise InputError(
            f"{rows.where}: data.task is multi_label, but the column '{columns.labels[0]}' holds "
            f"{brief(rows.table.column(columns.labels[0]).type)}; name a column of lists, or a column of 0 and 1 for "
            "each class",
            where=rows.where,
            key=columns.labels[0],
        )
    if columns.label_names is not None or columns.label_map:
        raise InputError(
            "data.label_names and data.label_map are of labels in one column, and data.label names a column for each "
            "class; leave them out, and name the columns in the order that the classes are to have",
            key="data.label_names",
        )
    return _of_columns(rows, columns)


def multi_label_task(
    columns: NamedColumns,
    name: str,
    train: tuple[Rows, str],
    test: Rows | None,
    held: Held,
    named_by: str | None,
    facts: dict[str, Any],
    seed: int,
) -> Task:
    """The task of pairs of a text and a class (`Task.asked`).

    Args:
        train: the rows with their texts, and the column of these.
        held: of the training rows.
        named_by: the column that names a row.

    Raises:
        InputError: a row has no labels, a class holds of no row or of all, or test rows name other classes.
    """
    rows, input_column = train
    kept, number = _labelled(rows, columns, held.there, facts, "")
    labels, true = held.held[held.there], _true(rows, columns, held)
    _check(rows, held.names, labels)
    of_test: tuple[Rows, np.ndarray] | None = None
    if test is not None:
        test, _ = with_text(test, columns, facts, "test_")
        trusted = trusted_of(test, columns, held.names)
        tested, _ = _labelled(test, columns, trusted.there, facts, "test_")
        of_test = tested, trusted.held[trusted.there]
    elif columns.test_share is not None:
        judged = labels if true is None else true
        out = _hold_out(kept, input_column, judged, columns.test_share, seed)
        of_test = _filtered(kept, out), judged[out]
        kept, labels, number = _filtered(kept, ~out), labels[~out], number[~out]
        true = None if true is None else true[~out]
    texts = kept.table.column(input_column)
    test_texts = None if of_test is None else of_test[0].table.column(input_column)
    sets = np.unique(labels, axis=0, return_inverse=True)[1].reshape(-1)
    facts |= text_facts(texts, sets, test_texts)
    facts["labels_read_as"] = (
        f"several of {len(held.names)} classes may hold of a text ({_where(columns)}), "
        f"{labels.sum(1).mean():.2f} on average; {int((~labels.any(1)).sum()):,} texts have none"
    )
    class_column, label_column, identity = (_free(name, kept) for name in PAIRS)
    named = (input_column, class_column, label_column, identity, named_by)
    sources = rows.sources + (() if test is None else test.sources)
    return Task(
        name=name,
        train=_pairs(kept, labels, held.names, number, named, (rows.sources, columns, seed, "train")),
        test=None
        if of_test is None
        else _pairs(of_test[0], of_test[1], held.names, None, named, (sources, columns, seed, "test")),
        input_column=input_column,
        label_column=label_column,
        true_labels=None if true is None else true.reshape(-1).astype(np.int64),
        sources=sources,
        facts=facts,
        id_column=identity,
        source_row=number.repeat(len(held.names)),
        row_noun=rows.noun,
        label_type="string",
        asked=tuple(held.names),
        class_column=class_column,
    )


# ---- what a table tells ----


def _refuse_pairs(rows: Rows, columns: NamedColumns) -> None:
    """Refuses a corrected dataset of such labels: its rows are pairs, and beside each stand the classes as given."""
    there = rows.table.column_names
    ours = [any(re.fullmatch(f"{one}(_asked)*", name) for name in there) for one in PAIRS]
    if not all(ours) or not set(there) >= CORRECTIONS:
        return
    raise InputError(
        f"{rows.where}: its rows are pairs of a text and a class, of a corrected dataset, and the classes in "
        f"{some_of([repr(name) for name in columns.labels])} are as they were given; read the table of its run, in "
        "RUN/corrected/table, or what `clc-text export RUN --format table --out FILE` writes",
        where=rows.where,
        key=columns.labels[0],
    )


def _tells(rows: Rows, columns: NamedColumns, lists: bool) -> bool:
    """Whether a table of which nobody has said it is one of several classes at once."""
    if lists:
        return _lists_tell(rows, columns)
    if len(columns.labels) < 2 or not all(_says_no_and_yes(rows, name) for name in columns.labels):
        return False
    held = np.stack([_numbers(rows, name) for name in columns.labels], 1)
    if np.isnan(held).any() or len(held) < 2:  # whoever may be silent is a source
        return False
    varied = [column for column in held.T if column.std() > 0]
    together = [float(np.corrcoef(one, other)[0, 1]) for one, other in combinations(varied, 2)]
    if together and np.mean(together) > VOTES_AGREE:
        return False
    named = some_of([f"'{name}'" for name in columns.labels], 5)
    raise InputError(
        f"{rows.where}: the columns {named} say no and yes (0 and 1) and hardly "
        "agree, so they may be several classes that hold at once, or several people's labels of one class a row; set "
        "data.task=multi_label or data.task=votes",
        where=rows.where,
        key="data.task",
    )


def _lists_tell(rows: Rows, columns: NamedColumns) -> bool:
    name = columns.labels[0]
    if pa.types.is_nested(rows.table.column(name).type.value_type):
        return False
    lengths = pc.fill_null(pc.list_value_length(rows.table.column(name)), 0).to_numpy()
    strings, row = _flat(rows, columns, name)
    code = pc.fill_null(strings.dictionary_encode().indices, -1).to_numpy(zero_copy_only=False)
    pairs = np.stack([row, code])[:, code >= 0]
    if int(lengths.max(initial=0)) < 2 or len(np.unique(pairs, axis=1).T) < pairs.shape[1]:
        return False  # one label a row, or people who say the same
    if (code < 0).any():
        return False  # whoever may be silent is a source
    if int((lengths > 1).sum()) >= ENOUGH:
        return True
    raise InputError(
        f"{rows.where}: no list in the column '{name}' has a label twice, so they look like several classes a row, "
        "but there are too few to tell them from several people's labels of one class; set data.task=multi_label or "
        "data.task=votes",
        where=rows.where,
        key=name,
    )


def _is_list(rows: Rows, name: str) -> bool:
    kind = rows.table.column(name).type
    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind))


def _says_no_and_yes(rows: Rows, name: str) -> bool:
    values = _numbers(rows, name)
    return bool(len(values)) and bool(np.isin(values[~np.isnan(values)], (0.0, 1.0)).all())


def _numbers(rows: Rows, name: str) -> np.ndarray:
    """float64 [N], NaN where there is none; 2 for what says neither no nor yes (`clc_text.data.yes_no`)."""
    if _is_list(rows, name):
        return np.full(len(rows.table), 2.0)
    plain = datasets.Features({name: datasets.Value("string")})  # so that a number is no number of a class's name
    try:
        strings = label_strings(Rows(pa.table({name: rows.table.column(name)}), plain, rows.where), name)
    except InputError:
        return np.full(len(rows.table), 2.0)
    numbers = {None: 2.0, False: 0.0, True: 1.0}
    return np.array([np.nan if value is None else numbers[said(value)] for value in strings.to_pylist()], np.float64)


# ---- the two forms ----


def _flat(rows: Rows, columns: NamedColumns, name: str) -> tuple[pa.Array, np.ndarray]:
    """All labels of a column of lists one after the other, as class names, and the row of each."""
    values = rows.table.column(name).combine_chunks()
    if isinstance(values, pa.ChunkedArray):
        values = values.chunk(0)
    flat = values.flatten()
    feature = getattr(rows.features[name], "feature", None)
    known = datasets.Features.from_arrow_schema(pa.schema([(name, flat.type)])) if feature is None else {name: feature}
    inside = Rows(pa.table({name: flat}), datasets.Features(known), rows.where)
    strings = joined(label_strings(inside, name), columns.label_map or {}).combine_chunks()
    if isinstance(strings, pa.ChunkedArray):
        strings = strings.chunk(0)
    lengths = pc.fill_null(pc.list_value_length(values), 0).to_numpy()
    return strings, np.repeat(np.arange(len(values)), lengths)


def _names_of_lists(rows: Rows, columns: NamedColumns, strings: pa.Array) -> list[str]:
    name = columns.labels[0]
    feature = getattr(rows.features[name], "feature", None)
    inside = Rows(
        pa.table({name: strings}),
        datasets.Features({name: feature if feature is not None else datasets.Value("string")}),
        rows.where,
    )
    return class_names(inside, [name], [pa.chunked_array([strings])])


def _of_lists(rows: Rows, columns: NamedColumns, name: str, names: list[str], key: str) -> Held:
    strings, row = _flat(rows, columns, name)
    numbers = class_numbers(pa.chunked_array([strings]), names, rows, key, row).to_numpy()
    there = rows.table.column(name).is_valid().to_numpy()
    if strings.null_count:
        at = np.unique(row[strings.is_null().to_numpy(zero_copy_only=False)])
        raise InputError(
            f"{rows.where}: a label is missing inside the list in {rows.row_names(at)} (column '{name}')",
            where=rows.where,
            key=name,
            row=rows.number(at),
        )
    times = np.zeros((len(rows.table), len(names)), np.int64)
    np.add.at(times, (row, numbers.astype(np.int64)), 1)
    if len(twice := np.flatnonzero((times > 1).any(1))):
        raise InputError(
            f"{rows.where}: the list in {rows.row_names(twice)} names a class twice (column '{name}'); a list names "
            "the classes that hold, and 0 and 1 for each class stand in columns of their own",
            where=rows.where,
            key=name,
            row=rows.number(twice),
        )
    return Held(names, times > 0, there)


def _of_columns(rows: Rows, columns: NamedColumns) -> Held:
    columns_held = []
    for name in columns.labels:
        rows.require(name, "label")
        values = _numbers(rows, name)
        wrong = np.flatnonzero(~np.isnan(values) & ~np.isin(values, (0.0, 1.0)))
        if len(wrong):
            raise InputError(
                f"{rows.where}: the column '{name}' has something else than 0 and 1, false and true, no and yes in "
                f"{rows.row_names(wrong)}; each column of a multi-label task says whether its class holds",
                where=rows.where,
                key=name,
                row=rows.number(wrong),
            )
        columns_held.append(values)
    held = np.stack(columns_held, 1)
    return Held(list(columns.labels), held == 1, ~np.isnan(held).any(1))


def _true(rows: Rows, columns: NamedColumns, held: Held) -> np.ndarray | None:
    """bool [labelled rows, K], which classes truly hold, where a column says so."""
    name = columns.true_label
    if name is None:
        return None
    rows.require(name, "true_label")
    if not _is_list(rows, name):
        raise InputError(
            f"{rows.where}: the column '{name}' (data.true_label) must hold lists of the classes that truly hold, as "
            "several may",
            where=rows.where,
            key=name,
        )
    by_truth = _of_lists(rows, columns, name, held.names, "the classes of the training rows")
    if len(missing := np.flatnonzero(held.there & ~by_truth.there)):
        raise InputError(
            f"{rows.where}: no true labels in {rows.row_names(missing)} (column '{name}')",
            where=rows.where,
            key=name,
            row=rows.number(missing),
        )
    true: np.ndarray = by_truth.held[held.there]
    return true


def trusted_of(test: Rows, columns: NamedColumns, names: list[str]) -> Held:
    """Which classes hold of test rows: the true labels where they have them.

    Raises:
        InputError: a column is missing, or names other classes than the K of the training rows.
    """
    trusted = columns.true_label if columns.true_label in test.table.column_names else None
    name = trusted or (columns.label if isinstance(columns.label, str) else None)
    if name is None:
        return _of_columns(test, columns)
    test.require(name, "label")
    if not _is_list(test, name):
        raise InputError(
            f"{test.where}: the column '{name}' holds no lists, as that of the training rows does",
            where=test.where,
            key=name,
        )
    return _of_lists(test, columns, name, names, "the classes of the training rows")


def _where(columns: NamedColumns) -> str:
    if isinstance(columns.label, str):
        return f"the lists in '{columns.label}'"
    return f"{len(columns.labels)} columns, one for each class"


# ---- rows ----


def _labelled(
    rows: Rows, columns: NamedColumns, there: np.ndarray, facts: dict[str, Any], prefix: str
) -> tuple[Rows, np.ndarray]:
    """The rows that are labelled, and their numbers in the source."""
    number = np.arange(rows.first, rows.first + len(rows.table))
    if there.all():
        return rows, number
    without = np.flatnonzero(~there)
    if columns.unlabelled != "drop":
        raise InputError(
            f"{rows.where}: no labels in {rows.row_names(without)} ({_where(columns)}); an empty list or zeros say "
            "that no class holds; label them, or leave them out by --set data.unlabelled=drop",
            where=rows.where,
            key="data.unlabelled",
            row=rows.number(without),
        )
    facts[f"unlabelled_{prefix}rows_dropped"] = len(without)
    if not there.any():
        raise InputError(f"{rows.where}: no row has labels ({_where(columns)})", where=rows.where)
    return _filtered(rows, there), number[there]


def _filtered(rows: Rows, mask: np.ndarray) -> Rows:
    return replace(rows, table=rows.table.filter(pa.array(mask)))


def _check(rows: Rows, names: list[str], labels: np.ndarray) -> None:
    if len(labels) < 2 or len(names) < 2:
        what = "row" if len(labels) < 2 else "class"
        raise InputError(
            f"{rows.where}: there is only one {what}; a multi-label task needs at least two of each", where=rows.where
        )
    if len(names) > MOST_CLASSES:
        raise InputError(
            f"{rows.where}: {len(names):,} classes are more than {MOST_CLASSES:,}; name the right column",
            where=rows.where,
        )
    always, never = np.asarray(labels.all(0)), np.asarray(~labels.any(0))
    if (always | never).any():
        at = int(np.flatnonzero(always | never)[0])
        how = "every" if always[at] else "no"
        raise InputError(
            f"{rows.where}: the class '{names[at][:60]}' holds of {how} training row, so there is nothing to learn of "
            "it; leave it out",
            where=rows.where,
            key=names[at][:60],
        )


def _hold_out(rows: Rows, input_column: str, labels: np.ndarray, share: float, seed: int) -> np.ndarray:
    """bool [N]: `share` of the rows of each rarest class, equal texts together, and of no class all rows."""
    generator = np.random.default_rng(seed)
    kinds = rarest_of(labels.astype(np.int64))
    out = np.zeros(len(labels), bool)
    for kind in np.unique(kinds):
        members = np.flatnonzero(kinds == kind)
        drawn = min(int(len(members) * share + 0.5), len(members) - 1)
        out[generator.permutation(members)[:drawn]] = True
    first = first_equal(rows.table.column(input_column))
    out = np.asarray(out[first])
    for one in range(labels.shape[1]):
        rest = labels[~out, one]
        if not rest.any() or rest.all():  # by copies alone: the first text is given back
            back = np.flatnonzero(labels[:, one] == (not rest.any()))[0]
            out[first == first[back]] = False
    if not out.any():
        raise InputError(
            f"{rows.where}: data.test_share={share:g} of these rows is no row; raise it",
            where=rows.where,
            key="data.test_share",
        )
    return out


def _free(name: str, rows: Rows) -> str:
    while name in rows.table.column_names:
        name = f"{name}_asked"
    return name


def _pairs(
    rows: Rows,
    labels: np.ndarray,
    names: list[str],
    number: np.ndarray | None,
    named: tuple[str, str, str, str, str | None],
    identity: object,
) -> datasets.Dataset:
    """A row for each text and class."""
    _input_column, class_column, label_column, pair_column, named_by = named
    count, classes = labels.shape
    check_memory(
        float(rows.table.nbytes) * classes, f"{count:,} texts asked of {classes:,} classes each", "data.label"
    )
    table = rows.table.take(pa.array(np.arange(count).repeat(classes)))
    of_class = np.tile(np.arange(classes), count)
    if named_by is not None:
        ids = [str(value) for value in rows.table.column(named_by).to_pylist()]
    else:
        ids = [str(value) for value in (np.arange(count) if number is None else number).tolist()]
    pair_ids = [f"{one}:{name}" for one in ids for name in names]
    table = table.append_column(pair_column, pa.array(pair_ids, pa.string()))
    table = table.append_column(class_column, pc.take(pa.array(names, pa.string()), pa.array(of_class)))
    table = table.append_column(label_column, pa.array(labels.reshape(-1).astype(np.int64)))
    features = datasets.Features(
        {
            **rows.features,
            pair_column: datasets.Value("string"),
            class_column: datasets.Value("string"),
            label_column: datasets.ClassLabel(names=NO_YES),
        }
    )
    return to_dataset(table, features, identity)

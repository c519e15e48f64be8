"""Any dataset as the trainer wants it: every batch with the numbers of its rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset, IterableDataset
from transformers.utils.logging import get_logger

from clc_text.data.rows import Rows
from clc_text.errors import InputError
from clc_text.training.order import OrderWatch, other_order

logger = get_logger(__name__)
LABEL_COLUMNS = ("labels", "label", "label_ids")


class NumberedRows(Dataset):
    """A dataset whose items carry their row number, whatever the collator makes of their columns."""

    def __init__(self, rows: Any) -> None:
        self.rows = rows

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, row: int) -> tuple[int, Any]:
        return int(row), self.rows[row]

    def __getitems__(self, ids: Sequence[int]) -> list[tuple[int, Any]]:
        fetch = getattr(self.rows, "__getitems__", None)
        items = fetch(ids) if fetch is not None else [self.rows[row] for row in ids]
        return list(zip([int(row) for row in ids], items, strict=True))


class NumberedBatch:
    """The collator of `NumberedRows`: what an ordinary collator makes of the rows, and `index` [B] beside it.

    Args:
        collate: the ordinary collator.
        watched: whether it is called on rows of the first batches once more, to see that it leaves them in order.
    """

    def __init__(self, collate: Callable[[list[Any]], Any], watched: bool = False) -> None:
        self.collate = collate
        self.watch = OrderWatch(collate) if watched else None

    def __call__(self, items: list[tuple[int, Any]]) -> dict[str, Any]:
        rows = [row for _, row in items]
        given = _classes_of(rows)  # before the collator, which may empty the rows
        copies = self.watch.copies(rows) if self.watch is not None else None
        try:
            batch = self.collate(rows)
        except Exception as error:
            _check_each_label(items, error)  # the collator's own words name no row
            raise
        if not isinstance(batch, Mapping):
            raise InputError(
                f"the data collator gives a {type(batch).__name__}; a dictionary of tensors is needed",
                key="data collator",
            )
        index = torch.tensor([number for number, _ in items])
        labels = batch.get("labels")
        if labels is None:
            _check_each_label(items, None)
        if not isinstance(labels, Tensor):
            return {**batch, "index": index}
        _check_order(given, labels, len(items))
        if self.watch is not None and copies is not None:
            self.watch.look(copies, labels)
        return {**batch, "labels": as_classes(labels), "index": index}


def as_classes(labels: Tensor) -> Tensor:
    """Whole numbers and truth values as int64, distributions [N, C] as they are.

    A column of whole numbers that passed through a table with holes, or through pandas, is one of floats: 1.0 is 1.
    """
    if not labels.is_floating_point():
        return labels.long()
    whole = labels.dim() == 1 and len(labels) > 0 and bool((labels == labels.floor()).all() & labels.isfinite().all())
    return labels.long() if whole else labels


def _check_each_label(items: list[tuple[int, Any]], cause: Exception | None) -> None:
    """Names the row whose label no collator makes a class of."""
    for number, row in items:
        name = _label_name(row)
        if name is None:
            continue
        if row[name] is None:
            raise InputError(
                f"row {number} of the training set has no label; give it one, or leave it out", row=number
            ) from cause
        if isinstance(row[name], str):
            held = f"the text '{row[name]}'"
        elif isinstance(row[name], Mapping):
            held = f"a dictionary ({', '.join(map(str, row[name]))})"
        else:
            continue
        raise InputError(
            f"the label of row {number} of the training set is {held}; give the number of its class, from 0",
            row=number,
        ) from cause


def _label_name(row: Any) -> str | None:
    return next((name for name in LABEL_COLUMNS if name in row), None) if isinstance(row, Mapping) else None


def _classes_of(rows: list[Any]) -> Tensor | None:
    """The rows' classes [B], where they are there for all to see."""
    name = _label_name(rows[0])
    if name is None or not all(_is_number(row.get(name)) for row in rows):
        return None
    classes = as_classes(torch.tensor([row[name] for row in rows]))
    return None if classes.is_floating_point() else classes


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float, np.number)) or (isinstance(value, Tensor) and value.dim() == 0)


def _check_order(given: Tensor | None, labels: Tensor, rows: int) -> None:
    """What is learnt of a row is remembered by its number, so a batch must have its rows in their order."""
    if labels.dim() == 0 or len(labels) != rows:
        raise InputError(
            f"the data collator gives labels of the shape {list(labels.shape)} for {rows} rows; it must keep every "
            "row, in the order that it gets them",
            key="labels",
        )
    if given is None or labels.shape != given.shape or labels.is_floating_point():
        return
    if not torch.equal(labels.cpu().long(), given) and torch.equal(labels.cpu().long().sort()[0], given.sort()[0]):
        raise other_order()


def indexable(rows: Any) -> bool:
    """Whether a row is found by its number; of what only flows by, it is not."""
    return not isinstance(rows, IterableDataset) and hasattr(rows, "__len__")


def count_rows(rows: Any) -> int:
    """N; 0 where rows have no numbers."""
    return len(rows) if indexable(rows) else 0


def named_sets(train: Any, evaluation: Any) -> Iterator[tuple[str, Any]]:
    """The rows that a trainer was given, and what messages call them; several evaluation sets are a dictionary."""
    if train is not None:
        yield "training set", train
    several = evaluation if isinstance(evaluation, dict) else {None: evaluation}
    for name, rows in several.items():
        if rows is not None:
            yield "evaluation set" if name is None else f"evaluation set '{name}'", rows


def labels_of(batch: Mapping[str, Any]) -> Tensor:
    """The labels of a batch, as `as_classes` makes them.

    Raises:
        InputError: there are none, or they are no tensor.
    """
    labels = batch.get("labels")
    if labels is None:
        raise InputError(
            f"a batch has no labels, only {', '.join(batch)}; name the dataset's label column 'labels'", key="labels"
        )
    if not isinstance(labels, Tensor):
        raise InputError(
            f"the labels of a batch are a {type(labels).__name__}; the data collator must make one tensor of them, "
            "[batch], under the name 'labels'",
            key="labels",
        )
    return as_classes(labels)


def labelled(rows: Any, made_later: bool) -> bool:
    """Whether rows that can be indexed have labels, as far as can be seen; `made_later` as in `check_dataset`."""
    if isinstance(rows, Rows) or made_later:
        return True
    names = getattr(rows, "column_names", None)
    if names is not None:
        return any(column in names for column in LABEL_COLUMNS)
    first = rows[0]
    return not isinstance(first, Mapping) or _label_name(first) is not None


def check_dataset(
    rows: Any,
    name: str,
    num_classes: int | None,
    made_later: bool = False,
    for_training: bool = False,
    multi_label: bool = False,
) -> None:
    """Refuses data that cannot be trained on or scored, before any step is made.

    Args:
        name: what messages call it.
        num_classes: C of the model, None where it does not say.
        made_later: the collator, or a transform, may make labels of other columns.
        for_training: it must have labels.
        multi_label: a label is 0 or 1 for each class.

    Raises:
        InputError: it has no rows, no labels, or labels that are no classes of the model.
    """
    if not indexable(rows):
        return
    if len(rows) == 0:
        raise InputError(f"the {name} has no rows{'; leave it out' if name == 'evaluation set' else ''}", key=name)
    labels = label_column(rows)
    if labels is not None and multi_label:
        yes_or_no(labels, name, num_classes)
    elif labels is not None:
        check_labels(labels, name, num_classes)
    elif hasattr(rows, "column_names") and not made_later:
        column = next((column for column in LABEL_COLUMNS if column in rows.column_names), None)
        if column is None and not for_training:
            logger.warning(
                f"the {name} has no column 'labels' ({', '.join(rows.column_names)}), so only its speed is measured"
            )
            return
        if column is None:
            raise InputError(
                f"the dataset has no column 'labels'; its columns are {', '.join(rows.column_names)}", key="labels"
            )
        raise InputError(
            f"the column '{column}' of the {name} holds no numbers but {rows.features[column]}; number the classes: "
            f"dataset.class_encode_column('{column}'), or in an order of your own dataset.cast_column('{column}', "
            "ClassLabel(names=[...])); where the collator makes labels of it, set remove_unused_columns=False",
            key=column,
        )


def check_labels(labels: Tensor, name: str, num_classes: int | None, numbers: Tensor | None = None) -> None:
    """Refuses labels [N] or [N, C] that are no classes of the model, and no distributions over them.

    Args:
        name: what messages call the rows.
        num_classes: C of the model, None where it does not say.
        numbers: [N], what messages call each row; None: by its place.

    Raises:
        InputError: the first row that is wrong.
    """
    if labels.dim() > 1 and not labels.is_floating_point():
        raise InputError(
            f"the labels of the {name} are {labels.shape[1]} whole numbers a row, several classes a row, but the "
            "model is one of a single class a row; make it with problem_type='multi_label_classification', or give "
            "one class a row",
            key="labels",
        )
    if labels.is_floating_point():
        wrong = _first_wrong(labels.isnan().flatten(1).any(-1) if labels.dim() > 1 else labels.isnan(), numbers)
        if wrong is not None:
            number = wrong[1]
            raise InputError(f"row {number} of the {name} has no label; give it one, or leave it out", row=number)
        if labels.dim() != 2:
            raise InputError(
                f"the labels of the {name} are single numbers with a fraction; regression has no classes: give whole "
                "numbers from 0",
                key="labels",
            )
        if num_classes is not None and labels.shape[1] != num_classes:
            raise InputError(
                f"the labels of the {name} are {labels.shape[1]} numbers a row, but the model has {num_classes} "
                "classes; make the model with num_labels set",
                key="labels",
            )
        wrong = _first_wrong(((labels.sum(-1) - 1).abs() > 1e-3) | (labels < 0).any(-1), numbers)
        if wrong is not None:
            number = wrong[1]
            raise InputError(
                f"the labels of the {name} are several numbers a row, but row {number} does not sum to 1, or has a "
                "negative one; a row has one class, or a distribution over them; where several may hold at once, make "
                "the model with problem_type='multi_label_classification'",
                row=number,
            )
        return
    wrong = _first_wrong(labels < 0, numbers)
    if wrong is not None:
        place, number = wrong
        raise InputError(
            f"the label of row {number} of the {name} is {int(labels[place])}, but classes are numbered from 0; leave "
            "rows without a class out",
            row=number,
        )
    wrong = None if num_classes is None else _first_wrong(labels >= num_classes, numbers)
    if num_classes is not None and wrong is not None:
        place, number = wrong
        raise InputError(
            f"the label of row {number} of the {name} is {int(labels[place])}, but the model has {num_classes} "
            f"classes (0 to {num_classes - 1}); make the model with num_labels set",
            row=number,
        )


def yes_or_no(labels: Tensor, name: str, classes: int | None, numbers: Tensor | None = None) -> Tensor:
    """int64 [N, C], of labels that are 0 or 1 for each class.

    Args:
        name: what messages call the rows.
        classes: C of the model, None where it does not say.
        numbers: [N], what messages call each row; None: by its place.

    Raises:
        InputError: they are something else.
    """
    if labels.dim() != 2:
        raise InputError(
            f"the model is made for multi-label classification (problem_type), but the labels of the {name} are one "
            "number a row; give a list of 0 and 1 a row, one for each class",
            key="labels",
        )
    if classes is not None and labels.shape[1] != classes:
        raise InputError(
            f"the labels of the {name} are {labels.shape[1]} numbers a row, but the model has {classes} classes; give "
            "one for each class",
            key="labels",
        )
    wrong = _first_wrong(~((labels == 0) | (labels == 1)).all(-1), numbers)
    if wrong is not None:
        place, number = wrong
        raise InputError(
            f"row {number} of the {name} has other labels than 0 and 1: {labels[place][:10].tolist()}; each says "
            "whether a class holds",
            row=number,
        )
    return labels.long()


def _first_wrong(wrong: Tensor, numbers: Tensor | None) -> tuple[int, int] | None:
    """The place of the first row, of [N], that is wrong, and what messages call it."""
    found = wrong.nonzero()
    if not len(found):
        return None
    place = int(found[0])
    return place, place if numbers is None else int(numbers[place])


def label_column(rows: Any) -> Tensor | None:
    """All labels, [N] or [N, C]; None where they are no numbers, or can only be had row by row."""
    if isinstance(rows, Rows):
        return as_classes(rows.labels)
    names = getattr(rows, "column_names", None)
    if names is None or not hasattr(rows, "with_format") or not indexable(rows):
        return None
    for name in LABEL_COLUMNS:
        if name in names:
            column = rows.select_columns([name]).with_format("numpy")[:][name]
            return as_classes(torch.as_tensor(column)) if column.dtype.kind in "biuf" else None
    return None


def class_weights(wanted: str | Sequence[float], labels: Tensor | None, num_classes: int) -> Tensor:
    """[C] weights of the classes.

    Args:
        wanted: ``"balanced"``: N / (C · rows of the class) by the given labels, so that the mean over the rows is 1 (a
            class without rows has weight 0); or one number a class.
        labels: [N] or [N, C], the given labels.

    Raises:
        InputError: they are not as many as the classes, negative, or not to be counted.
    """
    if isinstance(wanted, str):
        if wanted != "balanced":
            raise InputError(
                f"class_weights is '{wanted}'; give 'balanced', or one number for each class", key="class_weights"
            )
        if labels is None:
            raise InputError(
                "class_weights 'balanced' needs a dataset with a label column; give the numbers instead",
                key="class_weights",
            )
        counts = labels.double().sum(0) if labels.is_floating_point() else torch.bincount(labels).double()
        counts = torch.nn.functional.pad(counts.cpu(), (0, num_classes - len(counts)))
        weights = counts.sum() / (num_classes * counts)
        return torch.where(counts > 0, weights, 0.0).float()
    weights = torch.tensor(list(wanted), dtype=torch.float32)
    if weights.shape != (num_classes,) or not (weights >= 0).all() or not weights.isfinite().all():
        raise InputError(
            f"class_weights has {len(weights)} numbers; give one of at least 0 for each of {num_classes}",
            key="class_weights",
        )
    return weights

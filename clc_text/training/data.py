"""Any dataset as the trainer wants it: every batch with the numbers of its rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset, IterableDataset

from clc_text.errors import InputError
from clc_text.rows import Rows

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
        found = fetch(ids) if fetch is not None else [self.rows[row] for row in ids]
        return list(zip([int(row) for row in ids], found, strict=True))


class NumberedBatch:
    """The collator of `NumberedRows`: what an ordinary collator makes of the rows, and `index` [B] beside it."""

    def __init__(self, collate: Callable[[list[Any]], Any]) -> None:
        self.collate = collate

    def __call__(self, items: list[tuple[int, Any]]) -> dict[str, Any]:
        rows = [row for _, row in items]
        given = _classes_of(rows)  # before the collator, which may empty the rows
        batch = self.collate(rows)
        if not isinstance(batch, Mapping):
            raise InputError(f"the data collator gives a {type(batch).__name__}; a dictionary of tensors is needed")
        if isinstance(labels := batch.get("labels"), Tensor):
            _check_order(given, labels, len(items))
        return {**batch, "index": torch.tensor([number for number, _ in items])}


def _classes_of(rows: list[Any]) -> Tensor | None:
    """The rows' classes [B], where they are there for all to see."""
    name = next((name for name in LABEL_COLUMNS if isinstance(rows[0], Mapping) and name in rows[0]), None)
    if name is None:
        return None
    found = torch.tensor([row[name] for row in rows]) if all(_is_number(row[name]) for row in rows) else None
    return None if found is None or found.is_floating_point() else found.long()


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, np.integer)) or (isinstance(value, Tensor) and value.dim() == 0)


def _check_order(given: Tensor | None, labels: Tensor, rows: int) -> None:
    """What is learnt of a row is remembered by its number, so a batch must have its rows in their order."""
    if labels.dim() == 0 or len(labels) != rows:
        raise InputError(
            f"the data collator gives labels of the shape {list(labels.shape)} for {rows} rows; it must keep every "
            "row, in the order that it gets them"
        )
    if given is None or labels.shape != given.shape or labels.is_floating_point():
        return
    if not torch.equal(labels.cpu().long(), given) and torch.equal(labels.cpu().long().sort()[0], given.sort()[0]):
        raise InputError(
            "the data collator puts the rows of a batch into another order; what is learnt of a row is remembered by "
            "its number, so leave them in the order that it gets them"
        )


def check_dataset(rows: Any, name: str, num_classes: int | None, made_later: bool = False) -> None:
    """Refuses data that cannot be trained on or scored, before any step is made.

    Args:
        name: what messages call it.
        num_classes: C of the model, None where it does not say.
        made_later: the collator, or a transform, may make labels of other columns.

    Raises:
        InputError: it has no length, no rows, no labels, or labels that are no classes of the model.
    """
    if isinstance(rows, IterableDataset) or not hasattr(rows, "__len__"):
        raise InputError(
            f"the {name} has no length; what is learnt of a row is remembered by its number, so give a dataset that "
            "can be indexed"
        )
    if len(rows) == 0:
        raise InputError(f"the {name} has no rows{'; leave it out' if name == 'evaluation set' else ''}")
    labels = label_column(rows)
    if labels is not None:
        check_labels(labels, name, num_classes)
    elif hasattr(rows, "column_names") and not made_later:
        raise InputError(f"the dataset has no column 'labels'; its columns are {', '.join(rows.column_names)}")


def check_labels(labels: Tensor, name: str, num_classes: int | None) -> None:
    """Refuses labels [N] or [N, C] that are no classes of the model, and no distributions over them.

    Raises:
        InputError: the first row that is wrong.
    """
    if labels.is_floating_point():
        if labels.dim() != 2:
            raise InputError(f"the labels of the {name} are single numbers with a fraction; regression has no classes")
        if num_classes is not None and labels.shape[1] != num_classes:
            raise InputError(
                f"the labels of the {name} are {labels.shape[1]} numbers a row, but the model has {num_classes} "
                "classes; make the model with num_labels set"
            )
        wrong = (((labels.sum(-1) - 1).abs() > 1e-3) | (labels < 0).any(-1)).nonzero()
        if len(wrong):
            raise InputError(
                f"the labels of the {name} are several numbers a row, but row {int(wrong[0])} does not sum to 1, or "
                "has a negative one; a row has one class, or a distribution over them"
            )
    elif num_classes is not None:
        wrong = ((labels < 0) | (labels >= num_classes)).nonzero()
        if len(wrong):
            row = int(wrong[0])
            raise InputError(
                f"the label of row {row} of the {name} is {int(labels[row])}, but the model has {num_classes} classes "
                f"(0 to {num_classes - 1}); make the model with num_labels set"
            )


def label_column(rows: Any) -> Tensor | None:
    """All labels, [N] or [N, C]; None where they can only be had row by row."""
    if isinstance(rows, Rows):
        return rows.labels
    names = getattr(rows, "column_names", None)
    if names is None or not hasattr(rows, "with_format"):
        return None
    for name in LABEL_COLUMNS:
        if name in names:
            column = rows.select_columns([name]).with_format("numpy")[:][name]
            return torch.as_tensor(column)
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
            raise InputError(f"class_weights is '{wanted}'; give 'balanced', or one number for each class")
        if labels is None:
            raise InputError("class_weights 'balanced' needs a dataset with a label column; give the numbers instead")
        counts = labels.double().sum(0) if labels.is_floating_point() else torch.bincount(labels).double()
        counts = torch.nn.functional.pad(counts.cpu(), (0, num_classes - len(counts)))
        weights = counts.sum() / (num_classes * counts)
        return torch.where(counts > 0, weights, 0.0).float()
    weights = torch.tensor(list(wanted), dtype=torch.float32)
    if weights.shape != (num_classes,) or not (weights >= 0).all() or not weights.isfinite().all():
        raise InputError(f"class_weights has {len(weights)} numbers; give one of at least 0 for each of {num_classes}")
    return weights

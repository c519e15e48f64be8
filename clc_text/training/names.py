"""Classes by their names: the same number must mean the same class to model, training set and evaluation sets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset
from transformers.utils.logging import get_logger

from clc_text.errors import InputError, some_of
from clc_text.training.data import LABEL_COLUMNS, indexable, label_column

logger = get_logger(__name__)


class ByName(Dataset):
    """Rows whose class numbers are those of other rows, where the classes of both have names.

    Args:
        rows: of a `datasets.Dataset`.
        column: of its labels.
        places: int64 [C'], for each class of the rows its number among the others.
    """

    def __init__(self, rows: Any, column: str, places: np.ndarray) -> None:
        self.rows, self.column, self.places = rows, column, places

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, row: int) -> Any:
        return self._named(self.rows[row])

    def __getitems__(self, ids: Sequence[int]) -> list[Any]:
        return [self._named(row) for row in self.rows.__getitems__(list(ids))]

    def _named(self, row: Any) -> Any:
        label = row.get(self.column) if isinstance(row, Mapping) else None
        if label is None:
            return row  # a transform has made something else of it, or it has none, which is refused elsewhere
        number = int(label)
        place = int(self.places[number]) if 0 <= number < len(self.places) else number
        return {**row, self.column: torch.full_like(label, place) if isinstance(label, Tensor) else place}


def named_classes(rows: Any) -> tuple[str, list[str]] | None:
    """The label column that is a `ClassLabel`, and its classes' names; None where there is none."""
    features = getattr(rows, "features", None)
    if not isinstance(features, Mapping):
        return None
    for column in LABEL_COLUMNS:
        names = getattr(features.get(column), "names", None)
        if names is not None:
            return column, list(names)
    return None


def names_of_model(config: Any) -> list[str] | None:
    """The names that a model gives its classes; None where it numbers them only (``LABEL_0``)."""
    known = getattr(config, "id2label", None)
    if not known or all(name == f"LABEL_{number}" for number, name in known.items()):
        return None
    return [str(known.get(number)) for number in range(len(known))]


def check_names(rows: Any, config: Any, name: str) -> None:
    """Refuses a model that knows the classes of the rows by other numbers.

    Args:
        name: what messages call the rows.

    Raises:
        InputError: a class is named at another place.
    """
    found, known = named_classes(rows), names_of_model(config)
    if found is None or known is None:
        return
    column, names = found
    for number, (class_name, place) in enumerate(zip(names, _places(names, known), strict=True)):
        if place not in (-1, number):
            raise InputError(
                f"class {number} of the {name} is '{class_name}', which is class {place} to the model (its id2label); "
                f"make the model with id2label=dict(enumerate(dataset.features['{column}'].names)) and the label2id "
                f"that goes with it, or the labels anew by dataset.align_labels_with_mapping(model.config.label2id, "
                f"'{column}')",
                key=class_name,
            )


def by_name(rows: Any, known: Sequence[str] | None, name: str) -> Any:
    """The rows, their labels as numbers of the known classes where both have names and the order is another.

    Args:
        known: the classes that the model is trained on, by number; None: they have no names.
        name: what messages call the rows.

    Raises:
        InputError: a row has a class that is not known.
    """
    found = named_classes(rows)
    if found is None or known is None or found[1] == list(known)[: len(found[1])]:
        return rows
    column, names = found
    places = _places(names, known)
    if not indexable(rows):
        raise InputError(
            f"the {name} has its classes in another order than the training set ({some_of(names, 5)}; "
            f"{some_of(list(known), 5)}), and no length, so that its labels cannot be matched beforehand; "
            "name the classes in the same order"
        )
    labels = label_column(rows)
    if labels is not None and not labels.is_floating_point():
        used = labels[(labels >= 0) & (labels < len(names))].cpu().numpy()
        strange = np.flatnonzero(places[used] < 0)
        if len(strange):
            raise InputError(
                f"the {name} has rows of the class '{names[used[strange[0]]]}', which the training set does not know "
                f"({some_of(list(known), 5)}); leave them out, or name the classes alike",
                key=names[used[strange[0]]],
            )
    logger.warning_once(
        f"the {name} has its classes in another order than the training set ({some_of(names, 5)}; "
        f"{some_of(list(known), 5)}): its labels are matched by name"
    )
    return ByName(rows, column, places)


def _places(names: Sequence[str], known: Sequence[str]) -> np.ndarray:
    """int64, for each name its place among the known ones, if need be without regard to case; -1: it has none."""
    exact = {name: place for place, name in enumerate(known)}
    folded: dict[str, int] = {}
    for place, name in enumerate(known):
        folded[name.casefold()] = -1 if name.casefold() in folded else place  # of two alike neither is meant
    return np.array([exact.get(name, folded.get(name.casefold(), -1)) for name in names], dtype=np.int64)

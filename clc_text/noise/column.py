"""Real noise: a column of the data holds the given labels, as people, rules or a crawler made them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from clc_text.components import option
from clc_text.errors import InputError, nearest
from clc_text.noise.base import Noise, NoiseInput, noise


@noise("column")
@dataclass(frozen=True, kw_only=True)
class FromColumn(Noise):
    """The given labels are read from a column of class names; nothing is drawn.

    Where no class name is a number, a column of numbers alone is one of places: 0 is the first class.
    """

    column: str = option(
        help="the column of the training rows that holds the given labels, as class names", not_empty=True
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.draw != "independent":
            raise InputError("noise.draw has no meaning for noise from a column, where nothing is drawn; leave it out")

    def matrix(self, label_names: list[str]) -> None:
        return None

    def convention(self, label_names: list[str]) -> str:
        return f"Real noise: the given labels are the column '{self.column}' of the data; nothing is drawn."

    def draw_labels(self, given: NoiseInput, seed: int) -> np.ndarray:
        columns = given.columns or {}
        if self.column not in list(columns):
            raise InputError(
                f"noise.column is '{self.column}', but the data has no such column{nearest(self.column, columns)}"
            )
        values = columns[self.column]
        if len(values) != len(given.labels):
            raise InputError(f"the column '{self.column}' has {len(values)} rows, and the data {len(given.labels)}")
        return self.as_classes(list(values), given.label_names)

    def as_classes(self, values: list[Any], label_names: list[str]) -> np.ndarray:
        """int64 [N] from class names, or from places where they cannot be names.

        Raises:
            InputError: names the first row whose label is missing or no class.
        """
        try:
            names = {value: _as_name(value) for value in set(values) if not _is_missing(value)}
        except TypeError:
            raise InputError(
                f"the column '{self.column}' holds lists or mappings, and a label is one name or number"
            ) from None
        numbers = {name: number for number, name in enumerate(label_names)}
        by_place = not any(map(_is_number, label_names)) and all(map(_is_number, names.values()))
        if by_place:
            numbers = {str(number): number for number in range(len(label_names))}
        labels = np.empty(len(values), dtype=np.int64)
        for row, value in enumerate(values):
            if _is_missing(value):
                missing = sum(map(_is_missing, values))
                raise InputError(
                    f"the column '{self.column}' has no label in row {row + 1}, and in {missing - 1} more; remove "
                    "these rows, or give them a label"
                )
            name = names[value]
            if name not in numbers:
                hint = f"; classes: 0 to {len(label_names) - 1}" if by_place else nearest(name, label_names)
                raise InputError(f"the column '{self.column}', row {row + 1}: '{name}' is not a class{hint}")
            labels[row] = numbers[name]
        return labels


def _as_name(value: Any) -> str:
    """As the readers of datasets name a class: `true`, and `2` for 2.0."""
    if isinstance(value, (bool, np.bool_)):
        return str(value).lower()
    return str(int(value)) if isinstance(value, (float, np.floating)) and float(value).is_integer() else str(value)


def _is_number(name: str) -> bool:
    try:
        return math.isfinite(float(name))
    except ValueError:
        return False


def _is_missing(value: Any) -> bool:
    return value is None or (isinstance(value, (float, np.floating)) and bool(np.isnan(value)))

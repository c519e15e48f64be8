"""Real noise: a column of the data holds the given labels, as people, rules or a crawler made them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from clc_text.components import option
from clc_text.errors import InputError, nearest
from clc_text.noise.base import Noise, NoiseInput, noise


@noise("column")
@dataclass(frozen=True, kw_only=True)
class FromColumn(Noise):
    """The given labels are read from a column, as class names or class numbers; nothing is drawn."""

    column: str = option(help="the column of the training rows that holds the given labels, names or numbers")

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
        """int64 [N] from names or numbers.

        Raises:
            InputError: names the first row whose label is missing or no class.
        """
        numbers = {name: number for number, name in enumerate(label_names)}
        try:
            distinct = {value: self._class(value, numbers) for value in set(values) if not _is_missing(value)}
        except TypeError:
            raise InputError(
                f"the column '{self.column}' holds lists or mappings, and a label is one name or number"
            ) from None
        labels = np.empty(len(values), dtype=np.int64)
        for row, value in enumerate(values):
            if _is_missing(value):
                missing = sum(map(_is_missing, values))
                raise InputError(
                    f"the column '{self.column}' has no label in row {row + 1}, and in {missing - 1} more; remove "
                    "these rows, or give them a label"
                )
            number = distinct[value]
            if number is None:
                hint = nearest(value, label_names) if isinstance(value, str) else f"; classes: 0 to {len(numbers) - 1}"
                raise InputError(f"the column '{self.column}', row {row + 1}: {value!r} is not a class{hint}")
            labels[row] = number
        return labels

    @staticmethod
    def _class(value: Any, numbers: dict[str, int]) -> int | None:
        if isinstance(value, str):
            return numbers.get(value)
        if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, float, np.integer, np.floating)):
            return None
        whole = int(value) if np.isfinite(value) else -1
        return whole if whole == value and 0 <= whole < len(numbers) else None


def _is_missing(value: Any) -> bool:
    return value is None or (isinstance(value, (float, np.floating)) and bool(np.isnan(value)))

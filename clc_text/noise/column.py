"""Real noise: a column of the data holds the given labels, as people, rules or a crawler made them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from clc_text.config.components import option
from clc_text.errors import InputError, nearest, some_of
from clc_text.noise.base import Noise, NoiseInput, noise


@noise("column")
@dataclass(frozen=True, kw_only=True)
class FromColumn(Noise):
    """The given labels are read from a column of class names; nothing is drawn.

    Where no class name is a number, a column of numbers alone is one of places, 0 the first class, if somebody has
    told the order of the classes: no file says in which order words were numbered.
    """

    column: str = option(
        help="the column of the training rows that holds the given labels, as class names", not_empty=True
    )
    label_map: dict[str, str] | None = option(
        None, "what labels of the column are read as, such as {0: billing, 1: login}; data.label_map holds for it, too"
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.draw != "independent":
            raise InputError(
                "noise.draw has no meaning for noise from a column, where nothing is drawn; leave it out",
                key="noise.draw",
            )

    def matrix(self, label_names: list[str]) -> None:
        return None

    def convention(self, label_names: list[str]) -> str:
        return f"Real noise: the given labels are the column '{self.column}' of the data; nothing is drawn."

    def draw_labels(self, given: NoiseInput, seed: int) -> np.ndarray:
        columns = given.columns or {}
        if self.column not in list(columns):
            raise InputError(
                f"noise.column is '{self.column}', but the data has no such column{nearest(self.column, columns)}",
                key="noise.column",
            )
        values = columns[self.column]
        if len(values) != len(given.labels):
            raise InputError(
                f"the column '{self.column}' has {len(values)} rows, and the data {len(given.labels)}", key=self.column
            )
        return self._as_classes(list(values), given)

    def reading(self, given: NoiseInput) -> str | None:
        """Which class each number was read as, where that is another name."""
        values = set() if given.columns is None else {_as_name(value) for value in given.columns[self.column]}
        read_as = self._read_as(values, given)
        pairs = [f"'{label[:60]}' as '{name[:60]}'" for label, name in read_as.items() if label in values]
        return f"Labels read: {some_of(pairs, 20)}." if pairs else None

    def _read_as(self, labels: set[str], given: NoiseInput) -> Mapping[str, str]:
        """Label -> class, where it is not the class's own name.

        Raises:
            InputError: numbers that nobody has given to the classes, or a class that is none.
        """
        names = given.label_names
        for label, name in (self.label_map or {}).items():
            if name not in names:
                raise InputError(
                    f"noise.label_map reads '{label[:60]}' as '{name[:60]}', which is no class{nearest(name, names)}",
                    key="noise.label_map",
                )
        if self.label_map or not labels or any(map(_is_number, names)) or not all(map(_is_number, labels)):
            return self.label_map or {}
        if not given.names_in_order:
            shown = sorted(labels, key=float)
            example = ", ".join(f"{label[:20]}: ?" for label in shown[:3]) + (", …" if len(shown) > 3 else "")
            raise InputError(
                f"the column '{self.column}' holds numbers ({some_of(shown, 10)}) and the classes are words "
                f"({some_of(names, 10)}); in which order they were numbered no file says: write it as "
                f"noise.label_map: {{{example}}} with a class for each ?, or name the classes in that order in "
                "data.label_names",
                key=self.column,
            )
        return {str(number): name for number, name in enumerate(names)}

    def _as_classes(self, values: list[Any], given: NoiseInput) -> np.ndarray:
        """int64 [N] from class names, or from places where they cannot be names.

        Raises:
            InputError: names the first row whose label is missing or no class.
        """
        try:
            names = {value: _as_name(value) for value in set(values) if not _is_missing(value)}
        except TypeError:
            raise InputError(
                f"the column '{self.column}' holds lists or mappings, and a label is one name or number",
                key=self.column,
            ) from None
        read_as = self._read_as(set(names.values()), given)
        by_place = bool(read_as) and not self.label_map
        numbers = {name: number for number, name in enumerate(given.label_names)}
        labels = np.empty(len(values), dtype=np.int64)
        for row, value in enumerate(values):
            if _is_missing(value):
                missing = sum(map(_is_missing, values))
                raise InputError(
                    f"the column '{self.column}' has no label in {given.row_named(row)}, and in {missing - 1} "
                    "more; remove these rows, or give them a label",
                    key=self.column,
                    row=given.number(row),
                )
            name = names[value]
            if read_as.get(name, name) not in numbers:
                places = f"; classes: 0 to {len(numbers) - 1}" if by_place else nearest(name, numbers)
                raise InputError(
                    f"the column '{self.column}', {given.row_named(row)}: '{name}' is not a class{places}",
                    key=self.column,
                    row=given.number(row),
                )
            labels[row] = numbers[read_as.get(name, name)]
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

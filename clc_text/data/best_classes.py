"""Tables of rows × classes that keep the best classes of every row, and one number for all the others.

With thousands of classes nearly all of a table [N, C] says "hardly possible": 200,000 rows of 5,000 classes are 8 GB,
of which a row's 50 likeliest classes hold what matters in 80 MB. A table that is `is_large` keeps those, the class
that the row was given whatever it is worth, and the mean of what all others have, so that every row still sums to 1.

Whoever goes through a table in parts (`data.beliefs.blocks`) reads and writes parts [n, C] of either kind of table.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from clc_text.errors import InputError

BEST = 50  # classes of a row; a row of fewer than four times as many would save too little
DENSE_CLASSES = 1_000  # and no more are in a table that keeps all
DENSE_CELLS = 178_000_000  # rows times classes likewise: 1.4 GB as float64
_SMALLEST = 1e-30


def is_large(rows: int, classes: int) -> bool:
    """Whether tables of so many rows and classes keep the best classes alone."""
    return classes > DENSE_CLASSES or (rows * classes > DENSE_CELLS and classes >= 4 * BEST)


def check_all_kept(rows: int, classes: int, who: str) -> None:
    """Raises: InputError: tables of so many rows and classes keep the best classes alone, and who needs all."""
    if is_large(rows, classes):
        raise InputError(
            f"{who} need all classes of a row, and of {rows:,} rows of {classes:,} classes the {BEST} best are kept",
            key=who,
        )


@dataclass(frozen=True)
class BestClasses:
    """
    Attributes:
        classes: int32 [N, k], of each row, the first the one that it was given.
        values: float32 [N, k], theirs.
        rest: float32 [N], of each other class.
        count: C.
        logs: whether they are logarithms; the mean of the others is that of what they are logarithms of.
    """

    classes: np.ndarray
    values: np.ndarray
    rest: np.ndarray
    count: int
    logs: bool = False

    @classmethod
    def empty(cls, given: np.ndarray, count: int, logs: bool = False) -> BestClasses:
        """Of no certain content, for rows given the classes int [N], of so many."""
        shape = (len(given), min(BEST, count))
        classes = np.zeros(shape, np.int32)
        classes[:, 0] = given
        return cls(classes, np.zeros(shape, np.float32), np.zeros(len(given), np.float32), count, logs)

    @property
    def shape(self) -> tuple[int, int]:
        return len(self.rest), self.count

    @property
    def size(self) -> int:
        return len(self.rest) * self.count

    @property
    def others(self) -> int:
        """How many classes share `rest`."""
        return self.count - self.classes.shape[1]

    def __len__(self) -> int:
        return len(self.rest)

    def __getitem__(self, part: slice) -> np.ndarray:
        """float64 [n, C], some rows with all classes."""
        if not isinstance(part, slice):
            raise TypeError("rows of a table that keeps the best classes are read in slices; `some_rows` chooses some")
        rest = self.rest[part].astype(np.float64)
        table = np.repeat(rest[:, None], self.count, axis=1)
        np.put_along_axis(table, self.classes[part].astype(np.int64), self.values[part].astype(np.float64), 1)
        return table

    def __setitem__(self, part: slice | np.ndarray, table: np.ndarray) -> None:
        """Keeps the best classes of some rows [n, C], a slice or their numbers [n]."""
        k, given = self.classes.shape[1], self.classes[part, 0].astype(np.int64)
        each = np.arange(len(table))
        ranked = np.array(table)
        ranked[each, given] = np.inf
        best = ranked.argpartition(self.count - k, axis=1)[:, self.count - k :] if self.others else _all_of(table)
        place = (best == given[:, None]).argmax(1)
        best[each, place], best[:, 0] = best[:, 0].copy(), given
        values = np.take_along_axis(table, best, 1)
        self.classes[part], self.values[part] = best, values
        if not self.others:
            self.rest[part] = values.min(1)
            return
        np.put_along_axis(ranked, best, -np.inf if self.logs else 0.0, 1)
        if self.logs:
            left = np.exp(ranked, out=ranked).sum(1, dtype=np.float64) / self.others
            self.rest[part] = np.log(np.maximum(left, _SMALLEST))
        else:
            self.rest[part] = ranked.sum(1, dtype=np.float64) / self.others

    def rows(self, rows: Any) -> BestClasses:
        """Those rows alone: a slice, a mask [N], or numbers [n]."""
        return replace(self, classes=self.classes[rows], values=self.values[rows], rest=self.rest[rows])

    def mapped(self, function: Callable[[np.ndarray], np.ndarray], logs: bool) -> BestClasses:
        """A function of every number."""
        values = function(self.values).astype(np.float32, copy=False)
        return replace(self, values=values, rest=function(self.rest).astype(np.float32, copy=False), logs=logs)

    def copy(self) -> BestClasses:
        return self.rows(slice(None)).mapped(np.copy, self.logs)

    def argmax(self, axis: int = 1) -> np.ndarray:
        """int64 [N], the first class."""
        assert axis in (1, -1)
        first = self.values.argmax(1)[:, None]
        return np.take_along_axis(self.classes, first, 1)[:, 0].astype(np.int64)

    def of_labels(self, labels: np.ndarray) -> np.ndarray:
        """float64 [N], what each row has of one class, int [N]."""
        here = self.classes == labels[:, None]
        there = np.take_along_axis(self.values, here.argmax(1)[:, None], 1)[:, 0]
        return np.where(here.any(1), there, self.rest).astype(np.float64)

    def of_classes(self, weights: np.ndarray | None = None) -> np.ndarray:
        """float64 [C], the sum over the rows, each as often as its weight [N]."""
        rest = self.rest.astype(np.float64) if weights is None else self.rest * weights
        above = self.values.astype(np.float64) - self.rest[:, None]
        if weights is not None:
            above *= weights[:, None]
        return rest.sum() + np.bincount(self.classes.ravel(), above.ravel(), self.count)

    def renamed(self, names: np.ndarray) -> BestClasses:
        """With class c called `names` [C] of c; the first is then no longer the one that a row was given."""
        return replace(self, classes=names.astype(np.int32)[self.classes])


def joined(tables: Sequence[BestClasses]) -> BestClasses:
    """The rows of several one after another."""
    classes, values, rest = (
        np.concatenate([getattr(one, name) for one in tables]) for name in ("classes", "values", "rest")
    )
    return replace(tables[0], classes=classes, values=values, rest=rest)


def tensors_of(name: str, tables: Sequence[BestClasses]) -> dict[str, np.ndarray]:
    """What a file keeps of P tables of the same rows: ``name`` float32 [P, N, k], with ``_classes`` int32 [P, N, k]
    and ``_rest`` float32 [P, N]."""
    return {
        name: np.stack([one.values for one in tables]),
        f"{name}_classes": np.stack([one.classes for one in tables]),
        f"{name}_rest": np.stack([one.rest for one in tables]),
    }


def keeps_best(names: Container[str], name: str) -> bool:
    """Whether a file with tensors of these names has what `tensors_of` gave."""
    return f"{name}_rest" in names


def from_tensors(tensors: Mapping[str, np.ndarray], name: str, count: int, logs: bool) -> list[BestClasses]:
    """The tables that `tensors_of` gave, of C classes.

    Raises:
        KeyError: one of their tensors is missing.
        ValueError: they do not belong together.
    """
    values, classes, rest = (tensors[f"{name}{part}"] for part in ("", "_classes", "_rest"))
    if (
        values.shape != classes.shape
        or values.shape[:2] != rest.shape
        or not ((classes >= 0) & (classes < count)).all()
    ):
        raise ValueError(f"what is kept of `{name}` does not belong together")
    return [BestClasses(*one, count, logs) for one in zip(classes, values, rest, strict=True)]


Table = np.ndarray | BestClasses
"""float [N, C], of either kind."""


def empty_as(table: Table) -> Any:
    """A table like another one, of no certain content; float64 where it has all classes."""
    if isinstance(table, BestClasses):
        return replace(
            table, classes=table.classes.copy(), values=np.zeros_like(table.values), rest=np.zeros_like(table.rest)
        )
    return np.empty(table.shape)


def some_rows(table: Any, rows: Any) -> Any:
    """A table [n, C] of some rows: a slice, a mask, or numbers."""
    return table.rows(rows) if isinstance(table, BestClasses) else table[rows]


def of_labels(table: Table, labels: np.ndarray) -> np.ndarray:
    """float64 [N], what each row has of one class, int [N]; of several problems [N, K, C] that of [N, K]."""
    if isinstance(table, BestClasses):
        return table.of_labels(labels)
    return np.take_along_axis(table, labels[..., None], -1)[..., 0]


def logs_of(probs: Table, smallest: float) -> Any:
    """Logarithms of probabilities, none below that of the smallest."""
    if isinstance(probs, BestClasses):
        return probs.mapped(lambda values: np.log(values.clip(smallest)), logs=True)
    return np.log(probs.clip(smallest))


def _all_of(table: np.ndarray) -> np.ndarray:
    return np.repeat(np.arange(table.shape[1])[None], len(table), axis=0)

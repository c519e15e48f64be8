"""Several labels a row: who said what of which row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from clc_text.errors import InputError

_CELLS_AT_ONCE = 1 << 22


@dataclass(frozen=True)
class Votes:
    """M votes of J sources on N rows, sorted by row; what nobody said is not there.

    A vote that is a distribution stands as one entry a class, whose weights sum to 1.

    Attributes:
        row: int64 [M].
        source: int64 [M], the place in `sources`.
        label: int64 [M], the class, 0 … C-1.
        weight: float64 [M], 1 for a vote for one class.
        rows: N.
        sources: J names of annotators, rules or models.
        classes: C.
    """

    row: np.ndarray
    source: np.ndarray
    label: np.ndarray
    weight: np.ndarray
    rows: int
    sources: tuple[str, ...]
    classes: int

    @classmethod
    def of(
        cls,
        row: np.ndarray,
        source: np.ndarray,
        label: np.ndarray,
        rows: int,
        sources: Sequence[str],
        classes: int,
        weight: np.ndarray | None = None,
    ) -> Votes:
        """Of three or four lists, one entry a vote, in any order.

        Raises:
            InputError: a row, source or class is none, or a source says two things of one row.
        """
        lists = {"row": row, "source": source, "label": label}
        columns = {name: _whole(values, name) for name, values in lists.items()}
        weights = np.ones(len(columns["row"])) if weight is None else np.asarray(weight, dtype=np.float64)
        if len({len(values) for values in [*columns.values(), weights]}) > 1:
            raise InputError("votes need a row, a source and a class each; the lists differ in length", key="votes")
        for name, most in (("row", rows), ("source", len(sources)), ("label", classes)):
            outside = (columns[name] < 0) | (columns[name] >= most)
            if outside.any():
                raise InputError(
                    f"a vote has the {name} {columns[name][outside][0]}, but they are 0 to {most - 1}", key=name
                )
        if not (np.isfinite(weights) & (weights >= 0)).all():
            raise InputError("a vote's weight must be a number of at least 0", key="weight")
        order = np.lexsort((columns["label"], columns["source"], columns["row"]))
        ordered = (columns["row"][order], columns["source"][order], columns["label"][order], weights[order])
        votes = cls(*ordered, rows, tuple(sources), classes)
        votes._check_once()
        return votes

    @classmethod
    def of_table(cls, table: np.ndarray, classes: int, sources: Sequence[str] | None = None) -> Votes:
        """Of a table of class numbers [N, J] with -1 where a source said nothing, or of distributions [N, J, C] with
        NaN or zeros there.

        Raises:
            InputError: the table is neither, or a class is none of the C.
        """
        table = np.asarray(table)
        names = sources if sources is not None else [str(number) for number in range(table.shape[1])]
        if table.ndim == 2 and table.dtype.kind in "iu":
            if (wrong := table < -1).any():
                raise InputError(f"a vote has the class {table[wrong][0]}; -1 stands for none", key="class")
            row, source = np.nonzero(table >= 0)
            return cls.of(row, source, table[row, source], len(table), names, classes)
        if table.ndim != 3 or table.shape[2] != classes:
            raise InputError(
                f"votes must be class numbers [rows, sources] or [rows, sources, {classes}] probabilities", key="votes"
            )
        table = np.nan_to_num(table.astype(np.float64))
        sums = table.sum(2)
        if (table < 0).any() or not ((np.abs(sums - 1) < 1e-3) | (sums == 0)).all():
            raise InputError(
                "a vote is no distribution: its probabilities must be at least 0 and sum to 1", key="vote"
            )
        row, source, label = np.nonzero(table)
        weight = table[row, source, label] / sums[row, source]
        return cls.of(row, source, label, len(table), names, classes, weight)

    def __len__(self) -> int:
        return len(self.row)

    def part(self, kept: np.ndarray) -> Votes:
        """Those votes [M] alone; rows and sources stay as they are."""
        return Votes(
            self.row[kept], self.source[kept], self.label[kept], self.weight[kept],
            self.rows, self.sources, self.classes,
        )  # fmt: skip

    def of_rows(self, rows: np.ndarray) -> Votes:
        """The votes on some rows, in order, numbered anew."""
        number = np.full(self.rows, -1, np.int64)
        number[rows] = np.arange(len(rows))
        kept = self.part(number[self.row] >= 0)
        return Votes(
            number[kept.row], kept.source, kept.label, kept.weight, len(rows), self.sources, self.classes
        )  # fmt: skip

    def weighed(self, of_source: np.ndarray) -> Votes:
        """The same votes, each times the weight [J] of its source."""
        weight = self.weight * of_source[self.source]
        return Votes(self.row, self.source, self.label, weight, self.rows, self.sources, self.classes)

    @property
    def per_row(self) -> np.ndarray:
        """int64 [N], how many sources said something of each row."""
        return np.bincount(self.row[self._firsts], minlength=self.rows)

    @property
    def per_source(self) -> np.ndarray:
        """int64 [J], of how many rows each source said something."""
        return np.bincount(self.source[self._firsts], minlength=len(self.sources))

    @property
    def counts(self) -> np.ndarray:
        """float64 [N, C], the weight of the votes for each class."""
        cells = np.bincount(self.row * self.classes + self.label, self.weight, self.rows * self.classes)
        return cells.astype(np.float64, copy=False).reshape(self.rows, self.classes)  # of no votes they are whole

    @property
    def likeliest(self) -> Votes:
        """The votes for one class each: of a distribution the likeliest, the first of them, at its whole weight."""
        if self.single:
            return self
        order = np.lexsort((self.label, -self.weight, self.source, self.row))
        first = order[self._firsts]  # rows and sources are in their places before and after
        label, weight = self.label[first], np.add.reduceat(self.weight, self.starts)
        return Votes(
            self.row[first], self.source[first], label, weight, self.rows, self.sources, self.classes
        )  # fmt: skip

    @property
    def single(self) -> bool:
        """Whether every vote is for one class."""
        return bool(self._firsts.all())

    def of_vote(self, values: np.ndarray) -> np.ndarray:
        """float64 [M], to each entry the sum of values [M] over the entries of its vote."""
        if self.single:
            return values
        vote = np.cumsum(self._firsts) - 1
        return np.bincount(vote, values)[vote]

    @property
    def probs(self) -> np.ndarray:
        """float64 [M], of each entry within its vote: 1 for a vote for one class, whatever its weight."""
        if self.single:
            return np.ones(len(self))
        return self.weight / np.maximum(self.of_vote(self.weight), 1e-300)

    @property
    def majority(self) -> np.ndarray:
        """float64 [N, C], the votes' shares; a row without votes has all classes alike."""
        counts = self.counts
        sums = counts.sum(1, keepdims=True)
        return np.divide(counts, sums, out=np.full_like(counts, 1 / self.classes), where=sums > 0)

    def one_each(self) -> np.ndarray | None:
        """int64 [N], the labels, where there is one source that gave every row one; else None."""
        if len(self.sources) == 1 and len(self) == self.rows and (self.weight == 1).all():
            return self.label if (self.row == np.arange(self.rows)).all() else None
        return None

    @property
    def starts(self) -> np.ndarray:
        """int64, the first entry of each vote."""
        return np.flatnonzero(self._firsts)

    def blocks(self) -> Iterator[tuple[slice, np.ndarray, np.ndarray]]:
        """Some votes after the other, so that [votes, C] numbers of each fit into memory: their entries, int64 [b] the
        row of each of these b votes, and int64 the vote, 0 … b-1, of each entry."""
        starts, size = self.starts, max(1, _CELLS_AT_ONCE // self.classes)
        for begin in range(0, len(starts), size):
            some = starts[begin : begin + size]
            end = int(starts[begin + size]) if begin + size < len(starts) else len(self)
            vote = np.searchsorted(some, np.arange(some[0], end), side="right") - 1
            yield slice(int(some[0]), end), self.row[some], vote

    @property
    def _firsts(self) -> np.ndarray:
        """bool [M], the first entry of each source on each row."""
        first = np.ones(len(self), bool)
        first[1:] = (self.row[1:] != self.row[:-1]) | (self.source[1:] != self.source[:-1])
        return first

    def _check_once(self) -> None:
        starts = self.starts
        sums = np.add.reduceat(self.weight, starts) if len(starts) else self.weight
        twice = np.flatnonzero(sums > 1 + 1e-6)
        if len(twice):
            entry = starts[twice[0]]
            raise InputError(
                f"{self.sources[self.source[entry]]} has voted more than once on row {self.row[entry]}; one vote a "
                "source and row",
                row=self.row[entry],
            )


def places_in_row(row: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """int64, the place of each entry among those of its row, in an order that is drawn; `row` rises."""
    order = np.lexsort((random.random(len(row)), row))
    place = np.empty(len(row), np.int64)
    place[order] = np.arange(len(row)) - np.searchsorted(row, row[order])
    return place


def _whole(values: Any, name: str) -> np.ndarray:
    numbers = np.asarray(values)
    if numbers.ndim != 1 or (len(numbers) and numbers.dtype.kind not in "iu"):
        raise InputError(f"the {name}s of votes must be a list of whole numbers", key=name)
    return numbers.astype(np.int64)

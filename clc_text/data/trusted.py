"""Rows whose label a person has told, each with the probability that it was asked about."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from clc_text.errors import InputError
from clc_text.utils.files import write_with

# Share of the answers that are wrong, as far as one knows beforehand: people who know the classes slip in some. Taken
# as certain, one wrong answer to a row that all else is sure of outweighs a hundred right ones, and what is believed
# is made unsure until it fits (recipes/results/answers.md).
ERR = 0.05


@dataclass(frozen=True)
class TrustedLabels:
    """Answers of people.

    Attributes:
        rows: int64 [n], different rows of the training set.
        labels: int64 [n], their true classes.
        inclusion: float64 [n], the probability with which the row was drawn; nan where nobody knows it: such a row
            teaches its class, but says nothing of how often other labels are wrong. None: nan everywhere.
    """

    rows: np.ndarray
    labels: np.ndarray
    inclusion: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def weights(self) -> np.ndarray:
        """float64 [n], the number of rows that each stands for, 1 / inclusion (Horvitz and Thompson, 1952); 0 where
        that is not known, and everywhere unless some row stands for more than itself."""
        if self.inclusion is None:
            return np.zeros(len(self))
        weights = np.divide(1.0, self.inclusion, out=np.zeros(len(self)), where=self.inclusion > 0)
        return weights if (weights > 1).any() else np.zeros(len(self))

    def classes(self, count: int) -> np.ndarray:
        """int64 [count], the class of each row of the training set; -1 where nobody has told it."""
        told = np.full(count, -1, np.int64)
        told[self.rows] = self.labels
        return told

    def of_rows(self, rows: np.ndarray, count: int) -> TrustedLabels | None:
        """The answers of some rows of `count`, numbered anew; None where nobody has answered any of them."""
        number = np.full(count, -1, np.int64)
        number[rows] = np.arange(len(rows))
        kept = number[self.rows] >= 0
        inclusion = None if self.inclusion is None else self.inclusion[kept]
        trusted = TrustedLabels(number[self.rows[kept]], self.labels[kept], inclusion)
        return trusted if len(trusted) else None

    @property
    def digest(self) -> str:
        """sha256 of all of it, in the order of the rows."""
        order = np.argsort(self.rows, kind="stable")
        inclusion = np.full(len(self), np.nan) if self.inclusion is None else self.inclusion
        digest = hashlib.sha256()
        for values, kind in ((self.rows, "<i8"), (self.labels, "<i8"), (inclusion, "<f8")):
            digest.update(np.ascontiguousarray(values[order].astype(kind)).tobytes())
        return digest.hexdigest()

    def check(self, count: int, classes: int | None) -> None:
        """Refuses answers that are no answers to a training set of so many rows and classes (None: not known).

        Raises:
            InputError: what is wrong with the first of them.
        """
        for name in ("rows", "labels"):
            values: Any = getattr(self, name)
            if not isinstance(values, np.ndarray) or values.ndim != 1 or values.dtype.kind not in "iu":
                raise InputError(
                    f"trusted.{name} must be a numpy array of whole numbers, one a row", key=f"trusted.{name}"
                )
        if not len(self):
            raise InputError("trusted holds no answer; leave it out", key="trusted")
        if len(self.rows) != len(self.labels):
            raise InputError(
                f"trusted has {len(self.rows)} rows and {len(self.labels)} labels; one label a row", key="trusted"
            )
        outside = (self.rows < 0) | (self.rows >= count)
        if outside.any():
            raise InputError(
                f"trusted has row {self.rows[outside][0]}, but rows are 0 to {count - 1}",
                key="trusted",
                row=self.rows[outside][0],
            )
        values, times = np.unique(self.rows, return_counts=True)
        if (times > 1).any():
            raise InputError(
                f"trusted has row {values[times > 1][0]} several times; one answer a row",
                key="trusted",
                row=values[times > 1][0],
            )
        strange = (self.labels < 0) | (self.labels >= (classes or np.inf))
        if strange.any():
            raise InputError(
                f"trusted has class {self.labels[strange][0]} for row {self.rows[strange][0]}, but the model has "
                f"{classes} classes"
                if classes
                else f"trusted has class {self.labels[strange][0]}, but classes are numbered from 0",
                key="trusted",
            )
        if self.inclusion is None:
            return
        if self.inclusion.shape != self.rows.shape:
            raise InputError("trusted.inclusion must be one probability a row", key="trusted.inclusion")
        wrong = ~(np.isnan(self.inclusion) | ((self.inclusion > 0) & (self.inclusion <= 1)))
        if wrong.any():
            raise InputError(
                f"trusted.inclusion of row {self.rows[wrong][0]} is {self.inclusion[wrong][0]}; it is a probability "
                "above 0, or nan where nobody knows it",
                key="trusted.inclusion",
                row=self.rows[wrong][0],
            )

    def write(self, path: Path) -> None:
        """As a Parquet file: `row`, `label` (class number), `inclusion` (null: not known)."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        inclusion = np.full(len(self), np.nan) if self.inclusion is None else self.inclusion
        columns = {
            "row": self.rows.astype(np.int64),
            "label": self.labels.astype(np.int32),
            "inclusion": pa.array(inclusion, mask=np.isnan(inclusion)),
        }
        write_with(path, lambda aside: pq.write_table(pa.table(columns), aside, compression="zstd"))

    @classmethod
    def read(cls, path: Path) -> TrustedLabels:
        """What `write` wrote.

        Raises:
            ValueError: it is damaged.
        """
        import pyarrow.parquet as pq

        table = pq.read_table(path)
        inclusion = table["inclusion"].cast("float64").fill_null(np.nan).to_numpy()
        trusted = cls(table["row"].to_numpy(), table["label"].to_numpy().astype(np.int64), inclusion)
        if not len(trusted) or len(np.unique(trusted.rows)) != len(trusted):
            raise ValueError("its rows are not all different")
        return trusted

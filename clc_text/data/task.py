"""What a dataset gives to a run, whatever its modality."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from clc_text.utils.files import sha256_of_file

if TYPE_CHECKING:
    import pyarrow as pa
    from datasets import Dataset

    from clc_text.data.votes import Votes

NO_YES = ["no", "yes"]  # the classes of a pair of a text and a class


@dataclass(frozen=True)
class Task:
    """A classification task: rows to train on, rows to test on, and what is known of their labels.

    Attributes:
        name: the dataset's name, as it appears in results.
        train: the source rows in the source's order, all columns of the source kept.
        test: rows with trusted labels, or None where there are none.
        input_column: the column a network reads (``"text"``, ``"image"``).
        label_column: the column of given labels, a `ClassLabel` feature in `train` and `test`.
        true_labels: int64 [N], the true class of every training row, where the source knows it (a benchmark whose
            labels are sound, or a weakly labelled set that carries a gold column); None for a user's own data.
        sources: one entry a file read: ``{"path", "sha256", "bytes"}`` (``path`` is the file's name, not its folder).
        facts: what the loader noticed and the user should know (rows dropped, empty texts, duplicates), as
            name -> number or sentence.
        id_column: the column of `train` that names a row; None where there is none.
        source_row: int64 [N], the number of every training row in its file, as the file counts them; None where the
            rows stand in no file.
        row_noun: what that number counts: "row", "line" or "entry".
        label_type: Arrow's name of the type that the labels have in the source, or "ClassLabel".
        distribution: float32 [N, C], the labels of the training rows where these are distributions, whose likeliest
            classes are then the given ones; None: classes.
        votes: what several sources say of every training row; the labels are then their majority. None: one label a
            row.
        asked: K classes of which several may hold of one text (multi-label); () where a row has one class. Rows are
            then pairs: for each text in order one row a class, which `class_column` names, and the label says "no" or
            "yes".
        class_column: the column that names a pair's class; None where a row has one class.
        unlabelled: the rows that nobody labels, which are left out of `train`; None: there are none.
        unlabelled_row: int64, their numbers in the file, as `source_row`.
    """

    name: str
    train: Dataset
    test: Dataset | None
    input_column: str
    label_column: str
    true_labels: np.ndarray | None = None
    sources: tuple[dict[str, Any], ...] = ()
    facts: dict[str, Any] = field(default_factory=dict)
    id_column: str | None = None
    source_row: np.ndarray | None = None
    row_noun: str = "row"
    label_type: str = "string"
    distribution: np.ndarray | None = None
    votes: Votes | None = None
    asked: tuple[str, ...] = ()
    class_column: str | None = None
    unlabelled: Dataset | None = None
    unlabelled_row: np.ndarray | None = None

    @property
    def per_text(self) -> int:
        """How many rows a text has: K, or 1."""
        return len(self.asked) or 1

    @property
    def output_names(self) -> list[str]:
        """What a network answers, one logit each: the classes."""
        return list(self.asked) or self.label_names

    def held(self) -> np.ndarray:
        """int64 [texts, K] of a multi-label set: whether each class is given as holding."""
        return self.given_labels.reshape(-1, len(self.asked))

    def pairs_of(self, texts: np.ndarray) -> np.ndarray:
        """The rows of texts: numbers [T] of texts -> [T · K] of rows; themselves where a row is a text."""
        per = self.per_text
        return (np.asarray(texts)[:, None] * per + np.arange(per)).reshape(-1)

    def firsts_of(self, first: np.ndarray) -> np.ndarray:
        """int64 [N], the first copy of each row, from that of each text (`first_copies`)."""
        return self.pairs_of(first)

    @property
    def label_names(self) -> list[str]:
        return list(self.train.features[self.label_column].names)

    @property
    def given_labels(self) -> np.ndarray:
        """int64 [N], the labels of the training rows as the source gives them."""
        return column(self.train, self.label_column).to_numpy().astype(np.int64)

    @property
    def test_labels(self) -> np.ndarray | None:
        """int64 [M], or None without test rows."""
        return None if self.test is None else column(self.test, self.label_column).to_numpy().astype(np.int64)


def with_labels(rows: Dataset, name: str, labels: np.ndarray) -> Dataset:
    """The rows with other labels [N] in a column, of the classes that it had; it becomes the last one."""
    return rows.remove_columns(name).add_column(name, labels, feature=rows.features[name])


def column(rows: Dataset, name: str) -> pa.ChunkedArray:
    """One column as Arrow: a Python list of a million values would take half a minute."""
    if rows._indices is not None:
        rows = rows.select_columns([name]).flatten_indices()
    return rows.data.column(name)


def describe_file(path: Path) -> dict[str, Any]:
    """The `sources` entry of one file."""
    return {"path": path.name, "sha256": sha256_of_file(path), "bytes": path.stat().st_size}

"""The labels of a training set: what its rows were given, what is known of them, and what is learnt of them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from clc_text.data.trusted import TrustedLabels
from clc_text.data.votes import Votes
from clc_text.utils.files import write_with

if TYPE_CHECKING:
    import pyarrow as pa

SUM = 1e-3  # by which a distribution may miss a sum of 1


@dataclass(frozen=True)
class Labels:
    """Labels of N rows of C classes, as class numbers; all but the first may be left out.

    Where several of K classes may hold of a row, classes are [N, K] of 0 and 1 instead.

    What a row was given is one class; or a distribution over the classes, or what several sources say of it, and
    `given` is then the likeliest class.

    Attributes:
        given: int64 [N], as the source or the noise injection gives them.
        trained: int64 [N], what training sees: `given`, but for the canaries.
        true: int64 [N], -1 where unknown; None where no row's true label is known.
        canary: bool [N], the rows flipped on purpose.
        source_row: int64 [N], the number of each row in the file that it came from, as the file counts them; None
            where that is not known.
        distribution: float32 [N, C], what was given where that is a distribution; None: a class.
        votes: of several sources; None: one label a row.
        belief: float [N, C], what the votes say together, and with them whatever people have answered since, where
            networks are to learn that; None: the class.
        trusted: what people have answered; None: nothing. Where classes are [N, K], its rows are pairs n · K + k.

    Raises:
        ValueError: they do not belong together.
    """

    given: np.ndarray
    trained: np.ndarray = None  # type: ignore[assignment]
    true: np.ndarray | None = None
    canary: np.ndarray = None  # type: ignore[assignment]
    source_row: np.ndarray | None = None
    distribution: np.ndarray | None = None
    votes: Votes | None = None
    belief: np.ndarray | None = None
    trusted: TrustedLabels | None = None

    def __post_init__(self) -> None:
        if self.trained is None:
            object.__setattr__(self, "trained", self.given)
        if self.canary is None:
            object.__setattr__(self, "canary", np.zeros(len(self.given), bool))
        self._check()

    @classmethod
    def of(cls, given: np.ndarray, **known: Any) -> Labels:
        """Of classes or distributions [N, C]. Distributions that name one class each are these classes."""
        if given.dtype.kind != "f":
            return cls(given, **known)
        shares = given.astype(np.float32)
        return cls(shares.argmax(1), distribution=none_of_one_each(shares), **known)

    def _check(self) -> None:
        rows = len(self.given)
        for field in fields(self)[:5]:
            values = getattr(self, field.name)
            kind = "b" if field.name == "canary" else "iu"
            if values is None:
                continue
            shape = (rows,) if field.name in ("canary", "source_row") else self.given.shape
            if values.shape != shape or values.dtype.kind not in kind:
                raise ValueError(
                    f"`{field.name}` is of the type {values.dtype} and the shape {values.shape}, of {rows:,} rows"
                )
        for name in ("given", "trained"):
            if (getattr(self, name) < 0).any():
                raise ValueError(f"`{name}` has a number below 0")
        differs = self.trained != self.given
        if ((differs if differs.ndim == 1 else differs.any(1)) & ~self.canary).any():
            raise ValueError("`trained` differs from `given` where no label was flipped on purpose")
        several = self.distribution is not None or self.votes is not None
        if several and self.canary.any():
            raise ValueError("canaries are flipped labels, and these rows have distributions or several labels")
        if self.votes is not None and self.votes.rows != rows:
            raise ValueError(f"the votes are on {self.votes.rows:,} rows of {rows:,}")
        for name in ("distribution", "belief"):
            self._check_distribution(name, getattr(self, name))
        if self.trusted is not None:
            self.trusted.check(self.given.size, None)
            if self.given.ndim == 1 and self.canary[self.trusted.rows].any():
                raise ValueError("a row that somebody has answered is no canary")

    def _check_distribution(self, name: str, shares: np.ndarray | None) -> None:
        if shares is None:
            return
        if shares.ndim != 2 or len(shares) != len(self.given) or shares.dtype.kind != "f":
            raise ValueError(f"`{name}` is of the shape {shares.shape}, of {len(self.given):,} rows")
        if not (shares >= 0).all() or (np.abs(shares.sum(1) - 1) > SUM).any():
            raise ValueError(f"`{name}` has a row that is no distribution")
        heard_since = name == "belief" and self.trusted is not None
        if not heard_since and (shares.argmax(1) != self.given).any():
            raise ValueError(f"`given` is not the likeliest class of `{name}`")

    def __len__(self) -> int:
        return len(self.given)

    @property
    def learnt(self) -> np.ndarray:
        """What training sees: int64 [N] classes, or float32 [N, C] distributions."""
        return self.trained if self.distribution is None else self.distribution

    @property
    def as_answered(self) -> np.ndarray:
        """As `learnt`, a copy, in whose answered rows stands what people have told."""
        answered = self.learnt.copy()
        if self.trusted is not None:
            told = self.trusted.labels
            if self.distribution is None:
                answered.reshape(-1)[self.trusted.rows] = told
            else:
                answered[self.trusted.rows] = np.eye(answered.shape[1])[told]
        return answered

    @property
    def told(self) -> np.ndarray | None:
        """As `given`, what people have answered; -1 where they have not, None where nobody has."""
        return None if self.trusted is None else self.trusted.classes(self.given.size).reshape(self.given.shape)

    @property
    def as_given(self) -> np.ndarray:
        """As `learnt`, before any label was flipped on purpose."""
        return self.given if self.distribution is None else self.distribution

    @property
    def problems(self) -> int:
        """K, where several classes may hold of a row; else 1."""
        return 1 if self.given.ndim == 1 else self.given.shape[1]

    def of_problem(self, problem: int) -> Labels:
        """No and yes of one class among several that may hold."""
        true = None if self.true is None else self.true[:, problem]
        return Labels(self.given[:, problem], self.trained[:, problem], true, self.canary, self.source_row)

    def of_class(self, number: int, asked: int) -> Labels:
        """Where rows are pairs of a text and one of K classes of which several may hold (`clc_text.data.task.Task`):
        no and yes of one class, a row a text.

        Args:
            number: of the class.
            asked: K.
        """
        return self.rows(np.arange(number, len(self), asked))

    @property
    def sound(self) -> np.ndarray:
        """bool [N], the rows that are no canaries."""
        return ~self.canary

    @property
    def known(self) -> np.ndarray:
        """bool [N], the rows whose true label is known."""
        return np.zeros(len(self), bool) if self.true is None else self.true >= 0

    def as_distribution(self, classes: int) -> np.ndarray:
        """float32 [N, C], what training sees."""
        return np.eye(classes, dtype=np.float32)[self.trained] if self.distribution is None else self.distribution

    def rows(self, index: np.ndarray) -> Labels:
        """Those of some rows, in order: numbers [n] in rising order, or bool [N]."""
        index = np.flatnonzero(index) if index.dtype == bool else index
        arrays = {
            field.name: values[index]
            for field in fields(self)
            if isinstance(values := getattr(self, field.name), np.ndarray)
        }
        votes = None if self.votes is None else self.votes.of_rows(index)
        trusted = None if self.trusted is None else self.trusted.of_rows(index, len(self))
        return replace(self, **arrays, votes=votes, trusted=trusted)

    def answered(self, trusted: TrustedLabels, classes: int) -> Labels:
        """With what people have answered; such a row is no canary.

        Raises:
            InputError: they are no answers to these rows.
        """
        trusted.check(len(self), classes)
        canary, trained = self.canary.copy(), self.trained.copy()
        canary[trusted.rows] = False
        trained[trusted.rows] = self.given[trusted.rows]
        return replace(self, canary=canary, trained=trained, trusted=trusted)

    # ---- noise/labels.parquet; votes and answers have files of their own ----

    def write(self, path: Path) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        unknown = np.ones(len(self), bool) if self.true is None else self.true < 0
        true = np.zeros(len(self), np.int64) if self.true is None else self.true
        columns: dict[str, Any] = {
            "row": np.arange(len(self), dtype=np.int64),
            "given": self.given.astype(np.int32),
            "trained": self.trained.astype(np.int32),
            "true": pa.array(true.astype(np.int32), mask=unknown),
            "canary": self.canary,
        }
        if self.source_row is not None:
            columns["source_row"] = self.source_row.astype(np.int64)
        if self.distribution is not None:
            flat = pa.array(self.distribution.ravel())
            columns["distribution"] = pa.FixedSizeListArray.from_arrays(flat, self.distribution.shape[1])
        write_with(path, lambda aside: pq.write_table(pa.table(columns), aside, compression="zstd"))

    @classmethod
    def read(cls, path: Path, **known: Any) -> Labels:
        """What `write` wrote.

        Args:
            known: what has files of its own, by the attributes' names.
        """
        import pyarrow.parquet as pq

        table = pq.read_table(path)
        true = table["true"].fill_null(-1).to_numpy().astype(np.int64)
        return cls(
            given=table["given"].to_numpy().astype(np.int64),
            trained=table["trained"].to_numpy().astype(np.int64),
            true=None if (true < 0).all() else true,
            canary=table["canary"].to_numpy(),
            source_row=table["source_row"].to_numpy() if "source_row" in table.column_names else None,
            distribution=_matrix(table["distribution"]) if "distribution" in table.column_names else None,
            **known,
        )


def none_of_one_each(distribution: np.ndarray) -> np.ndarray | None:
    """Distributions [N, C]; None where each is one class, for which a class number stands."""
    return None if bool((distribution.max(1) == 1).all()) else distribution


def _matrix(column: pa.ChunkedArray) -> np.ndarray:
    return np.asarray(column.combine_chunks().flatten().to_numpy().reshape(len(column), -1))


def sha256_of_labels(labels: np.ndarray) -> str:
    """Of classes [N] as little-endian int64, row after row; of distributions [N, C] as little-endian float32."""
    kind = "<f4" if labels.dtype.kind == "f" else "<i8"
    return hashlib.sha256(np.ascontiguousarray(labels, dtype=kind).tobytes()).hexdigest()


def classes_of(labels: np.ndarray) -> np.ndarray:
    """int64 [N], classes [N] as they are, and of distributions [N, C] the likeliest."""
    return np.asarray(labels.argmax(1) if labels.dtype.kind == "f" else labels)

"""The predictions of a run for its own training rows, read in blocks so that any number of rows fits into memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from clc_text.artifacts.cross_fit import shares_told
from clc_text.artifacts.run_directory import RunDirectory
from clc_text.artifacts.votes import joined_with_texts
from clc_text.data.best_classes import from_tensors, keeps_best
from clc_text.data.class_shares import ClassShares
from clc_text.errors import InputError
from clc_text.evidence.mixture import Judged, judge_near
from clc_text.evidence.views import weights
from clc_text.noise.estimation.near_noise import NearNoise, too_few

Kind = Literal["in sample", "out of sample", "views", "votes"]

IN_SAMPLE_FILE = "predictions.safetensors"
OUT_OF_SAMPLE_FILE = "crossfit.safetensors"
VIEWS_FILE = "evidence.safetensors"
BLOCK_BYTES = 32 << 20


@dataclass(frozen=True)
class RowPredictions:
    """Log-probabilities [P, N, C] of the training rows in a safetensors file, under the name ``train``.

    Attributes:
        kind: "in sample" when the networks were trained on these rows, "out of sample" when each row was predicted by
            networks that never saw its label, "views" when P are different views, out of sample all of them
            (`clc_text.evidence`), "votes" where rows have several labels and it is what these and the text say
            together, split into the joined label, which counts for no more than it does here, and the rest.
        folds: of the cross-fitting; None in sample.
        transition: float64 [C, C], the noise matrix that cross-fitting found with them, of views that of the given
            labels; None where nothing has.
        views: the views' names.
        sharpness: of views, the power of their pool.
        left_out: names of views that have learnt too little.
        asked: K where several of K classes may hold of a text; rows are then pairs, and `problem` gives those of one
            class, with what is its own.
        each: float64 [K, C, C], T of each class, where it is known.
        pool: of views of several classes, how much each counts; else as `views.weights` has it.
        biases: of these, what is added to each class's log-odds, [K], or of one class alone.
        rates: float64 [3, K], of views the share of wrong labels of each class and its ends (`Plateau.rates`), [3] of
            one class; None: not known beforehand.
        part: which rows of the file these are: (first, every so many).
        nearness: of views, how much of the noise is near a decision (`noise.estimation.near_noise`).
        ahead: of views, by how many standard errors noise explains held-out labels better than they alone do; 0 where
            the best classes alone are kept and rows are too few to tell (`near_noise.too_few`); None: not known.
        by_chance: of views, what labels are doubted by where noise explains nothing (`near_noise.doubt_by_chance`).
        class_weights: float64 [C], of what views believe,
        prior_weights: float64 [C], of what they say without the label, and
        shares: how common the classes truly are, where somebody has told; else None.
        best: whether the file keeps the best classes of a row alone (`data.best_classes`).
    """

    path: Path
    kind: Kind
    folds: int | None
    peers: int
    rows: int
    classes: int
    transition: np.ndarray | None = None
    views: tuple[str, ...] = ()
    sharpness: float = 1.0
    left_out: tuple[str, ...] = ()
    asked: int = 0
    each: np.ndarray | None = None
    pool: tuple[float, ...] = ()
    biases: tuple[float, ...] = ()
    part: tuple[int, int] = (0, 1)
    rates: np.ndarray | None = None
    nearness: float = 0.0
    ahead: float | None = None
    by_chance: float | None = None
    class_weights: np.ndarray | None = None
    prior_weights: np.ndarray | None = None
    shares: ClassShares | None = None
    best: bool = False

    @property
    def noise(self) -> NearNoise:
        """Of views, what explains the given labels.

        Raises:
            InputError: the file has no noise matrix.
        """
        if self.transition is None:
            raise InputError(
                f"{self.path} has no noise matrix; remove it and run `clc-text correct` again", where=self.path
            )
        return NearNoise(
            self.sharpness, self.transition, self.nearness, self.ahead, self.class_weights, self.prior_weights,
            self.by_chance,
        )  # fmt: skip

    @property
    def weights(self) -> np.ndarray:
        """float64 [V], how much each view counts, of sum 1."""
        return np.array(self.pool) if self.pool else weights(self.views)

    @property
    def bias(self) -> np.ndarray | None:
        """float64 [2], what is added to the pool of one class among several; None: nothing."""
        return np.array([0.0, self.biases[0]]) if self.biases else None

    def problem(self, number: int) -> RowPredictions:
        """The predictions of one class among several that may hold: of texts, not of pairs."""
        return replace(
            self,
            rows=self.rows // self.asked,
            asked=0,
            transition=None if self.each is None else self.each[number],
            each=None,
            part=(number, self.asked),
            biases=self.biases[number : number + 1],
            rates=None if self.rates is None else self.rates[:, number],
        )

    def blocks(self) -> Iterator[tuple[int, np.ndarray]]:
        """(first row, float32 [P, b, C]) one after the other.

        Raises:
            InputError: the file holds a number that is no log-probability.
        """
        from safetensors import safe_open

        size = max(1, BLOCK_BYTES // (4 * max(self.peers, 1) * self.classes))
        first, every = self.part
        for start in range(0, self.rows, size):
            # Opened anew for each block: the pages that were read are let go with the memory map.
            with safe_open(self.path, "np") as opened:
                stop = min(start + size, self.rows)
                block = self._block(opened, slice(start * every, stop * every))[:, first::every]
            if not (block <= 1e-3).all():
                raise InputError(
                    f"{self.path} holds values that are no log-probabilities; train the run again", where=self.path
                )
            yield start, block

    def _block(self, opened: Any, rows: slice) -> np.ndarray:
        """float32 [P, b, C] of an opened file."""
        if not self.best:
            return np.asarray(opened.get_slice("train")[:, rows, :])
        names = ("train", "train_classes", "train_rest")
        some = {name: opened.get_slice(name)[:, rows] for name in names}
        tables = from_tensors(some, "train", self.classes, logs=True)
        return np.stack([one[:].astype(np.float32) for one in tables])

    def of(self, rows: np.ndarray) -> np.ndarray:
        """float32 [P, n, C] of some rows, by their numbers in rising order; errors as `blocks`."""
        log_probs = np.empty((self.peers, len(rows), self.classes), np.float32)
        for start, block in self.blocks():
            inside = np.flatnonzero((rows >= start) & (rows < start + block.shape[1]))
            log_probs[:, inside] = block[:, rows[inside] - start]
        return log_probs

    def judged(self, log_probs: np.ndarray, given: np.ndarray) -> Judged:
        """What views say of some labels, one class a row.

        Args:
            log_probs: float32 [P, n, C], theirs of these rows (`of`).
            given: int64 [n], or float [n, C] distributions.

        Raises:
            InputError: the file has no noise matrix.
        """
        return judge_near(log_probs, self.weights, given, self.noise)


def in_sample(run: RunDirectory) -> RowPredictions:
    """What the run's own networks say of the rows they were trained on."""
    path = run.file(IN_SAMPLE_FILE)
    if not path.is_file():
        raise InputError(
            f"{run.path} has no {IN_SAMPLE_FILE}: the run has not ended; `clc-text train RECIPE --resume` goes on",
            where=run.path,
        )
    return _opened(run, path, "in sample")


def out_of_sample(run: RunDirectory) -> RowPredictions | None:
    """What cross-fitted networks say of rows that they did not see, or all labels of a row where it has several; None
    where the run has no such predictions."""
    path = run.file(OUT_OF_SAMPLE_FILE)
    kind: Kind = "votes" if joined_with_texts(run.path) else "out of sample"
    if not path.is_file():
        return None
    return replace(_opened(run, path, kind), shares=None if run.asked else shares_told(run.path))


def views(run: RunDirectory) -> RowPredictions | None:
    """What several views say of every row (`clc_text.runs.evidence` makes them); None where they were not made."""
    path = run.file(VIEWS_FILE)
    return _opened(run, path, "views") if path.is_file() else None


def _opened(run: RunDirectory, path: Path, kind: Kind) -> RowPredictions:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "np") as opened:
            if "train" not in opened.keys():  # noqa: SIM118 - safe_open is no mapping
                raise InputError(f"{path} has no predictions of the training rows", where=path)
            shape = opened.get_slice("train").get_shape()
            best = keeps_best(opened.keys(), "train")
            transition = opened.get_tensor("transition") if "transition" in opened.keys() else None  # noqa: SIM118
            each = opened.get_tensor("each") if "each" in opened.keys() else None  # noqa: SIM118
            rates = opened.get_tensor("rates") if "rates" in opened.keys() else None  # noqa: SIM118
            class_weights = opened.get_tensor("class_weights") if "class_weights" in opened.keys() else None  # noqa: SIM118
            prior_weights = opened.get_tensor("prior_weights") if "prior_weights" in opened.keys() else None  # noqa: SIM118
            ends = opened.get_tensor("class_shares") if "class_shares" in opened.keys() else None  # noqa: SIM118
            facts = opened.metadata() or {}
    except SafetensorError as error:
        raise InputError(
            f"{path} is not readable ({error}); it was cut short or changed, train the run again", where=path
        ) from None
    if len(shape) == 3 and best:
        shape = [*shape[:2], len(run.label_names)]
    if len(shape) != 3 or shape[2] != len(run.label_names):
        raise InputError(
            f"{path} has predictions of the shape {shape}, but the run has {len(run.label_names)} classes; "
            "the file does not belong to this run",
            where=path,
        )
    peers, rows, classes = shape
    folds = int(facts["folds"]) if "folds" in facts else None
    names = tuple(facts["views"].split(",")) if "views" in facts else ()
    sharpness = float(facts.get("sharpness", 1.0))
    left_out = tuple(filter(None, facts.get("left_out", "").split(",")))
    predictions = RowPredictions(
        path, kind, folds, peers, rows, classes, transition, names, sharpness, left_out, best=best
    )
    if not run.asked:
        ahead = float(facts["ahead"]) if "ahead" in facts else None
        if best and kind == "out of sample" and too_few(rows, classes):
            ahead = 0.0
        shares = None if ends is None else ClassShares(*ends)
        return replace(
            predictions, nearness=float(facts.get("nearness", 0.0)), ahead=ahead, class_weights=class_weights,
            by_chance=float(facts["by_chance"]) if "by_chance" in facts else None,
            prior_weights=prior_weights, shares=shares,
        )  # fmt: skip
    if kind == "views" and "weights" not in facts:
        raise InputError(
            f"{path} is of an earlier version, whose views were not weighed; make the corrections anew with "
            f"`clc-text correct {run.path}`",
            where=path,
        )
    return replace(
        predictions,
        asked=len(run.asked),
        each=each,
        rates=rates,
        pool=tuple(float(one) for one in facts.get("weights", "").split()),
        biases=tuple(float(one) for one in facts.get("biases", "").split()),
    )

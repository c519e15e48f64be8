"""A Gaussian for each class, with one shrunken covariance for all: linear discriminant analysis, told of the noise.

It is fitted twice: to the given labels, and then to what its first predictions and the noise matrix that they imply
make of them. Few parameters and a mean over each class leave little to memorise. Features are no Gaussians, which
makes it too sure of itself: where there are no views of words, which count as much as those of features together, that
power of its odds is taken, 1 or less, that explains the given labels best.

The rows lie in cells, by outer and inner fold. Every fit takes some of them, and what depends on the features alone is
worked out once for all fits.

Sources: linear discriminant analysis with the covariance of Ledoit and Wolf, "A well-conditioned estimator for
large-dimensional covariance matrices", 2004; noisy labels in it: Lawrence and Schölkopf, "Estimating a kernel Fisher
discriminant in the presence of label noise", ICML 2001.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from clc_text.data.sampling import every_nth
from clc_text.evidence.views.base import Seen, fit_rows, shares, some
from clc_text.noise.estimation.noise_fit import fit_noise, posterior_labels, sharpened, softmax

LEAST = 1e-6  # probability
INNER = 2  # folds of the first predictions
ROWS_AT_ONCE = 65_536  # that are judged: a product may round as the number of its rows has it, so as many as can be
KEPT = 1 << 28  # bytes of the cells' products of features
_TINY = 1e-9


def discriminant(seen: Seen) -> np.ndarray:
    """See `View`.

    What a fold's rows are judged by is made of the labels of the other folds alone, the first predictions and the
    noise matrix too: a row whose label had shaped the targets of rows like it would find its label again (measured on
    labels drawn at random: a gain of 0.1 nats from nothing).
    """
    assert seen.features is not None
    outer, inner = seen.folds[0], seen.folds[-1] % INNER
    numbers, probs = np.unique(outer), np.empty((len(outer), seen.classes))
    if len(numbers) < 2:
        probs[:] = shares(seen.labels, seen.classes)
        return probs
    most = fit_rows(seen.classes) * len(numbers) // (len(numbers) - 1)
    table = _Table.of(seen.features, some(np.arange(len(outer)), seen.seed, most), outer, inner)
    for number in numbers:
        rest = [cell for cell in table.cells if cell.outer != number]
        weights, biases = table.fitted(rest, _targets(table, rest, seen))
        own = np.flatnonzero(outer == number)
        for start in range(0, len(own), ROWS_AT_ONCE):
            rows = own[start : start + ROWS_AT_ONCE]
            probs[rows] = _softened(table.standardised(seen.features[rows]) @ weights + biases)
    return no_surer(probs, seen) if seen.words is None else probs


def no_surer(probs: np.ndarray, seen: Seen) -> np.ndarray:
    """Probabilities [N, C] that are as sure of themselves as the given labels bear out, or less."""
    rows = every_nth(len(probs), fit_rows(probs.shape[1]))
    power = fit_noise(np.log(probs[rows]), seen.labels[rows]).sharpness
    return probs if power >= 1 else sharpened(np.log(probs), power)


def _targets(table: _Table, cells: Sequence[_Cell], seen: Seen) -> list[np.ndarray]:
    """float64 [n, C] of each cell, what predictions across the inner folds and the noise matrix that they imply make
    of the labels."""
    classes = np.eye(seen.classes)
    labels = [seen.labels[cell.rows] for cell in cells]
    plain = [classes[one] for one in labels]
    halves = {cell.inner for cell in cells}
    if len(halves) < 2:
        return plain
    fits = {}
    for half in halves:
        others = [place for place, cell in enumerate(cells) if cell.inner != half]
        fits[half] = table.fitted([cells[place] for place in others], [plain[place] for place in others])
    probs = np.concatenate(
        [_softened(table.of_cell(cell) @ fits[cell.inner][0] + fits[cell.inner][1]) for cell in cells]
    )  # fmt: skip
    given = np.concatenate(labels)
    fit = fit_noise(np.log(probs), given)
    posterior = posterior_labels(fit.probs, given, fit.transition)
    return np.split(posterior, np.cumsum([len(one) for one in labels])[:-1])


def _softened(logits: np.ndarray) -> np.ndarray:
    """Probabilities [n, C] of which none is below `LEAST`."""
    probs = softmax(logits).clip(LEAST)
    return np.asarray(probs / probs.sum(1, keepdims=True))


@dataclass(frozen=True)
class _Cell:
    """The rows of one outer and one inner fold: which cell they are, their numbers, and their part of the table."""

    number: int
    outer: int
    inner: int
    rows: np.ndarray
    part: slice


class _Table:
    """The rows that are learnt from, in cells, as float64 [n, D] of mean 0 and variance 1."""

    def __init__(self, features: np.ndarray, cells: list[_Cell]) -> None:
        self.cells = cells
        self._values = features[np.concatenate([cell.rows for cell in cells])].astype(np.float64)
        self._centre = self._values.mean(0)
        self._values -= self._centre
        self._scale = np.sqrt(np.einsum("nd,nd->d", self._values, self._values) / len(self._values))
        self._scale[self._scale < _TINY] = 1.0  # a feature that never varies tells nothing; none is divided by 0
        self._values /= self._scale
        self._squares = np.einsum("nd,nd->n", self._values, self._values)
        self._product = lru_cache(KEPT // (8 * features.shape[1] ** 2))(self._made_product)

    @classmethod
    def of(cls, features: np.ndarray, rows: np.ndarray, outer: np.ndarray, inner: np.ndarray) -> _Table:
        """Of some rows of features [N, D], by folds [N]."""
        cells, end = list[_Cell](), 0
        for fold in np.unique(outer[rows]):
            for half in np.unique(inner[rows]):
                chosen = rows[(outer[rows] == fold) & (inner[rows] == half)]
                if len(chosen):
                    cells.append(_Cell(len(cells), int(fold), int(half), chosen, slice(end, end + len(chosen))))
                    end += len(chosen)
        return cls(features, cells)

    def of_cell(self, cell: _Cell) -> np.ndarray:
        return self._values[cell.part]

    def standardised(self, features: np.ndarray) -> np.ndarray:
        """Other rows likewise."""
        return np.asarray((features.astype(np.float64) - self._centre) / self._scale)

    def _made_product(self, number: int) -> np.ndarray:
        values = self.of_cell(self.cells[number])
        return np.asarray(values.T @ values)

    def fitted(self, cells: Sequence[_Cell], targets: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        """Weights [D, C] and biases [C] of the log-odds, from some cells and their targets, [n, C] each.

        The covariance is that of what the classes' means leave of the rows, R = X - T M with the targets T and the
        means M, and RᵀR is worked out from XᵀX, XᵀT and TᵀT.
        """
        rows = sum(map(len, targets))
        counts = np.sum([one.sum(0) for one in targets], 0) + _TINY
        sums = np.sum([one.T @ self.of_cell(cell) for cell, one in zip(cells, targets, strict=True)], 0)
        means = sums / counts[:, None]
        together = np.sum([one.T @ one for one in targets], 0)
        covariance = -means.T @ (2 * sums - together @ means)
        for cell in cells:
            covariance += self._product(cell.number)
        covariance /= rows
        among, fourth = means @ means.T, 0.0
        for cell, one in zip(cells, targets, strict=True):
            left = (one * (one @ among - 2 * (self.of_cell(cell) @ means.T))).sum(1) + self._squares[cell.part]
            fourth += float((left**2).sum())
        _shrink(covariance, fourth / rows, rows)
        weights = np.linalg.solve(covariance, means.T)
        biases = np.log(counts / counts.sum()) - 0.5 * (means.T * weights).sum(0)
        return weights, biases


def _shrink(covariance: np.ndarray, fourth: float, rows: int) -> None:
    """Draws a covariance [D, D] towards its mean variance times the identity, as far as Ledoit and Wolf have it.

    Args:
        fourth: the mean of |x|⁴ over the rows x that the covariance is of, of mean 0.
        rows: how many they are.
    """
    size = len(covariance)
    even = np.trace(covariance) / size
    squares = float((covariance**2).sum())
    spread = squares - size * even**2  # what is to gain; and what of it is due to the draw of rows:
    share = min(max(fourth - squares, 0.0) / rows / spread, 1.0) if spread > 0 else 0.0
    covariance *= 1 - share
    covariance[np.diag_indices(size)] += share * even + _TINY

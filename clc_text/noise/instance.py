"""Instance-dependent noise: how likely a row is flipped, and to what, depends on the row itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from clc_text.config.components import option
from clc_text.noise.base import NoiseInput, RatedNoise, noise
from clc_text.noise.draws import bits, cumulated, next_uniforms, select_rows, uniforms

_CHUNK_ROWS = 8192


@noise("instance")
@dataclass(frozen=True, kw_only=True)
class InstanceDependent(RatedNoise):
    """Part-dependent noise as Xia et al. 2020 make it.

    Row n of class y has its own flip rate q_n from the normal distribution N(r, 0.1²) truncated to [0, 1], and each
    class a random matrix W_y [D, C] of standard normal numbers; the given label is k != y with probability
    ``q_n * softmax(x_n W_y without y)[k]``. The truncation moves the mean of q_n away from r where r is within about
    0.2 of 0 or 1; a rate of 0 changes nothing. With `draw: exact`, exactly int(r * rows) rows are flipped, each with a
    chance in proportion to its q_n.

    The features are used as they come; the larger their scale, the fewer classes a row can be taken for. The product
    x_n W_y is rounded differently by different linear algebra libraries, so that a replay elsewhere may, very rarely,
    be refused.
    """

    needs_features: ClassVar[bool] = True

    rate_std: float = option(
        0.1, "standard deviation of the rows' flip rates around `rate`, before truncation", above=0, at_most=1
    )

    def matrix(self, label_names: list[str]) -> None:
        return None

    def convention(self, label_names: list[str]) -> str:
        return (
            f"Instance-dependent: each row is flipped with its own probability, drawn from a normal distribution of "
            f"mean {self.rate} and standard deviation {self.rate_std} truncated to [0, 1], to another class by a "
            "random projection of its features (Xia et al. 2020)."
        )

    def draw_labels(self, given: NoiseInput, seed: int) -> np.ndarray:
        self.require_another_class(given.label_names)
        labels = np.array(given.labels, dtype=np.int64)
        if self.rate == 0:
            return labels
        count = len(labels)
        exactly = self.rate * count if self.draw == "exact" else None
        chosen = select_rows(self.row_rates(seed, count), uniforms(seed, "flip", count), exactly)
        return np.where(chosen, self.row_targets(given, seed), labels)

    def row_rates(self, seed: int, count: int) -> np.ndarray:
        """float64 [count], q_n by the inverse of the truncated normal's distribution function."""
        from scipy.special import ndtr, ndtri

        low, high = ndtr((0 - self.rate) / self.rate_std), ndtr((1 - self.rate) / self.rate_std)
        quantiles = ndtri(low + uniforms(seed, "row-rate", count) * (high - low))
        return np.clip(self.rate + self.rate_std * quantiles, 0, 1)

    def row_targets(self, given: NoiseInput, seed: int) -> np.ndarray:
        """int64 [N], the class that each row takes if it is flipped."""
        v = uniforms(seed, "target", len(given.labels))
        targets = np.empty(len(v), dtype=np.int64)
        for rows, probabilities in self.target_probabilities(given, seed):
            targets[rows] = (cumulated(probabilities) <= v[rows, None]).sum(1)
        return targets

    def target_probabilities(self, given: NoiseInput, seed: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Row numbers [n] with softmax(x W_y without y), float64 [n, C], a class at a time and in chunks."""
        from scipy.special import ndtri, softmax

        assert given.features is not None  # `inject` has checked it
        width, classes = given.features.shape[1], len(given.label_names)
        source = bits(seed, "projection")
        for true_class in range(classes):
            # Half a step up keeps the uniform numbers off 0, whose quantile is minus infinity.
            projection = ndtri(next_uniforms(source, width * classes) + 2.0**-54).reshape(width, classes)
            members = np.flatnonzero(given.labels == true_class)
            for start in range(0, len(members), _CHUNK_ROWS):
                rows = members[start : start + _CHUNK_ROWS]
                scores = given.features[rows].astype(np.float64) @ projection
                scores[:, true_class] = -np.inf
                yield rows, softmax(scores, axis=1)

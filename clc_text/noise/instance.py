"""Instance-dependent noise: how likely a row is flipped, and to what, depends on the row itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from clc_text.config.components import option
from clc_text.noise.base import Noise, NoiseInput, RatedNoise, noise
from clc_text.noise.draws import bits, cumulated, next_uniforms, select_rows, uniforms

_CHUNK_ROWS = 8192


@noise("instance")
@dataclass(frozen=True, kw_only=True)
class InstanceDependent(RatedNoise):
    """Part-dependent noise after Xia et al. 2020, with flip rates that depend on the row as well.

    Row n of class y has its own flip rate q_n, and each class a random matrix W_y [D, C] of standard normal numbers;
    the given label is k != y with probability ``q_n * softmax(x_n W_y without y)[k]``.

    With `row_rate: features` rows that lie far along a random direction v are wrong more often: q_n is the quantile,
    at the rank of x_n v among all rows, of a normal distribution truncated to [0, 1], of standard deviation 0.1 before
    that, whose mean over the rows is r. The same features have the same rate. With `row_rate: drawn`, as in that
    paper's code, q_n is drawn from N(r, 0.1²) truncated to [0, 1] without a look at the row; the truncation moves its
    mean away from r where r is within about 0.2 of 0 or 1. A rate of 0 changes nothing. With `draw: exact`, exactly
    int(r * rows) rows are flipped, each with a chance in proportion to its q_n.

    The features are used as they come; the larger their scale, the fewer classes a row can be taken for. Products
    with them are rounded differently by different linear algebra libraries, so that a replay elsewhere may, very
    rarely, be refused.
    """

    needs_features: ClassVar[bool] = True

    rate_std: float = option(
        0.1, "standard deviation of the rows' flip rates around `rate`, before truncation", above=0, at_most=1
    )

    row_rate: Literal["features", "drawn"] = option(
        "features", "what a row's flip rate depends on: its features, or chance alone (Xia et al.)"
    )

    def matrix(self, label_names: list[str]) -> None:
        return None

    def convention(self, label_names: list[str]) -> str:
        spread = f"standard deviation {self.rate_std} truncated to [0, 1]"
        if self.row_rate == "drawn":
            own = f"drawn from a normal distribution of mean {self.rate} and {spread}"
        else:
            own = (
                f"{self.rate} in the mean, by its features: the quantile of a normal distribution of {spread} at the "
                "row's rank along a random direction"
            )
        return (
            f"Instance-dependent: each row is flipped with its own probability, {own}, to another class by a random "
            "projection of its features (Xia et al. 2020)."
        )

    @classmethod
    def from_manifest(cls, manifest: Mapping[str, Any]) -> Noise:
        # Before there was a choice, rates were drawn.
        options = manifest["options"]
        if isinstance(options, Mapping):
            options = {"row_rate": "drawn", **options}
        return super().from_manifest({**manifest, "options": options})

    def draw_labels(self, given: NoiseInput, seed: int) -> np.ndarray:
        self.require_another_class(given.label_names)
        labels = np.array(given.labels, dtype=np.int64)
        if self.rate == 0:
            return labels
        count = len(labels)
        exactly = self.rate * count if self.draw == "exact" else None
        chosen = select_rows(self.row_rates(given, seed), uniforms(seed, "flip", count), exactly)
        return np.where(chosen, self.row_targets(given, seed), labels)

    def row_rates(self, given: NoiseInput, seed: int) -> np.ndarray:
        """float64 [N], q_n by the inverse of the truncated normal's distribution function."""
        from scipy.special import ndtr, ndtri

        count = len(given.labels)
        if self.row_rate == "features":
            return self._with_mean(self._ranks(given, seed)) if count else np.zeros(0)
        low, high = ndtr((0 - self.rate) / self.rate_std), ndtr((1 - self.rate) / self.rate_std)
        quantiles = ndtri(low + uniforms(seed, "row-rate", count) * (high - low))
        return np.clip(self.rate + self.rate_std * quantiles, 0, 1)

    def _ranks(self, given: NoiseInput, seed: int) -> np.ndarray:
        """float64 [N] in (0, 1), where the rows lie along the direction v; rows alike share theirs."""
        from scipy.special import ndtri
        from scipy.stats import rankdata

        assert given.features is not None  # `inject` has checked it
        direction = ndtri(uniforms(seed, "row-direction", given.features.shape[1]) + 2.0**-54)
        count = len(given.labels)
        along = np.concatenate(
            [given.features[start : start + _CHUNK_ROWS].astype(np.float64) @ direction
             for start in range(0, count, _CHUNK_ROWS)]
        )  # fmt: skip
        # Rounded, since sums over the same features may end differently at another place of a chunk.
        scale = float(np.abs(along).max())
        ranks: np.ndarray = rankdata(along if scale == 0 else (along / scale).round(9))
        return (ranks - 0.5) / count

    def _with_mean(self, ranks: np.ndarray) -> np.ndarray:
        """The truncated normal's quantiles at these ranks, of the location at which their mean is the rate."""
        from scipy.optimize import brentq
        from scipy.stats import truncnorm

        def rates(location: float) -> np.ndarray:
            low, high = (0 - location) / self.rate_std, (1 - location) / self.rate_std
            drawn: np.ndarray = truncnorm.ppf(ranks, low, high, loc=location, scale=self.rate_std)
            return np.clip(drawn, 0, 1)

        # Far from [0, 1] the mean is about the variance over the distance from it, or 1 less that.
        reach = self.rate_std**2 / min(self.rate, 1 - self.rate) + self.rate_std
        ends = (self.rate - 4 * reach, self.rate + 4 * reach)
        return rates(brentq(lambda location: float(rates(location).mean()) - self.rate, *ends, xtol=1e-12))

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

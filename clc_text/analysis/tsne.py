"""t-SNE maps of hidden layers, and how well their classes stand apart in numbers."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from clc_text.errors import InputError

ITERATIONS = 500
PERPLEXITY = 30.0
ANGLE = 0.7  # of Barnes-Hut: as good as 0.5 (on TREC the divergences differ by 0.1 %) in three quarters of its time
COMPONENTS = 50  # of the principal components that t-SNE sees, as its authors advise
NEIGHBOURS = 10
_SILHOUETTE_ROWS = 5000  # the silhouette compares every row with every other


@dataclass(frozen=True)
class Map:
    """One t-SNE map.

    Attributes:
        points: float32 [n, 2].
        components: float32 [n, D], the principal components that the map was made of.
        divergence: Kullback-Leibler divergence that t-SNE ended at.
    """

    points: np.ndarray
    components: np.ndarray
    divergence: float


def usual_perplexity(rows: int) -> float:
    """30, as is usual; where there are no more rows than that, a third of them."""
    return PERPLEXITY if rows > PERPLEXITY else max(1.0, (rows - 1) / 3)


def embed(
    layer: np.ndarray,
    perplexity: float = PERPLEXITY,
    seed: int = 0,
    iterations: int = ITERATIONS,
    threads: int = 1,
    advance: Callable[[int], None] = lambda iterations: None,
) -> Map:
    """Principal components, then Barnes-Hut t-SNE (van der Maaten, JMLR 2014) from the first two of them.

    With one thread the same input gives the same bits; several add up in an order of their own.

    Args:
        layer: float [n, H].
        perplexity: about how many neighbours a row has; less than n.
        iterations: of the descent, at least 300: the early exaggeration takes 250.
        advance: called with the iterations done since the last call.

    Raises:
        InputError: too few rows, an option out of range, or a layer that is the same for every row.
    """
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits

    rows, width = layer.shape
    if rows < 3:
        raise InputError(f"a t-SNE map needs at least 3 rows, and got {rows}")
    if not 1 <= perplexity < rows:
        raise InputError(
            f"--perplexity is {perplexity:g} for {rows} rows; give at least 1 and less than the rows",
            key="--perplexity",
        )
    if iterations < 300:
        raise InputError(f"--iterations is {iterations}; give at least 300", key="--iterations")
    if not np.isfinite(layer).all():
        raise InputError("the hidden layer holds numbers that are not finite, so there is no map of it")
    if float(layer.std(0).max()) < 1e-7:
        raise InputError("the hidden layer is the same for every row: the network has collapsed, and there is no map")
    components = PCA(n_components=min(COMPONENTS, width, rows), random_state=seed).fit_transform(layer)
    if components.shape[1] == 1:
        components = np.concatenate([components, np.zeros_like(components)], 1)
    start = components[:, :2] / components[:, 0].std() * 1e-4
    model = TSNE(perplexity=perplexity, init=start, angle=ANGLE, random_state=seed, max_iter=iterations, verbose=2)
    with contextlib.redirect_stdout(_IterationCount(advance)), threadpool_limits(threads):
        points = model.fit_transform(components)
    return Map(points.astype(np.float32), components, float(model.kl_divergence_))


class _IterationCount(io.TextIOBase):
    """Takes what scikit-learn prints and passes on how far it is: it has no callback."""

    def __init__(self, advance: Callable[[int], None]) -> None:
        self._advance, self._done = advance, 0

    def write(self, text: str) -> int:
        _, found, rest = text.partition("Iteration ")
        number = rest.partition(":")[0]
        if found and number.isdigit():
            self._advance(max(0, int(number) - self._done))
            self._done = int(number)
        return len(text)


def quality(points: Map, labels: Mapping[str, np.ndarray], seed: int) -> dict[str, Any]:
    """How well the classes of each labelling stand apart.

    Returns:
        For each labelling ``{"rows", "silhouette" {"hidden", "map"}, "knn" {"hidden", "map"}}``: the mean silhouette
        (-1 … 1, on a sample of at most 5,000 rows), and the percentage of rows whose 10 nearest neighbours have their
        class as the most frequent; on the principal components of the hidden layer and on the map. Null where fewer
        than two classes are there.
    """
    measures = {}
    spaces = {"hidden": points.components, "map": points.points}
    for name, classes in labels.items():
        known = classes >= 0
        measures[name] = {
            "rows": int(known.sum()),
            "silhouette": {space: silhouette(values[known], classes[known], seed) for space, values in spaces.items()},
            "knn": {space: neighbour_accuracy(values[known], classes[known]) for space, values in spaces.items()},
        }
    return measures


def silhouette(values: np.ndarray, classes: np.ndarray, seed: int) -> float | None:
    """The mean silhouette of a labelling, -1 … 1; None with fewer than two classes, or none with a second row."""
    from sklearn.metrics import silhouette_score

    if len(classes) > _SILHOUETTE_ROWS:
        chosen = np.random.default_rng(seed).choice(len(classes), _SILHOUETTE_ROWS, replace=False)
        values, classes = values[chosen], classes[chosen]
    kinds = len(np.unique(classes))
    return float(silhouette_score(values, classes)) if 2 <= kinds < len(classes) else None


def neighbour_accuracy(values: np.ndarray, classes: np.ndarray, neighbours: int = NEIGHBOURS) -> float | None:
    """Percentage of rows whose class is the most frequent of their nearest other rows (of equals the first class)."""
    from sklearn.neighbors import NearestNeighbors

    if len(np.unique(classes)) < 2:
        return None
    near = (
        NearestNeighbors(n_neighbors=min(neighbours, len(classes) - 1)).fit(values).kneighbors(return_distance=False)
    )
    width = int(classes.max()) + 1
    offsets = np.arange(len(classes))[:, None] * width
    votes = np.bincount((offsets + classes[near]).ravel(), minlength=len(classes) * width).reshape(-1, width)
    return 100 * float((votes.argmax(1) == classes).mean())

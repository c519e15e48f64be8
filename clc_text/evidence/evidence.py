"""Making the mixture of all views from features, labels and, where there are any, cross-fitted networks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from clc_text.data.best_classes import check_all_kept
from clc_text.data.class_shares import ClassShares
from clc_text.data.copies import digest_of, first_rows, firsts
from clc_text.data.folds import deal_rounds
from clc_text.data.labels import Labels
from clc_text.data.nearest import Nearest
from clc_text.data.tabular.values import all_finite
from clc_text.evidence.heard import Heard, KeptViews
from clc_text.evidence.mixture import chosen_views, clipped, fit_near, gain_of_view, judge_near
from clc_text.evidence.readings import Reading, readings_and_span
from clc_text.evidence.views import OF_WORDS, VIEWS, views_for, weights
from clc_text.evidence.views.base import Seen
from clc_text.noise.estimation.near_noise import NearNoise
from clc_text.utils.files import write_with
from clc_text.utils.memory import check_limit
from clc_text.utils.tensors import save_tensors

FOLDS = 5
NETWORKS = "networks"
LARGEST = 4 << 30  # bytes of all views' probabilities together

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Mixture:
    """Several views of the same rows, and what explains the given labels by them.

    Attributes:
        views: names of those that are heard, V.
        left_out: names of those that have learnt too little.
        log_probs: float32 [V, N, C] (`mixture.clipped`).
        noise: of the given labels, canaries aside, with the power of the views' pool.
        weights: [V], how much each view counts, of sum 1; None: as `views.weights` has it.
        bias: float64 [C], what is added to the sharpened pool; None: nothing.
        shares: how common the classes truly are, where somebody has told.
    """

    views: tuple[str, ...]
    left_out: tuple[str, ...]
    log_probs: np.ndarray
    noise: NearNoise
    weights: np.ndarray | None = None
    bias: np.ndarray | None = None
    shares: ClassShares | None = None

    def save(self, path: Path, made_from: str) -> None:
        """As `corrections.predictions` reads it: a safetensors file with the tensors ``train`` and ``transition``."""
        facts = {
            "folds": str(FOLDS),
            "views": ",".join(self.views),
            "left_out": ",".join(self.left_out),
            "sharpness": repr(self.noise.sharpness),
            "nearness": repr(self.noise.nearness),
            "made_from": made_from,
        }
        of_noise = {"ahead": self.noise.ahead, "by_chance": self.noise.by_chance}
        facts |= {name: repr(value) for name, value in of_noise.items() if value is not None}
        tensors = {"train": self.log_probs, "transition": self.noise.transition}
        of_class, of_prior = self.noise.class_weights, self.noise.prior_weights
        if self.shares is not None and of_class is not None and of_prior is not None:
            tensors |= {
                "class_weights": of_class,
                "prior_weights": of_prior,
                "class_shares": np.array(self.shares.ends),
            }
        write_with(path, lambda aside: save_tensors(tensors, aside, facts))

    def readings(self, labels: np.ndarray, rows: np.ndarray) -> tuple[list[Reading], tuple[float, float]]:
        """See `readings.readings_and_span`, of some rows."""
        log_probs, given = self.log_probs[:, rows], labels[rows]
        judged = judge_near(log_probs, weights(self.views), given, self.noise)
        return readings_and_span(log_probs, given, self.views, judged, self.shares)


def save_of_each(made: list[Mixture], path: Path, made_from: str, rates: np.ndarray) -> None:
    """As `Mixture.save`, of K classes of which several may hold: rows are then pairs of a text and a class, and the
    facts have the weights of the views, and what is added of each class.

    Args:
        made: of each class, by the same views (`several_classes`).
        rates: [3, K], of each class the share of wrong labels and its ends (`Plateau.rates`).
    """
    one, each = made[0], np.stack([one.noise.transition for one in made])
    assert one.weights is not None
    facts = {
        "folds": str(FOLDS),
        "views": ",".join(one.views),
        "sharpness": repr(one.noise.sharpness),
        "weights": " ".join(map(repr, one.weights.tolist())),
        "biases": " ".join(repr(float(one.bias[1])) for one in made if one.bias is not None),
        "made_from": made_from,
    }
    log_probs = np.stack([one.log_probs for one in made], 2)
    tensors = {
        "train": log_probs.reshape(len(log_probs), -1, 2),
        "transition": each.mean(0),
        "each": each,
        "rates": np.asarray(rates, np.float64),
    }
    write_with(path, lambda aside: save_tensors(tensors, aside, facts))


def too_large(rows: int, classes: int) -> None:
    """Raises: InputError: so many probabilities do not fit into memory."""
    check_all_kept(rows, classes, "views")
    needed = 4 * rows * classes * (len(VIEWS) + 1)
    check_limit(needed, LARGEST, f"{rows:,} rows of {classes:,} classes need {{}} for all views of them", "views")


def first_of_copies(features: np.ndarray | None, words: Any | None, count: int) -> np.ndarray:
    """int64 [N], the first row with the same features; where there are none, with the same words."""
    if features is not None:
        return first_rows(features)
    if words is None:
        return np.arange(count)
    parts = pairwise(words.indptr.tolist())
    return firsts(
        (digest_of(words.indices[start:end].tobytes() + words.data[start:end].tobytes()) for start, end in parts),
        count,
    )


def mixture_of(
    features: np.ndarray | None,
    labels: Labels,
    classes: int,
    seed: int,
    networks: np.ndarray | None = None,
    words: Any | None = None,
    progress: Progress = lambda what, done, total: None,
    near: Nearest | None = None,
    kept: KeptViews | None = None,
    shares: ClassShares | None = None,
) -> Mixture | None:
    """All views of the rows, those that have learnt enough; None where none has.

    Args:
        features: float32 [N, D], which no label has shaped; None: there are none.
        labels: of the rows; the views learn those that training sees, and the noise is that of the given ones.
        classes: C.
        seed: of the folds.
        networks: float64 [N, C], probabilities by cross-fitted networks; None: there are none.
        words: sparse float32 [N, M], TF-IDF of the terms of each text; None where rows are no texts.
        progress: told of each view.
        near: the nearest others of each row, where somebody has found them (`data.nearest`).
        kept: where views of the same rows, heard before, are kept; None: nowhere.
        shares: how common the classes truly are; None: nobody has told.

    Raises:
        InputError: a feature is not finite.
    """
    if features is not None:
        all_finite(features)
    first = first_of_copies(features, words, len(labels.given)) if near is None else near.first
    folds = deal_rounds(labels.trained, FOLDS, seed, 2, first)
    seen = Seen(features, labels.trained, classes, first, folds, seed, words, near)
    views = views_for(seen)
    varied = len(first) and not (first == 0).all()  # rows that are all alike have nothing to tell

    def hear() -> Heard:
        heard = Heard({}, {})  # log-probabilities in half the memory of probabilities, one view after another
        for done, (name, view) in enumerate(views.items()):
            progress(f"judging by a view: {name}", done, len(views))
            if varied or name in OF_WORDS:
                probs = view(seen)
                heard.gains[name] = gain_of_view(probs, labels.learnt, folds[0], first)
                heard.log_probs[name] = clipped(probs)
        return heard

    of_views: dict[str, np.ndarray] = {}
    gains: dict[str, tuple[float, float]] = {}
    if networks is not None:
        gains[NETWORKS] = gain_of_view(networks, labels.learnt, folds[0], first)
        of_views[NETWORKS] = clipped(networks)
    heard = hear() if kept is None else kept.of(seen, labels.learnt, list(views), hear)
    of_views |= heard.log_probs
    gains |= heard.gains
    del heard  # the tables go one after another below
    progress("judging by views", len(views), len(views))
    chosen = chosen_views(gains) if gains else []
    if not chosen:
        return None
    left_out = tuple(name for name in of_views if name not in chosen)
    log_probs = np.empty((len(chosen), len(labels.given), classes), np.float32)
    for place, name in enumerate(chosen):
        log_probs[place] = of_views.pop(name)
    noise = fit_near(log_probs, weights(chosen), labels.as_given, ~labels.canary, shares)
    return Mixture(tuple(chosen), left_out, log_probs, noise, shares=shares)

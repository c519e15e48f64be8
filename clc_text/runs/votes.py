"""Several labels a row made into one belief about each row's class, before any network is trained."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from clc_text.artifacts.cross_fit import CrossFit
from clc_text.artifacts.votes import KeptVotes
from clc_text.data.votes import Votes

if TYPE_CHECKING:
    from clc_text.config.recipe import Recipe
    from clc_text.runs.encoded import Encoded

FOLDS = 5
ROUNDS = 2
# `clc_auto` takes the length of its warm-up from the folds' networks, and here a regression stands for them. On labels
# that are distributions any length from 5 epochs does (measured on TREC and 20 Newsgroups).
WARM_UP = 5


@dataclass(frozen=True)
class JoinedVotes:
    """What the votes of a training set say together.

    Attributes:
        kept: votes, belief and every source's noise, as the run keeps them.
        targets: float64 [N, C], the belief, to be learnt; None where the joined labels are.
        cross_fit: the belief in the form in which cross-fitting leaves it; None where the join does not cross-fit.
    """

    kept: KeptVotes
    targets: np.ndarray | None
    cross_fit: CrossFit | None

    @property
    def labels(self) -> np.ndarray:
        """int64 [N], the likeliest class of each row."""
        return self.kept.belief.argmax(1)

    def save_cross_fit(self, directory: Path) -> None:
        """Where the trainer looks for it, unless it is there."""
        if self.cross_fit is not None and CrossFit.load(directory) is None:
            self.cross_fit.save(directory)


def join_votes(recipe: Recipe, encoded: Encoded, votes: Votes) -> JoinedVotes:
    """By the recipe's `data.join`; the same for the same recipe and data.

    Canaries are votes that are swapped on trial, and none of them is learnt (`noise.votes.planted`).
    """
    from clc_text.noise.votes.matrices import check_sources
    from clc_text.noise.votes.planted import planted_votes

    check_sources(votes)
    joined, again = _joined(recipe, encoded, votes)
    if not recipe.canaries:
        return joined
    trial = planted_votes(votes, joined.kept.belief, again, recipe.canaries, recipe.seeds.data)
    told = {} if trial is None else {"planted": vars(trial)}
    return replace(joined, kept=replace(joined.kept, facts=joined.kept.facts | told))


def _joined(recipe: Recipe, encoded: Encoded, votes: Votes) -> tuple[JoinedVotes, Callable[[Votes], np.ndarray]]:
    """And what gives the belief [N, C] by other votes on the same rows."""
    from clc_text.noise.votes.dawid_skene import dawid_skene
    from clc_text.noise.votes.fit import LOOSE
    from clc_text.noise.votes.matrices import counted, shrunk_matrices

    how = getattr(recipe.data, "join", "cross_fit")
    if how == "cross_fit":
        return _cross_fitted(recipe, encoded, votes)
    if how == "dawid_skene":
        found = dawid_skene(votes)
        kept = KeptVotes(votes, found.posterior, found.matrices, {"join": how})
        return JoinedVotes(kept, found.posterior, None), lambda others: dawid_skene(others).posterior
    belief = votes.majority
    matrices = shrunk_matrices(counted(votes, belief), LOOSE)
    return JoinedVotes(KeptVotes(votes, belief, matrices, {"join": how}), None, None), lambda others: others.majority


def _cross_fitted(recipe: Recipe, encoded: Encoded, votes: Votes) -> tuple[JoinedVotes, Callable[[Votes], np.ndarray]]:
    from clc_text.data.copies import first_copies
    from clc_text.data.folds import assign_folds
    from clc_text.evidence.soft_linear import soft_linear_folds
    from clc_text.noise.votes.cross_fit import cross_fit_votes, joined_again
    from clc_text.runs.frozen_features import features_of

    features = features_of(encoded)
    seed = recipe.seeds.network
    first = first_copies(encoded.train_inputs, votes.rows)
    most = votes.majority.argmax(1)
    dealt = [assign_folds(most, FOLDS, seed + number, first) for number in range(ROUNDS)]

    def held_out(belief: np.ndarray, number: int) -> np.ndarray:
        return soft_linear_folds(features, belief, dealt[number])

    found = cross_fit_votes(votes, held_out, seed, ROUNDS)
    copies = int((first != np.arange(votes.rows)).sum())
    cross_fit = as_cross_fit(
        found.posterior, np.stack(dealt), found.facts | {"copies": copies, "votes": int(votes.per_source.sum())}
    )
    kept = KeptVotes(votes, found.posterior, found.matrices, {"join": "cross_fit"} | found.facts)
    return JoinedVotes(kept, found.posterior, cross_fit), lambda others: joined_again(others, found)


def as_cross_fit(belief: np.ndarray, folds: np.ndarray, told: dict[str, Any]) -> CrossFit:
    """A belief [N, C] by votes and texts, split into the joined label y with its noise matrix T, and all else, p.

    p ∝ q / T[:, y], so that q ∝ p · T[:, y] is the belief again for whatever reads p, T and y.
    """
    from clc_text.data.labels import sha256_of_labels
    from clc_text.noise.estimation.noise_fit import shrunk

    labels, classes = belief.argmax(1), belief.shape[1]
    transition = shrunk(np.stack([belief[labels == given].sum(0) for given in range(classes)], 1))
    probs = belief / np.maximum(transition.T[labels], 1e-9)
    probs /= probs.sum(1, keepdims=True)
    one = {"epochs": WARM_UP, "best_epoch": WARM_UP, "log_likelihood": 0.0, "sharpness": 1.0, "used": True}
    facts: dict[str, Any] = {
        "rate": float(1 - belief.max(1).mean()),
        "gain": told["foretold"],
        "gain_error": told["foretold_error"],
        "copies": told["copies"],
        "folds": FOLDS,
        "sharpness": told["power"],
        "log_likelihood": 0.0,
        "rounds": [one] * len(folds),
        "renamed": list(range(classes)),
        "names_tried": 1,
        "labels": sha256_of_labels(labels),
        "votes": told["votes"],
    }
    return CrossFit(folds, probs, transition, belief, facts)

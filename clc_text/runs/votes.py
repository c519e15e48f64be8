"""Several labels a row made into one belief about each row's class, before any network is trained."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from clc_text.artifacts.cross_fit import CrossFit
from clc_text.artifacts.run_files import CrossFitFacts, RoundFacts
from clc_text.artifacts.votes import KeptVotes
from clc_text.data.folds import deal_rounds
from clc_text.data.labels import sha256_of_labels
from clc_text.data.votes import Votes
from clc_text.noise.estimation.noise_fit import matrix_of
from clc_text.noise.votes.cross_fit import cross_fit_votes, joined_again
from clc_text.noise.votes.crowdlab import crowdlab
from clc_text.noise.votes.dawid_skene import dawid_skene
from clc_text.noise.votes.fit import LOOSE, VotesFit
from clc_text.noise.votes.matrices import check_sources, counted, shrunk_matrices
from clc_text.noise.votes.planted import planted_votes

if TYPE_CHECKING:
    from clc_text.config.recipe import Recipe
    from clc_text.data.trusted import TrustedLabels
    from clc_text.noise.votes.cross_fit import HeldOut
    from clc_text.runs.encoded import Encoded

Known = tuple[np.ndarray, np.ndarray]
"""Rows whose true class is known, and these classes, int64 [n] each."""

Again = Callable[[Votes, "Known | None"], "VotesFit"]

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
        again: joins other votes on the same rows, and beside them what is known of some rows, in the same way.
    """

    kept: KeptVotes
    targets: np.ndarray | None
    cross_fit: CrossFit | None
    again: Again

    @property
    def labels(self) -> np.ndarray:
        """int64 [N], the likeliest class of each row."""
        return self.kept.belief.argmax(1)

    def save_cross_fit(self, directory: Path) -> None:
        """Where the trainer looks for it, unless it is there."""
        if self.cross_fit is not None and CrossFit.load(directory) is None:
            self.cross_fit.save(directory)

    def answered(self, trusted: TrustedLabels) -> JoinedVotes:
        """With what people have told of some rows: these are known, and the sources judged by them."""
        fit = self.again(self.kept.votes, (trusted.rows, trusted.labels))
        belief = fit.posterior.copy()
        belief[trusted.rows] = np.eye(belief.shape[1])[trusted.labels]
        kept = replace(self.kept, belief=belief, matrices=fit.matrices)
        cross_fit = self.cross_fit
        if cross_fit is not None:
            anew = as_cross_fit(belief, cross_fit.folds, {}, self.labels)
            facts = cross_fit.facts | {"rate": anew.facts["rate"], "trusted": trusted.digest}
            cross_fit = replace(anew, facts=facts)
        return JoinedVotes(kept, None if self.targets is None else belief, cross_fit, self.again)


def join_votes(recipe: Recipe, encoded: Encoded, votes: Votes) -> JoinedVotes:
    """By the recipe's `data.join`; the same for the same recipe and data.

    Canaries are votes that are swapped on trial, and none of them is learnt (`noise.votes.planted`).
    """
    check_sources(votes)
    joined = _joined(recipe, encoded, votes)
    if not recipe.canaries:
        return joined
    trial = planted_votes(
        votes,
        joined.kept.belief,
        lambda others: joined.again(others, None).posterior,
        recipe.canaries,
        recipe.seeds.data,
    )
    told = {} if trial is None else {"planted": vars(trial)}
    return replace(joined, kept=replace(joined.kept, facts=joined.kept.facts | told))


def _joined(recipe: Recipe, encoded: Encoded, votes: Votes) -> JoinedVotes:
    how = getattr(recipe.data, "join", "cross_fit")
    if how == "cross_fit":
        return _cross_fitted(recipe, encoded, votes)
    again = _crowdlab(recipe, encoded, votes) if how == "crowdlab" else _OF_VOTES[how]
    fit = again(votes, None)
    kept = KeptVotes(votes, fit.posterior, fit.matrices, {"join": how})
    return JoinedVotes(kept, None if how == "majority" else fit.posterior, None, again)


def _dawid_skene(votes: Votes, known: Known | None) -> VotesFit:
    return dawid_skene(votes)


def _majority(votes: Votes, known: Known | None) -> VotesFit:
    belief = votes.majority
    return VotesFit(belief, shrunk_matrices(counted(votes, belief), LOOSE))


_OF_VOTES: dict[str, Again] = {"dawid_skene": _dawid_skene, "majority": _majority}


def _crowdlab(recipe: Recipe, encoded: Encoded, votes: Votes) -> Again:
    """With a classifier that has learnt the majorities of other folds."""
    held_out, _, _ = _blind(recipe, encoded, votes)
    log_probs = held_out(votes.majority, 0)
    return lambda others, known: crowdlab(others, log_probs)


def _blind(recipe: Recipe, encoded: Encoded, votes: Votes) -> tuple[HeldOut, np.ndarray, np.ndarray]:
    """A classifier that is blind to a row and its copies, the folds [ROUNDS, N], and each row's first copy [N]."""
    from clc_text.data.input_copies import first_copies
    from clc_text.evidence.voted import blind_regressions, hears_words
    from clc_text.runs.frozen_features import features_of, words_of

    inputs = [features_of(encoded)]
    if hears_words(votes) and (words := words_of(encoded)) is not None:
        inputs.append(words)
    first = first_copies(encoded.train_inputs, votes.rows)
    dealt = deal_rounds(votes.majority.argmax(1), FOLDS, recipe.seeds.network, ROUNDS, first)
    return blind_regressions(inputs, dealt), dealt, first


def _cross_fitted(recipe: Recipe, encoded: Encoded, votes: Votes) -> JoinedVotes:
    held_out, dealt, first = _blind(recipe, encoded, votes)
    fitted = cross_fit_votes(votes, held_out, recipe.seeds.network, ROUNDS)
    copies = int((first != np.arange(votes.rows)).sum())
    cross_fit = as_cross_fit(
        fitted.posterior, dealt, fitted.facts | {"copies": copies, "votes": int(votes.per_source.sum())}
    )
    kept = KeptVotes(votes, fitted.posterior, fitted.matrices, {"join": "cross_fit"} | fitted.facts)
    again = partial(joined_again, fitted=fitted)
    return JoinedVotes(kept, fitted.posterior, cross_fit, lambda others, known: again(others, known=known))


def as_cross_fit(
    belief: np.ndarray, folds: np.ndarray, told: dict[str, Any], labels: np.ndarray | None = None
) -> CrossFit:
    """A belief [N, C] by votes and texts, split into the joined label y with its noise matrix T, and all else, p.

    p ∝ q / T[:, y], so that q ∝ p · T[:, y] is the belief again for whatever reads p, T and y.

    Args:
        told: ``foretold``, ``foretold_error`` and ``power`` (`FittedVotes`), ``copies``, and ``votes``, their number.
        labels: int64 [N], y; None: the likeliest classes.
    """
    labels = belief.argmax(1) if labels is None else labels
    transition = matrix_of(belief, labels)
    probs = belief / np.maximum(transition.T[labels], 1e-9)
    probs /= probs.sum(1, keepdims=True)
    one: RoundFacts = {"epochs": WARM_UP, "best_epoch": WARM_UP, "log_likelihood": 0.0, "sharpness": 1.0, "used": True}
    facts: CrossFitFacts = {
        "rate": float(1 - belief[np.arange(len(labels)), labels].mean()),
        "gain": told.get("foretold", 0.0),
        "gain_error": told.get("foretold_error", 0.0),
        "copies": told.get("copies", 0),
        "folds": FOLDS,
        "sharpness": told.get("power", 0.0),
        "log_likelihood": 0.0,
        "rounds": [one] * len(folds),
        "renamed": list(range(belief.shape[1])),
        "names_tried": 1,
        "labels": sha256_of_labels(labels),
        "votes": told.get("votes", 0),
    }
    return CrossFit(folds, probs, transition, belief, facts)

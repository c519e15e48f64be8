"""What networks are to be taught of rows of which people have answered some."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from clc_text.artifacts.cross_fit import CrossFit
from clc_text.artifacts.run_files import CrossFitFacts
from clc_text.crossfit.answered_noise import AnsweredNoise
from clc_text.data.beliefs import believed
from clc_text.data.best_classes import of_labels
from clc_text.data.labels import Labels
from clc_text.noise.estimation.half_trust import half_trusted, never_certain
from clc_text.noise.estimation.noise_fit import NoiseFit, matrix_of
from clc_text.noise.estimation.row_noise import NoiseOfRows, taught_by_rows
from clc_text.noise.estimation.targets import taught_of

# What all views believe with answers is taught where it explains answers that were held out better than what is
# believed without them does, by so many standard errors, and by so many when both are equally sure: on symmetric noise
# 50 answers bore out by 2.6 what was less sure and right 2.8 points less often, and by 1.1 when equally sure.
BORNE_OUT = 1.0
EQUALLY_SURE = 1.5
# What the networks alone believe, where they do so by so many standard errors when all beliefs are equally sure. They
# know less than all views, and a slight lead is chance, or comes of being less sure. With 100 answers the lead was 4.0
# to 5.6 standard errors where rules had made the labels (four draws); in seventeen draws of five other sets it was 2.8
# at most, and they were right less often than what was believed without answers in eleven:
# `recipes/results/answers.md`.
ALONE = 3.0
NETWORKS, VIEWS, WITHOUT = "networks", "views", "without"


def taught_with_answers(
    cross_fit: CrossFit,
    labels: Labels,
    without: CrossFit,
    pool: np.ndarray | None,
    of_rows: NoiseOfRows | None = None,
) -> CrossFit:
    """What cross-fitting with answers has found, with what networks are to be taught.

    Two beliefs know the answers: that of the networks alone, and that of all views together. Where errors follow rules
    that words and features tell, the networks' alone is far better, since the other views repeat the rules; elsewhere
    that of all views is, the mean of two readings (`taught_of`). Held-out answers say which is taken, and whether
    either is (`ALONE`, `BORNE_OUT`). Answered rows are taught as they were answered.

    Args:
        cross_fit: of `cross_fit_answered`.
        labels: of the rows, with the answers.
        without: what `cross_fit` has found in the same rows.
        pool: [N, C], log-probabilities of all views together, that learnt `Labels.as_answered`; None: no others.
        of_rows: T(x) by that pool, where noise follows the rows; None: it does not, or there is no pool.
    """
    trusted = labels.trusted
    assert trusted is not None
    noise = AnsweredNoise(labels, cross_fit.probs.shape[1], cross_fit.folds[0])
    noise.strength = float(cross_fit.facts["strength"])
    fits = {NETWORKS: NoiseFit(0.0, 1.0, cross_fit.transition, cross_fit.probs)}
    if pool is not None:
        fits[VIEWS] = noise.fit_sharpness(pool, cross_fit.transition)
    by_rows = None
    if pool is not None and of_rows is not None:
        by_rows = taught_by_rows(pool, of_rows.columns(labels.learnt))
    chosen, gained = _borne_out(noise, fits, without.row_targets, by_rows)
    if chosen == WITHOUT:
        targets = without.row_targets.copy()
    elif chosen == VIEWS and pool is not None:
        targets = taught_of(pool, labels.learnt, fits[VIEWS])
        targets = targets if by_rows is None else (targets + by_rows) / 2
    else:
        targets = half_trusted(fits[chosen].probs, labels.learnt, never_certain(fits[chosen].transition))
    targets[trusted.rows] = cross_fit.posterior[trusted.rows]
    facts: CrossFitFacts = {
        **cross_fit.facts,
        "answers_gain": None if gained is None else gained[0],
        "answers_gain_error": None if gained is None else gained[1],
        "in_targets": chosen != WITHOUT,
        "targets_of": chosen,
        "warm_up": max(cross_fit.warm_up, without.warm_up),
    }
    taught = replace(cross_fit, targets=targets, facts=facts)
    return taught if of_rows is None else _through(taught, labels, of_rows)


def _through(cross_fit: CrossFit, labels: Labels, of_rows: NoiseOfRows) -> CrossFit:
    """With the posterior by T(x), certain where somebody has answered."""
    posterior = believed(cross_fit.probs, of_rows.columns(labels.learnt))
    assert labels.trusted is not None
    posterior[labels.trusted.rows] = cross_fit.posterior[labels.trusted.rows]
    facts: CrossFitFacts = {
        **cross_fit.facts,
        "rate": float(1 - of_labels(posterior, labels.trained).mean()),
        "row_gain": of_rows.gain,
        "row_gain_error": of_rows.error,
        "by_rows": True,
    }
    return replace(
        cross_fit, posterior=posterior, transition=matrix_of(posterior, labels.learnt), facts=facts,
        of_rows=of_rows.matrices,
    )  # fmt: skip


def _borne_out(
    noise: AnsweredNoise, fits: dict[str, NoiseFit], without: np.ndarray, by_rows: np.ndarray | None = None
) -> tuple[str, tuple[float, float] | None]:
    """Whose belief is taught, and its gain over what is believed without answers [N, C], with the error of that; where
    nobody's is, the greatest gain; None where too few answers count.

    Args:
        by_rows: [N, C], half of what all views teach where noise follows the rows: by T(x), fitted to given labels of
            other rows, so that no answer has to be held out of it.
    """
    if not noise.enough:
        return WITHOUT, None
    without = without[noise.rows]
    beliefs = {name: noise.held_out_belief(fit) for name, fit in fits.items()}
    if by_rows is not None:
        beliefs[VIEWS] = (beliefs[VIEWS] + by_rows[noise.rows]) / 2
    gains = {name: noise.explained_better(belief, without, True) for name, belief in beliefs.items()}
    best = max(gains, key=lambda name: gains[name][0])
    if best == NETWORKS and gains[best][0] > ALONE * gains[best][1]:
        return NETWORKS, gains[best]
    if VIEWS in fits:
        of_views = noise.explained_better(beliefs[VIEWS], without)
        if of_views[0] > BORNE_OUT * of_views[1] and gains[VIEWS][0] > EQUALLY_SURE * gains[VIEWS][1]:
            return VIEWS, of_views
    return WITHOUT, gains[best]

"""What networks are to be taught of rows of which people have answered some."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from clc_text.artifacts.cross_fit import CrossFit
from clc_text.crossfit.answered_noise import AnsweredNoise
from clc_text.data.labels import Labels
from clc_text.noise.estimation.half_trust import half_trusted, never_certain
from clc_text.noise.estimation.noise_fit import NoiseFit

# What is believed with answers is taught where it explains answers that were held out better than what is believed
# without them does, by so many standard errors. Measured with 100 answers on seeds 0 and 1, frozen MiniLM, right
# labels among the rows nobody answered: `recipes/results/answers.md`.
BORNE_OUT = 1.0
NETWORKS, VIEWS, WITHOUT = "networks", "views", "without"


def taught_with_answers(found: CrossFit, labels: Labels, without: CrossFit, pool: np.ndarray | None) -> CrossFit:
    """What cross-fitting with answers has found, with what networks are to be taught.

    Two beliefs know the answers: that of the networks alone, and that of all views together. Where errors follow rules
    that words and features tell, the networks' alone is far better, since the other views repeat the rules; elsewhere
    that of all views is. The one that explains held-out answers better is taken, where it explains them better than
    what is believed without answers (`BORNE_OUT`). Answered rows are taught as they were answered.

    Args:
        found: of `cross_fit_answered`.
        labels: of the rows, with the answers.
        without: what `cross_fit` has found in the same rows.
        pool: [N, C], log-probabilities of all views together, that learnt `Labels.as_answered`; None: no others.
    """
    trusted = labels.trusted
    assert trusted is not None
    noise = AnsweredNoise(labels, found.probs.shape[1], found.folds[0])
    noise.strength = float(found.facts["strength"])
    fits = {NETWORKS: NoiseFit(0.0, 1.0, found.transition, found.probs)}
    if pool is not None:
        fits[VIEWS] = noise.fit_sharpness(pool, found.transition)
    tried = {name: noise.explained_better(fit, without.taught) for name, fit in fits.items()}
    gains = {name: gain for name, gain in tried.items() if gain is not None}
    best = max(gains, key=lambda name: gains[name][0], default=None)
    gained = None if best is None else gains[best]
    if best is None or gained is None or gained[0] <= BORNE_OUT * gained[1]:
        chosen, targets = WITHOUT, without.taught.copy()
    else:
        chosen, fit = best, fits[best]
        targets = half_trusted(fit.probs, labels.learnt, never_certain(fit.transition))
    targets[trusted.rows] = found.posterior[trusted.rows]
    facts = {
        "answers_gain": None if gained is None else gained[0],
        "answers_gain_error": None if gained is None else gained[1],
        "in_targets": chosen != WITHOUT,
        "targets_of": chosen,
    }
    return replace(found, targets=targets, facts=found.facts | facts)

"""Cross-fitting where people have told some true labels.

Every network is taught the answers as well, but for those of its own fold, all of them together weighing as much as
`rounds.SHARE` of the rows. The noise matrix starts as the answers have it, so no plain epochs are needed, and no class
is learnt under another's name; it goes on by expectation-maximisation, in which the answers weigh as much as answers
that were held out say (`AnsweredNoise`). A round ends where the given labels and the answers of held-out rows together
are likeliest: where errors follow the texts, networks that go on learning explain given labels ever better, answers
ever worse.

The networks that were cross-fitted without answers are heard as well, as far as the same likelihood asks for it: where
errors do not follow the texts, a few answers tell networks little that is new, and the mean of both knows more than
either.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from clc_text.artifacts.cross_fit import CrossFit
from clc_text.artifacts.run_files import CrossFitMore
from clc_text.crossfit.answered_noise import AnsweredNoise
from clc_text.crossfit.rounds import (
    PUSH,
    AfterEpoch,
    Round,
    Settings,
    check_folds,
    finished,
    in_words,
    log_of_mean,
    mean_of,
    train_round,
)
from clc_text.crossfit.seeds import seeds_of_rounds
from clc_text.data.folds import assign_folds
from clc_text.data.labels import Labels, classes_of
from clc_text.methods.fold_forward import FoldForward
from clc_text.noise.estimation.noise_fit import NoiseFit, fit_shares, sharpened
from clc_text.noise.estimation.probabilities import check_classes

if TYPE_CHECKING:
    from clc_text.training.trainer import PeersTrainer

WITHOUT = (0.0, 0.5, 1.0)  # the weight of the networks that know no answer, in the mean of log-probabilities


def cross_fit_answered(
    fold_trainer: Callable[[FoldForward, int, AfterEpoch], PeersTrainer],
    labels: Labels,
    num_classes: int,
    settings: Settings,
    seed: int,
    without: CrossFit,
    log: Callable[[str], None] = lambda _: None,
    firsts: np.ndarray | None = None,
) -> CrossFit:
    """As `cross_fit`, with answers; its arguments are explained there.

    Args:
        without: what `cross_fit` has found in the same rows.

    The posterior of an answered row is certain; what ``probs`` says of it comes of networks that know neither its
    given label nor its answer.
    """
    check_classes(num_classes)
    trusted = labels.trusted
    assert trusted is not None
    firsts = np.arange(len(labels)) if firsts is None else firsts
    check_folds(firsts, settings)
    told = trusted.classes(len(labels))
    taught = classes_of(labels.as_answered)
    seeds = seeds_of_rounds(seed, settings.rounds)
    dealt = [assign_folds(taught, settings.folds, of_folds, firsts) for of_folds, _ in seeds]
    rounds: list[Round] = []
    used: list[Round] = []
    whole = AnsweredNoise(labels, num_classes, without.folds[0])
    whole.choose_strength(without.probs, whole.start())
    start = whole.fit(without.probs, whole.start(), 8) if whole.counted else None
    fit: NoiseFit | None = None
    for number, fold in enumerate(dealt, 1):
        log(f"cross-fitting, round {number} of {settings.rounds}: {settings.folds} networks, each blind to a fold")
        noise = AnsweredNoise(labels, num_classes, fold)
        after_epoch = AfterAnsweredEpoch(noise, told, settings, start if fit is None else fit.transition)
        this_round = train_round(fold_trainer, after_epoch, seeds[number - 1][1])
        log(in_words(this_round))
        rounds.append(this_round)
        more = [*used, this_round]
        mean = mean_of(more)
        whole.strength = noise.strength
        with_it = whole.fit_sharpness(mean, this_round.fit.transition)
        if fit is None or with_it.log_likelihood > fit.log_likelihood:
            used, fit = more, with_it
    assert fit is not None
    fit, weight = _with_those_without(fit, mean_of(used), without, whole)
    posterior = whole.posterior(fit.probs, fit.transition)
    facts: CrossFitMore = {
        "renamed": list(range(num_classes)),
        "names_tried": 1,
        "answers": len(trusted),
        "answers_counted": int((trusted.weights > 0).sum()),
        "strength": whole.strength,
        "weight_without": weight,
    }
    return finished(labels, settings, dealt, firsts, fit, posterior, rounds, used, facts)


def _with_those_without(
    fit: NoiseFit, log_probs: np.ndarray, without: CrossFit, noise: AnsweredNoise
) -> tuple[NoiseFit, float]:
    """The fit of the mean with the networks that know no answer, and their weight in it, by likelihood; with the
    classes' shares fitted where that explains more."""
    best, chosen = fit, 0.0
    for weight in WITHOUT[1:]:
        mean = (1 - weight) * log_probs + weight * np.log(without.probs + 1e-12)
        fitted = noise.fit_sharpness(mean, fit.transition)
        if fitted.log_likelihood > best.log_likelihood:
            best, chosen = fitted, weight
    even = fit_shares(best, noise.labels)
    likelihood = noise.likelihood(even.probs, even.transition)
    return (replace(even, log_likelihood=likelihood) if likelihood > best.log_likelihood else best), chosen


class AfterAnsweredEpoch(AfterEpoch):
    """As `AfterEpoch`, with T and the end of the round by answers, too."""

    def __init__(self, noise: AnsweredNoise, told: np.ndarray, settings: Settings, start: np.ndarray | None) -> None:
        super().__init__(torch.from_numpy(noise.fold), noise.labels, settings, start, told=told)
        self.noise = noise

    def on_epoch_end(self, args: Any, state: Any, control: Any, **more: Any) -> None:
        trainer = self.trainer
        assert trainer is not None
        self.epoch += 1
        own = trainer.predict_held_out(trainer.train_dataset, self.fold).cpu().numpy()
        self.recent.append(own)
        if self.transition is not None or self.epoch >= self.settings.warm_epochs:
            pushed = sharpened(own, PUSH)
            self.noise.choose_strength(pushed, self.transition)
            self.transition = self.noise.fit(pushed, self.transition, 8)
            self._remember("transition", torch.from_numpy(self.transition).float())
        averaged = log_of_mean(self.recent)
        fit = self.noise.fit_sharpness(averaged, self.transition)
        if self._ends_with(fit, averaged):
            control.should_training_stop = True

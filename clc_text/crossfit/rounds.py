"""A round of cross-fitting: K networks are trained until they explain held-out rows no better; and what comes of
several."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor
from transformers import TrainerCallback

from clc_text.artifacts.cross_fit import CrossFit
from clc_text.artifacts.run_files import CrossFitFacts, CrossFitMore, RoundFacts
from clc_text.crossfit.seeds import SCHEME
from clc_text.data.beliefs import blocks
from clc_text.data.best_classes import BestClasses, Table, empty_as, of_labels, some_rows
from clc_text.data.labels import Labels
from clc_text.data.sampling import every_nth
from clc_text.errors import InputError
from clc_text.methods.fold_forward import FoldForward
from clc_text.noise.estimation.gain import gain_over_shares
from clc_text.noise.estimation.noise_fit import (
    Explained,
    NoiseFit,
    are_several,
    fit_noise,
    fit_transition,
    of_problems_together,
    sharpened,
)
from clc_text.noise.estimation.rate_interval import rate_of
from clc_text.training.answer_targets import weight_of_answers

if TYPE_CHECKING:
    from clc_text.training.trainer import PeersTrainer

PUSH = 2.0  # power of the predictions that the training T is made of, see `cross_fit`
# Held-out probabilities are averaged over so many epochs: they then know a little more than any of them (measured on
# TREC, symmetric 0.5: log-likelihood -1.6307 after -1.6326).
AVERAGED = 3
# A likelihood that still rises by less is no reason for another epoch: what is taught has as many right first classes
# (`recipes/results/real_noise.md`), and where few labels are wrong networks would go on for twice as long.
LEAST_GAIN = 0.0016  # nats an epoch
SHARE = 0.3  # of the rows: what all answers weigh together in training
MOST = 20.0  # rows that one answer weighs as much as, at most: a few answers must not drown all other rows
_TINY = 1e-12


@dataclass(frozen=True)
class Settings:
    """How cross-fitting is done; one configuration serves all datasets.

    Attributes:
        folds: K, networks; each sees (K-1)/K of the rows.
        rounds: of K networks each, at least 2.
        epochs: of a round, at most.
        patience: a round ends after so many epochs in which the likelihood has not risen by `LEAST_GAIN` for each.
        warm_epochs: of round 1 before T is first estimated.
        epoch_rows: rows of an epoch, at most, others in the next, and of those by which T and the likelihood are found
            after it; None: all.
        faster: the folds' learning rate, as a multiple of the trainer's own. Their networks are held to the epoch that
            is best by likelihood, and need half as many epochs for much the same likelihood (measured on TREC and
            20 Newsgroups: between 0.001 lower and 0.006 higher).
    """

    folds: int = 5
    rounds: int = 3
    epochs: int = 20
    patience: int = 3
    warm_epochs: int = 3
    epoch_rows: int | None = None
    faster: float = 2.0


@dataclass(frozen=True)
class Round:
    """The best epoch of a round: what fits, the held-out log-probabilities [N, C], how long it took, and the names [C]
    that its classes were given since."""

    fit: Explained
    log_probs: Table
    best_epoch: int
    epochs: int
    names: np.ndarray | None = None

    @property
    def probs(self) -> Any:
        """float64 [N, C], those of the fit: made anew where it does not hold them, since rounds are kept for long."""
        if isinstance(self.fit, NoiseFit):
            return self.fit.probs
        if self.names is None or isinstance(self.log_probs, BestClasses):
            return sharpened(self.log_probs, self.fit.sharpness)
        return renamed(sharpened(self.log_probs[..., self.names], self.fit.sharpness), self.names)

    def facts(self, labels: np.ndarray, used: bool) -> RoundFacts:
        """What is told of it, and whether its predictions are `used`; `labels` as in `noise_fit`."""
        return {
            "epochs": self.epochs,
            "best_epoch": self.best_epoch,
            "log_likelihood": self.fit.log_likelihood,
            "sharpness": self.fit.sharpness,
            "rate": rate_of(self.probs, labels, self.fit.transition),
            "used": used,
        }

    def renamed(self, names: np.ndarray) -> Round:
        """With the classes under the names [C] of the given ones."""
        transition = renamed(self.fit.transition.swapaxes(-1, -2), names).swapaxes(-1, -2)
        fit = replace(self.fit, transition=transition)
        if isinstance(fit, NoiseFit):
            fit = replace(fit, probs=renamed(fit.probs, names))
        now = names if self.names is None else names[self.names]
        return replace(self, fit=fit, log_probs=renamed(self.log_probs, names), names=now)


def renamed(values: Any, names: np.ndarray) -> Any:
    """Values [N, C] of the classes as the networks call them, under the names [C] of the given classes."""
    if isinstance(values, BestClasses):
        return values.renamed(names)
    columns = np.empty_like(values)
    columns[..., names] = values
    return columns


def check_folds(firsts: np.ndarray, settings: Settings) -> None:
    """
    Args:
        firsts: int64 [N], the first copy of each row.

    Raises:
        InputError: fewer rows than folds, copies aside.
    """
    rows = len(firsts)
    copies = int((firsts != np.arange(rows)).sum())
    if rows - copies < settings.folds:
        alike = f", of which {copies} have the same inputs as an earlier one," if copies else ""
        raise InputError(
            f"{rows} rows{alike} cannot be divided into {settings.folds} folds; give more rows, or lower method.folds",
            key="method.folds",
        )


def mean_of(rounds: list[Round]) -> Any:
    """Log of the mean over the rounds of their held-out probabilities [N, C]."""
    return log_of_mean([one.log_probs for one in rounds])


def log_of_mean(log_probs: Sequence[Any]) -> Any:
    """float64 [N, ...], of log-probabilities of the same rows."""
    mean = empty_as(log_probs[0])
    for part in blocks(mean):
        mean[part] = np.log(np.mean([np.exp(one[part], dtype=np.float64) for one in log_probs], axis=0) + _TINY)
    return mean


def in_words(this_round: Round) -> str:
    stay = float(np.diagonal(this_round.fit.transition, axis1=-2, axis2=-1).mean())
    return (
        f"  best after epoch {this_round.best_epoch}: a label stays right with {stay:.0%} on average, "
        f"log-likelihood {this_round.fit.log_likelihood:.3f}"
    )


def finished(
    labels: Labels,
    settings: Settings,
    dealt: list[np.ndarray],
    firsts: np.ndarray,
    fit: NoiseFit,
    posterior: Any,
    rounds: list[Round],
    used: list[Round],
    facts: CrossFitMore,
    targets: Table | None = None,
) -> CrossFit:
    """What was found, with all that is told of it.

    Args:
        labels: of the rows.
        dealt: int64 [N] each, the folds of every round.
        firsts: int64 [N], the first copy of each row.
        fit: of the mean of the rounds `used`.
        posterior: float64 [N, C].
        facts: more of them than are the same for all.
        targets: see `CrossFit`.
    """
    gain, error = gain_over_shares(fit.probs, labels.learnt, dealt[0], firsts, fit.even_rows)
    if settings.epoch_rows is not None and len(rounds) > 1 and "warm_up" not in facts:  # in epochs of all rows
        parts = -(-len(labels) // settings.epoch_rows)
        facts["warm_up"] = -(-rounds[1].best_epoch // parts)
    all_facts: CrossFitFacts = {
        "rate": float(1 - of_labels(posterior, labels.trained).mean()),
        "gain": gain,
        "gain_error": error,
        "copies": int((firsts != np.arange(len(labels))).sum()),
        "folds": settings.folds,
        "seeds": SCHEME,
        "sharpness": fit.sharpness,
        "log_likelihood": fit.log_likelihood,
        "rounds": [found.facts(labels.learnt, any(found is one for one in used)) for found in rounds],
        **facts,
    }
    folds = np.stack(dealt)
    if labels.given.ndim == 1:
        return CrossFit(folds, fit.probs, fit.transition, posterior, all_facts, targets)
    return CrossFit.of_problems(folds, fit.probs, fit.transition, posterior, all_facts)


def train_round(
    fold_trainer: Callable[[FoldForward, int, AfterEpoch], PeersTrainer], after_epoch: AfterEpoch, seed: int
) -> Round:
    trainer = fold_trainer(FoldForward(), seed, after_epoch)
    after_epoch.trainer = trainer
    with _one_training_more(trainer, after_epoch):
        trainer.train()
    assert after_epoch.best is not None
    return after_epoch.best


@contextmanager
def _one_training_more(trainer: PeersTrainer, after_epoch: AfterEpoch) -> Iterator[None]:
    """Frees the networks afterwards: the accelerator would keep them until the next training."""
    try:
        yield
    finally:
        trainer.accelerator.free_memory()
        after_epoch.trainer = None


class AfterEpoch(TrainerCallback):
    """After every epoch: estimates T from held-out predictions, and ends the round when they get no better."""

    def __init__(
        self,
        fold: Tensor,
        labels: np.ndarray,
        settings: Settings,
        transition: np.ndarray | None,
        known: bool = False,
        told: np.ndarray | None = None,
        best_classes: bool = False,
    ) -> None:
        self.fold, self.labels, self.settings, self.transition = fold, labels, settings, transition
        self.known = known  # T is not learnt
        self.best_classes = best_classes  # alone are kept of each row's predictions
        self.told = told  # int64 [N], or [K, N] of several problems, by people; -1 where nobody has answered
        self.trainer: PeersTrainer | None = None
        self.best: Round | None = None
        self.epoch = 0
        self.gained = (-np.inf, 0)  # the last likelihood that was clearly better, and its epoch
        self.looked_at = every_nth(len(labels), settings.epoch_rows or len(labels))
        self.recent: deque[Table] = deque(maxlen=AVERAGED)

    def on_train_begin(self, args: Any, state: Any, control: Any, **more: Any) -> None:
        self._remember("fold", self.fold)
        if self.transition is not None:
            self._remember("transition", torch.from_numpy(self.transition).float())
        if self.told is not None:
            self._remember("trusted", torch.from_numpy(self.told))
            weight = weight_of_answers(self.told.size, int((self.told >= 0).sum()), SHARE, MOST)
            self._remember("trusted_weight", torch.tensor(weight))

    def on_epoch_end(self, args: Any, state: Any, control: Any, **more: Any) -> None:
        trainer = self.trainer
        assert trainer is not None
        self.epoch += 1
        own = self._own(trainer)
        rounds = 0 if self.known else 20 if self.transition is None else 8
        self.recent.append(own)
        averaged = log_of_mean(self.recent)
        fit = self._fit(averaged, rounds)
        learnt = not self.known and (self.transition is not None or self.epoch >= self.settings.warm_epochs)
        if learnt:
            pushed = sharpened(some_rows(own, self.looked_at), PUSH)
            labels, even_rows = self.labels[self.looked_at], fit.even_rows
            self.transition = fit_transition(pushed, labels, self.transition, rounds, None, even_rows)
            self._remember("transition", torch.from_numpy(self.transition).float())
        if self._ends_with(fit, averaged):
            control.should_training_stop = True

    def _ends_with(self, fit: Explained, log_probs: Table) -> bool:
        """Whether this epoch is the round's last; it is remembered where it is the best."""
        if self.best is None or fit.log_likelihood > self.best.fit.log_likelihood:
            self.best = Round(fit, log_probs, self.epoch, self.epoch)
        else:
            self.best = replace(self.best, epochs=self.epoch)
        least = 0.0 if are_several(self.labels) else LEAST_GAIN * self.settings.patience
        if fit.log_likelihood > self.gained[0] + least:
            self.gained = (fit.log_likelihood, self.epoch)
        return self.epoch - self.gained[1] >= self.settings.patience

    def _own(self, trainer: PeersTrainer) -> Table:
        """Log-probabilities [N, C] of every row by the network that is blind to it."""
        rows = trainer.train_dataset
        if self.best_classes:
            return trainer.best_held_out(rows, self.fold, self.labels)
        return trainer.predict_held_out(rows, self.fold).cpu().numpy()

    def _fit(self, log_probs: Any, rounds: int) -> Explained:
        """By the rows that are looked at; of several problems with the predictions of all rows, since each has a
        sharpness of its own."""
        part, labels, begun = self.looked_at, self.labels, self.transition
        if not are_several(labels):
            return fit_noise(some_rows(log_probs, part), labels[part], begun, rounds).without_probs
        fits = []
        for one in range(labels.shape[1]):
            start = None if begun is None else begun[one]
            found = fit_noise(log_probs[part, one], labels[part, one], start, rounds)
            if len(found.probs) < len(labels):
                found = replace(found, probs=sharpened(log_probs[:, one], found.sharpness))
            fits.append(found)
        return of_problems_together(fits)

    def _remember(self, name: str, values: Tensor) -> None:
        assert self.trainer is not None
        self.trainer.supervisor.state.memory[name] = values.to(self.trainer.args.device)

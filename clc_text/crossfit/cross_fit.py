"""Cross-fitting: K networks, each blind to one fold, that learn through the noise while they estimate it.

The rounds
1. The networks begin as plain ones. After a few epochs the noise matrix T is estimated from what each says of its own
   fold, and from then on they learn through it (forward correction), T being estimated anew after every epoch.
2. Other networks begin with that T. Where round 1 had learnt classes under each other's names, they are renamed first;
   where it is not clear how, the likelihood decides.
3. Further rounds, which begin as the better of the two and last as long as it learnt: other networks again, since the
   mean of several knows more than any of them. A round is left out where the mean explains the given labels better
   without it.
4. The classes' shares are fitted (`fit_shares`).

Rounds 1 and 2 end where the likelihood of the given labels on held-out rows is highest: no clean label is used, and no
noise rate. What an epoch's T is made of are predictions raised to the second power: with T close to the identity,
networks explain noise as doubt of their own, and an estimate from those doubts would confirm it (measured on TREC,
pairwise noise 0.45: held-out log-likelihood -1.14 with, -1.16 without, diagonal of T 0.55 and 0.65 where 0.55 is
true). The sharpness of the predictions that are given out is chosen by likelihood alone.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor
from transformers import TrainerCallback

from clc_text.artifacts.cross_fit import CrossFit
from clc_text.crossfit.fold_forward import FoldForward
from clc_text.data.folds import assign_folds
from clc_text.errors import InputError
from clc_text.noise.estimation.gain import gain_over_shares
from clc_text.noise.estimation.match_classes import match_classes
from clc_text.noise.estimation.noise_fit import (
    NoiseFit,
    fit_noise,
    fit_shares,
    fit_transition,
    posterior_labels,
    softmax,
)
from clc_text.noise.estimation.probabilities import check_classes

if TYPE_CHECKING:
    from clc_text.training.trainer import PeersTrainer

PUSH = 2.0  # power of the predictions that the training T is made of, see above
# A round 2 that began with wrong names ends at a likelihood far below that of round 1 (measured: -1.20 after -1.14;
# with right ones within 0.01), and the next way to name the classes is tried.
TOLERANCE = 0.02  # nats
# Networks that begin with T end with classes of the right names; those that begin plainly may end better all the same
# (measured on 20 Newsgroups: by 0.02 to 0.05; on TREC both are within 0.002).
CLEARLY = 0.005  # nats
MARGINS = (1.1, 1.0)  # see `match_classes`; the last resort is that every class keeps its name
# Held-out probabilities are averaged over so many epochs: they then know a little more than any of them (measured on
# TREC, symmetric 0.5: log-likelihood -1.6307 after -1.6326).
AVERAGED = 3
_TINY = 1e-12


@dataclass(frozen=True)
class Settings:
    """How cross-fitting is done; one configuration serves all datasets.

    Attributes:
        folds: K, networks; each sees (K-1)/K of the rows.
        rounds: of K networks each, at least 2.
        epochs: of a round, at most.
        patience: a round ends after so many epochs without a better likelihood.
        warm_epochs: of round 1 before T is first estimated.
        faster: the folds' learning rate, as a multiple of the trainer's own. Their networks are held to the epoch that
            is best by likelihood, and need half as many epochs for much the same likelihood (measured on TREC and
            20 Newsgroups: between 0.001 lower and 0.006 higher).
    """

    folds: int = 5
    rounds: int = 3
    epochs: int = 20
    patience: int = 3
    warm_epochs: int = 3
    faster: float = 2.0


@dataclass(frozen=True)
class Round:
    """The best epoch of a round: what fits, the held-out log-probabilities [N, C], and how long it took."""

    fit: NoiseFit
    log_probs: np.ndarray
    best_epoch: int
    epochs: int

    @property
    def facts(self) -> dict[str, Any]:
        return {
            "epochs": self.epochs,
            "best_epoch": self.best_epoch,
            "log_likelihood": self.fit.log_likelihood,
            "sharpness": self.fit.sharpness,
        }


def cross_fit(
    fold_trainer: Callable[[FoldForward, int, AfterEpoch], PeersTrainer],
    labels: np.ndarray,
    num_classes: int,
    settings: Settings,
    seed: int,
    log: Callable[[str], None] = lambda _: None,
    firsts: np.ndarray | None = None,
) -> CrossFit:
    """Out-of-sample predictions, the noise matrix and posterior labels.

    Args:
        fold_trainer: makes a trainer of K peers for a method, a seed and a callback.
        labels: int64 [N] given labels.
        num_classes: C.
        seed: of folds and networks.
        log: told of every round and its end.
        firsts: int64 [N], the first copy of each row (`first_copies`); None: all rows differ.

    Raises:
        InputError: fewer rows than folds, copies aside, or more classes than a noise matrix is estimated of.
    """
    check_classes(num_classes)
    if firsts is None:
        firsts = np.arange(len(labels))
    copies = check_folds(firsts, settings)
    # Each round deals the rows out anew: its networks then err in other places, which is what a mean is good for.
    dealt = [assign_folds(labels, settings.folds, seed + number, firsts) for number in range(settings.rounds)]

    log(f"cross-fitting, round 1 of {settings.rounds}: {settings.folds} networks, each blind to a fold")
    first = _train(fold_trainer, _after(dealt[0], labels, settings, None), seed + 1)
    log(_told(first))

    tried: list[tuple[Round, np.ndarray]] = []
    for names in _possible_names(first, labels):
        log(f"cross-fitting, round 2 of {settings.rounds}: other networks, with the noise that round 1 found")
        start: np.ndarray | None = fit_transition(_renamed(first.fit.probs, names), labels)
        tried.append((_train(fold_trainer, _after(dealt[1], labels, settings, start), seed + 2), names))
        log(_told(tried[-1][0]))
        if tried[-1][0].fit.log_likelihood >= first.fit.log_likelihood - TOLERANCE:
            break
    second, names = max(tried, key=lambda pair: pair[0].fit.log_likelihood)
    first = replace(first, log_probs=_renamed(first.log_probs, names))

    plainly = first.fit.log_likelihood > second.fit.log_likelihood + CLEARLY
    better, other = (first, second) if plainly else (second, first)
    used = [better]
    used, fit = _with(other, used, fit_noise(_mean(used), labels), labels)
    as_long = replace(settings, epochs=better.best_epoch, patience=better.best_epoch)
    rounds = [first, second]
    for number in range(3, settings.rounds + 1):
        log(f"cross-fitting, round {number} of {settings.rounds}: other networks again")
        start = None if plainly else fit.transition
        found = _train(fold_trainer, _after(dealt[number - 1], labels, as_long, start), seed + number)
        log(_told(found))
        rounds.append(replace(found, log_probs=_renamed(found.log_probs, names)) if plainly else found)
        used, fit = _with(rounds[-1], used, fit, labels)
    fit = fit_shares(fit, labels)
    posterior = posterior_labels(fit.probs, labels, fit.transition)
    gain, error = gain_over_shares(fit.probs, labels, dealt[0], firsts)
    facts = {
        "rate": float(1 - posterior[np.arange(len(labels)), labels].mean()),
        "gain": gain,
        "gain_error": error,
        "copies": copies,
        "folds": settings.folds,
        "sharpness": fit.sharpness,
        "log_likelihood": fit.log_likelihood,
        "rounds": [found.facts | {"used": any(found is one for one in used)} for found in rounds],
        "renamed": names.tolist(),
        "names_tried": len(tried),
    }
    return CrossFit(np.stack(dealt), fit.probs, fit.transition, posterior, facts)


def check_folds(firsts: np.ndarray, settings: Settings) -> int:
    """How many of the rows are copies of others, by the first copy of each, int64 [N].

    Raises:
        InputError: fewer rows than folds, copies aside.
    """
    rows = len(firsts)
    copies = int((firsts != np.arange(rows)).sum())
    if rows - copies < settings.folds:
        alike = f", of which {copies} have the same inputs as an earlier one," if copies else ""
        raise InputError(f"{rows} rows{alike} cannot be divided into {settings.folds} folds; lower method.folds")
    return copies


def _mean(rounds: list[Round]) -> np.ndarray:
    """Log of the mean over the rounds of their held-out probabilities [N, C]."""
    return _log_of_mean([np.exp(found.log_probs) for found in rounds])


def _log_of_mean(probs: Iterable[np.ndarray]) -> np.ndarray:
    return np.log(np.mean(list(probs), axis=0) + _TINY)


def _with(found: Round, used: list[Round], fit: NoiseFit, labels: np.ndarray) -> tuple[list[Round], NoiseFit]:
    """The rounds, of which `fit` is that of their mean, and one more, if it then explains the given labels better."""
    more = [*used, found]
    with_it = fit_noise(_mean(more), labels)
    return (more, with_it) if with_it.log_likelihood > fit.log_likelihood else (used, fit)


def _renamed(values: np.ndarray, names: np.ndarray) -> np.ndarray:
    """Values [N, C] of the classes as the networks call them, under the names [C] of the given classes."""
    found = np.empty_like(values)
    found[:, names] = values
    return found


def _possible_names(first: Round, labels: np.ndarray) -> list[np.ndarray]:
    """Ways to name the classes of round 1, the likeliest first; more than one only where it is not clear."""
    possible = [match_classes(first.fit.probs, labels, margin) for margin in MARGINS]
    found: list[np.ndarray] = []
    for names in [*possible, np.arange(first.fit.classes)]:
        if not any((names == other).all() for other in found):
            found.append(names)
    return found


def _told(found: Round) -> str:
    stay = float(np.diag(found.fit.transition).mean())
    return (
        f"  best after epoch {found.best_epoch}: a label stays right with {stay:.0%} on average, "
        f"log-likelihood {found.fit.log_likelihood:.3f}"
    )


def _after(fold: np.ndarray, labels: np.ndarray, settings: Settings, transition: np.ndarray | None) -> AfterEpoch:
    return AfterEpoch(torch.from_numpy(fold), labels, settings, transition)


def _train(
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

    def __init__(self, fold: Tensor, labels: np.ndarray, settings: Settings, transition: np.ndarray | None) -> None:
        self.fold, self.labels, self.settings, self.transition = fold, labels, settings, transition
        self.trainer: PeersTrainer | None = None
        self.best: Round | None = None
        self.epoch = 0
        self.recent: deque[np.ndarray] = deque(maxlen=AVERAGED)

    def on_train_begin(self, args: Any, state: Any, control: Any, **more: Any) -> None:
        self._remember("fold", self.fold)
        if self.transition is not None:
            self._remember("transition", torch.from_numpy(self.transition).float())

    def on_epoch_end(self, args: Any, state: Any, control: Any, **more: Any) -> None:
        trainer = self.trainer
        assert trainer is not None
        self.epoch += 1
        own = trainer.predict_held_out(trainer.train_dataset, self.fold).double().cpu().numpy()
        rounds = 20 if self.transition is None else 8
        self.recent.append(np.exp(own))
        averaged = _log_of_mean(self.recent)
        fit = fit_noise(averaged, self.labels, self.transition, rounds)
        if self.transition is not None or self.epoch >= self.settings.warm_epochs:
            self.transition = fit_transition(softmax(PUSH * own), self.labels, self.transition, rounds)
            self._remember("transition", torch.from_numpy(self.transition).float())
        if self.best is None or fit.log_likelihood > self.best.fit.log_likelihood:
            self.best = Round(fit, averaged, self.epoch, self.epoch)
        else:
            best = self.best
            self.best = Round(best.fit, best.log_probs, best.best_epoch, self.epoch)
            if self.epoch - best.best_epoch >= self.settings.patience:
                control.should_training_stop = True

    def _remember(self, name: str, values: Tensor) -> None:
        assert self.trainer is not None
        self.trainer.method_state.memory[name] = values.to(self.trainer.args.device)

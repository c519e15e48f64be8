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

Where several classes may hold and the noise is known beforehand (`noise.estimation.plateau`), all networks learn
through it from the first step, and none of this changes it: predictions of a class that may hold or not can take the
noise for doubt and explain the labels as well, so that nothing would be learnt of it (joined TREC questions, 40 % of
what holds left out: 3 % by expectation-maximisation).

Rounds 1 and 2 end where the likelihood of the given labels on held-out rows is highest: no clean label is used, and no
noise rate. What an epoch's T is made of are predictions raised to the second power: with T close to the identity,
networks explain noise as doubt of their own, and an estimate from those doubts would confirm it (measured on TREC,
pairwise noise 0.45: held-out log-likelihood -1.14 with, -1.16 without, diagonal of T 0.55 and 0.65 where 0.55 is
true). The sharpness of the predictions that are given out is chosen by likelihood alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from clc_text.artifacts.cross_fit import CrossFit
from clc_text.artifacts.run_files import CrossFitMore
from clc_text.crossfit.rounds import (
    AfterEpoch,
    Round,
    Settings,
    check_folds,
    finished,
    in_words,
    mean_of,
    renamed,
    train_round,
)
from clc_text.crossfit.seeds import seeds_of_rounds
from clc_text.data.best_classes import DENSE_CLASSES, is_large
from clc_text.data.folds import assign_folds, rarest_of
from clc_text.data.labels import Labels
from clc_text.methods.fold_forward import FoldForward
from clc_text.noise.estimation.half_trust import never_certain
from clc_text.noise.estimation.match_classes import match_by_counts, match_classes
from clc_text.noise.estimation.noise_fit import (
    NoiseFit,
    fit_noise,
    fit_shares,
    fit_through,
    fit_transition,
    posterior_labels,
)
from clc_text.noise.estimation.plateau import Plateau
from clc_text.noise.estimation.probabilities import MOST_FITTED, check_classes

if TYPE_CHECKING:
    from clc_text.training.trainer import PeersTrainer

# A round 2 that began with wrong names ends at a likelihood far below that of round 1 (measured: -1.20 after -1.14;
# with right ones within 0.01), and the next way to name the classes is tried.
TOLERANCE = 0.02  # nats
# Networks that begin with T end with classes of the right names; those that begin plainly may end better all the same
# (measured on 20 Newsgroups: by 0.02 to 0.05; on TREC both are within 0.002).
CLEARLY = 0.005  # nats
MARGINS = (1.1, 1.0)  # see `match_classes`; the last resort is that every class keeps its name


def cross_fit(
    fold_trainer: Callable[[FoldForward, int, AfterEpoch], PeersTrainer],
    labels: Labels,
    num_classes: int,
    settings: Settings,
    seed: int,
    log: Callable[[str], None] = lambda _: None,
    firsts: np.ndarray | None = None,
    known: Plateau | None = None,
) -> CrossFit:
    """Out-of-sample predictions, the noise matrix and posterior labels.

    Args:
        fold_trainer: makes a trainer of K peers for a method, a seed and a callback.
        labels: of the rows; those that training sees count. Where several of K classes may hold, each of them has a
            noise matrix of its own and no other name to be learnt under, and all networks but those that are blind to
            its row learn an answer. Noise and likelihood are those of what was given to all rows: answers to the most
            doubtful ones would take away what noise is told by.
        num_classes: C; with those 2.
        seed: of folds and networks.
        log: told of every round and its end.
        firsts: int64 [N], the first copy of each row (`first_copies`); None: all rows differ.
        known: the noise of each class, where several may hold; None: it is found here.

    Raises:
        InputError: fewer rows than folds, copies aside, or more classes than a noise matrix is estimated of.
    """
    check_classes(num_classes, MOST_FITTED)
    if firsts is None:
        firsts = np.arange(len(labels))
    check_folds(firsts, settings)
    # Each round deals the rows out anew: its networks then err in other places, which is what a mean is good for.
    given, learnt = labels.trained, labels.learnt
    kinds = given if given.ndim == 1 else rarest_of(given)
    seeds = seeds_of_rounds(seed, settings.rounds)
    dealt = [assign_folds(kinds, settings.folds, of_folds, firsts) for of_folds, _ in seeds]

    best = given.ndim == 1 and is_large(len(labels), num_classes)
    log(f"cross-fitting, round 1 of {settings.rounds}: {settings.folds} networks, each blind to a fold")
    fixed = None if known is None else never_certain(known.transition)
    answers = labels.told if given.ndim == 2 else None
    told = None if answers is None else np.ascontiguousarray(answers.T)
    first = train_round(fold_trainer, _after(dealt[0], learnt, settings, fixed, known, told, best), seeds[0][1])
    log(in_words(first))

    tried: list[tuple[Round, np.ndarray]] = []
    for names in _possible_names(first, given):
        log(f"cross-fitting, round 2 of {settings.rounds}: other networks, with the noise that round 1 found")
        start = fixed
        if start is None:
            start = fit_transition(renamed(first.probs, names), learnt, even_rows=first.fit.even_rows)
        after = _after(dealt[1], learnt, settings, start, known, told, best)
        tried.append((train_round(fold_trainer, after, seeds[1][1]), names))
        log(in_words(tried[-1][0]))
        if tried[-1][0].fit.log_likelihood >= first.fit.log_likelihood - TOLERANCE:
            break
    second, names = max(tried, key=lambda pair: pair[0].fit.log_likelihood)
    first = first.renamed(names)

    plainly = first.fit.log_likelihood > second.fit.log_likelihood + CLEARLY
    better, other = (first, second) if plainly else (second, first)
    used = [better]
    used, fit = _with(other, used, fit_through(mean_of(used), learnt, fixed), learnt, fixed)
    as_long = replace(settings, epochs=better.best_epoch, patience=better.best_epoch)
    rounds = [first, second]
    for number in range(3, settings.rounds + 1):
        log(f"cross-fitting, round {number} of {settings.rounds}: other networks again")
        begin = fixed if plainly else fit.transition
        after = _after(dealt[number - 1], learnt, as_long, begin, known, told, best)
        this_round = train_round(fold_trainer, after, seeds[number - 1][1])
        log(in_words(this_round))
        rounds.append(this_round.renamed(names) if plainly else this_round)
        used, fit = _with(rounds[-1], used, fit, learnt, fixed)
    fit, now = _named_again(fit, mean_of(used), labels)
    names = now[names]
    fit = fit_shares(fit, learnt) if known is None else fit
    posterior = posterior_labels(fit.probs, learnt, fit.transition)
    if answers is not None:
        posterior[answers >= 0] = np.eye(2)[answers[answers >= 0]]
    facts: CrossFitMore = {"renamed": names.tolist(), "names_tried": len(tried)}
    if known is not None:
        facts["rates_of_each"] = known.rates(given).tolist()
    return finished(labels, settings, dealt, firsts, fit, posterior, rounds, used, facts)


def _with(
    this_round: Round, used: list[Round], fit: NoiseFit, labels: np.ndarray, known: np.ndarray | None = None
) -> tuple[list[Round], NoiseFit]:
    """The rounds, of which `fit` is that of their mean, and one more, if it then explains the given labels better."""
    more = [*used, this_round]
    with_it = fit_through(mean_of(more), labels, known)
    return (more, with_it) if with_it.log_likelihood > fit.log_likelihood else (used, fit)


def _named_again(fit: NoiseFit, log_probs: np.ndarray, labels: Labels) -> tuple[NoiseFit, np.ndarray]:
    """The fit of a mean of rounds with the names [C] that its classes have by now, and these.

    A rare class whose name most rows of a frequent one are given by mistake can be learnt as that one, and the other
    way round, by networks that began with the right names (TREC, pairwise noise 0.4, one seed of five: NUM as ABBR,
    68 % of the test rows right where 90 to 92 are). They get the names under which most labels are right: pairs of
    classes that meet each other most often, as `match_classes` looks for, leave a third with a wrong name where chance
    has turned the balance of one (pairwise noise 0.4 and 0.45, seeds 20 to 23, 16 sets: on 5 of them two or three
    classes had wrong names in the end, so that 54 to 66 % of the posterior labels were right where 69 to 85 can be;
    now on 1, of 2,500 rows).
    """
    same = np.arange(fit.classes)
    if labels.trained.ndim == 2 or fit.classes > DENSE_CLASSES:
        return fit, same
    names = match_by_counts(fit.probs, labels.trained)
    if (names == same).all():
        return fit, same
    fitted = fit_noise(renamed(log_probs, names), labels.learnt)
    return (fitted, names) if fitted.log_likelihood >= fit.log_likelihood - TOLERANCE else (fit, same)


def _possible_names(first: Round, labels: np.ndarray) -> list[np.ndarray]:
    """Ways to name the classes of round 1, the likeliest first; more than one only where it is not clear. Of thousands
    of classes each keeps its name: of so few rows chance alone turns the balance of many (8,000 rows of 1,200 classes:
    493 were renamed)."""
    if labels.ndim == 2 or first.fit.classes > DENSE_CLASSES:
        return [np.arange(first.fit.classes)]
    possible = [match_classes(first.probs, labels, margin) for margin in MARGINS]
    found: list[np.ndarray] = []
    for names in [*possible, np.arange(first.fit.classes)]:
        if not any((names == other).all() for other in found):
            found.append(names)
    return found


def _after(
    fold: np.ndarray,
    labels: np.ndarray,
    settings: Settings,
    transition: np.ndarray | None,
    known: Plateau | None,
    told: np.ndarray | None,
    best_classes: bool,
) -> AfterEpoch:
    is_known = known is not None
    return AfterEpoch(torch.from_numpy(fold), labels, settings, transition, is_known, told, best_classes)

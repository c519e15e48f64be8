"""The trainer of the folds' networks, made in the image of the trainer that needs them."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from torch import Tensor
from transformers import PrinterCallback, ProgressCallback
from transformers.trainer_utils import IntervalStrategy, SaveStrategy

from clc_text.artifacts.cross_fit import CrossFit
from clc_text.artifacts.run_files import CrossFitFacts
from clc_text.crossfit.answered import cross_fit_answered
from clc_text.crossfit.answered_targets import taught_with_answers
from clc_text.crossfit.by_rows import cross_fit_by_rows
from clc_text.crossfit.copies import first_copies_of
from clc_text.crossfit.cross_fit import cross_fit
from clc_text.crossfit.rounds import AfterEpoch, Settings
from clc_text.data.best_classes import is_large, logs_of
from clc_text.data.class_shares import ClassShares
from clc_text.data.labels import Labels
from clc_text.data.rows import Rows
from clc_text.errors import InputError
from clc_text.methods.base import Method
from clc_text.methods.fold_forward import FoldForward
from clc_text.models.peers import PeersModel
from clc_text.models.peers_of import PeersOf, peers_from_init, peers_from_model
from clc_text.noise.estimation.half_trust import ROOM, half_trusted, never_certain
from clc_text.noise.estimation.plateau import Plateau, plateau
from clc_text.noise.estimation.row_noise import NoiseOfRows, noise_of_rows, taught_by_rows
from clc_text.noise.estimation.targets import targets_of, taught_of
from clc_text.training.trainer import PeersTrainer

PeersInit = Callable[[int, int], PeersModel]
"""Makes a model of so many peers from a seed."""

Features = Callable[[], np.ndarray]
"""Gives float [N, D], of the rows, which no label has shaped."""

MoreViews = Callable[[CrossFit, Labels], np.ndarray | None]
"""Log-probabilities of the true class [N, C], or of each class [N, K, 2], by the networks and whatever else tells of
the rows, together: given what cross-fitting found and the labels. None: nothing does."""

_SMALLEST = 1e-12


def cross_fit_of(
    trainer: PeersTrainer,
    peers_init: PeersInit | None = None,
    log: Callable[[str], None] = lambda _: None,
    without: CrossFit | None = None,
    views: MoreViews | None = None,
    features: Features | None = None,
    shares: ClassShares | None = None,
) -> CrossFit:
    """Cross-fits the training set of a trainer with networks like its own.

    Args:
        peers_init: makes those, where the trainer's own model cannot be copied.
        log: told in words what is going on.
        without: what such networks have found in these rows without the answers that the trainer has; with them is
            then asked. None: without them is asked, whether it has any or not.
        views: heard beside the networks in what a method that learns it is taught; None: the networks alone.
        features: of the rows, by which the noise of classes of which several may hold is known before; None: there
            are none, and networks find what they can.
        shares: how common the classes truly are, of one a row; None: nobody has told, and answers to random rows do.

    Raises:
        InputError: no more networks like the trainer's can be made, or none that do not know the labels.
    """
    make = peers_like(trainer, peers_init)
    labels = trainer.given_labels()
    settings = settings_of(trainer.method)

    def fold_trainer(method: FoldForward, seed: int, after_epoch: AfterEpoch) -> PeersTrainer:
        made = PeersTrainer(
            make(settings.folds, seed),
            _arguments(trainer, after_epoch.settings, seed),
            trainer.data_collator,
            trainer.train_dataset,
            method=method,
            augment=trainer.augment,
            callbacks=[after_epoch],
            optimizer_cls_and_kwargs=_optimizer(trainer, settings),
        )
        made.epoch_rows, made.arithmetic = settings.epoch_rows, trainer.arithmetic
        for talkative in (PrinterCallback, ProgressCallback):
            made.remove_callback(talkative)
        return made

    classes, first = trainer.number_of_classes(), first_copies_of(trainer)
    if labels.problems == 1 and is_large(len(labels), classes):
        _check_plain(labels, classes)
    seed = trainer.args.seed
    if without is None or labels.trusted is None or labels.problems > 1:
        known = _noise_of_each(labels, features, seed, log) if labels.problems > 1 else None
        found = cross_fit(fold_trainer, labels, classes, settings, seed, log, first, known)
        if trainer.method.cross_fits and not found.learnt_nothing:
            found, targets = _taught(found, labels, views, log, trainer, fold_trainer, settings)
            if labels.problems > 1 and labels.trusted is not None:
                targets[labels.trusted.rows] = np.eye(2)[labels.trusted.labels]
            found = replace(found, targets=targets)
        return found if shares is None else found.with_shares(shares, labels)
    log(f"cross-fitting with {len(labels.trusted):,} answers of people")
    found = cross_fit_answered(fold_trainer, labels, classes, settings, seed, without, log, first)
    if trainer.method.cross_fits:
        pool = _pool(found, Labels.of(labels.as_answered), views, log)
        noise = None
        if pool is not None and without.facts.get("by_rows"):
            noise = _noise_of_rows(trainer, pool, labels, found.folds[0])
        of_rows = noise if noise is not None and noise.ahead else None
        found = taught_with_answers(found, labels, without, pool, of_rows)
    if shares is not None:
        return found.with_shares(shares, labels)
    by_answers = ClassShares.of_answers(labels.trusted, len(labels), classes)
    return found if by_answers is None else found.with_shares(by_answers, labels, by_answers=True)


def _check_plain(labels: Labels, classes: int) -> None:
    """Raises: InputError: more than one class is known of rows, of which tables have not all classes."""
    more = "answers of people" if labels.trusted is not None else "distributions" if labels.learnt.ndim > 1 else None
    if more is not None:
        raise InputError(
            f"{len(labels):,} rows of {classes:,} classes are cross-fitted by one given class a row, and these have "
            f"{more} as well; leave them out, join classes (data.label_map), or train with method: clc",
            key="answers" if labels.trusted is not None else "distributions",
        )


def _taught(
    found: CrossFit,
    labels: Labels,
    views: MoreViews | None,
    log: Callable[[str], None],
    trainer: PeersTrainer,
    fold_trainer: Callable[[FoldForward, int, AfterEpoch], PeersTrainer],
    settings: Settings,
) -> tuple[CrossFit, Any]:
    """What was found, with further rounds where noise follows the rows, and what is taught, float64 [N, C]."""
    if found.each is not None:
        return found, _targets_of_pairs(found, labels, views, log)
    pool = _heard(found, labels, views, log)
    targets, noise = taught_of(pool, labels.learnt), _noise_of_rows(trainer, pool, labels, found.folds[0])
    if noise is None:
        return found, targets
    facts: CrossFitFacts = {**found.facts, "row_gain": noise.gain, "row_gain_error": noise.error, "by_rows": False}
    found = replace(found, facts=facts)
    if not noise.ahead:
        return found, targets
    log(f"noise follows the rows: given labels are likelier by {noise.gain:.3f} nats a row if it does")
    first = first_copies_of(trainer)
    found = cross_fit_by_rows(fold_trainer, found, labels, noise, settings, trainer.args.seed, log, first)
    pool = _heard(found, labels, views, log)
    # T(x) is known better by what is believed now: more of what is taught is right (seeds 10, 11, `real_noise.md`).
    again = _noise_of_rows(trainer, pool, labels, found.folds[0])
    noise = again if again is not None and again.ahead else noise
    return found, (taught_of(pool, labels.learnt) + taught_by_rows(pool, noise.columns(labels.learnt))) / 2


def _noise_of_rows(trainer: PeersTrainer, pool: np.ndarray, labels: Labels, fold: np.ndarray) -> NoiseOfRows | None:
    """T(x) of the rows by what is believed of them; None where it cannot be asked."""
    inputs = _vectors_read_by(trainer)
    if inputs is None or labels.learnt.ndim > 1:
        return None
    return noise_of_rows(pool, labels.learnt, inputs, fold)


def _vectors_read_by(trainer: PeersTrainer) -> np.ndarray | None:
    """[N, D], what the networks read of each row, where that is one vector; None where it is not."""
    rows = trainer.train_dataset
    inputs = list(rows.inputs.values()) if isinstance(rows, Rows) else []
    if len(inputs) != 1 or not isinstance(inputs[0], Tensor) or inputs[0].ndim != 2:
        return None
    return inputs[0].cpu().numpy() if inputs[0].is_floating_point() else None


def _targets_of_pairs(
    cross_fit: CrossFit, labels: Labels, views: MoreViews | None, log: Callable[[str], None]
) -> np.ndarray:
    """float64 [N · K, 2], what is believed of each pair of a row and a class that may hold, the given label half
    trusted."""
    if cross_fit.knows_noise:
        assert cross_fit.each is not None
        pool, shape = _pool(cross_fit, labels, views, log), labels.learnt.shape
        probs = cross_fit.probs.reshape(*shape, 2) if pool is None else np.exp(pool)
        return half_trusted(probs, labels.learnt, never_certain(cross_fit.each), ROOM).reshape(-1, 2)
    each = [(cross_fit.of_problem(one), labels.of_problem(one)) for one in range(labels.problems)]
    parts = [targets_of(_heard(found, of_class, views, log), of_class.learnt) for found, of_class in each]
    return np.stack(parts, 1).reshape(-1, 2)


def _noise_of_each(labels: Labels, features: Features | None, seed: int, log: Callable[[str], None]) -> Plateau | None:
    """The noise of each class among several that may hold, by the features of the rows; None where there are none."""
    if features is None:
        return None
    try:
        vectors = features()
    except InputError as error:
        log(f"the noise of each class is found by networks, since no features can be had: {error}")
        return None
    log("finding how often classes are left out, and given wrongly")
    return plateau(vectors, labels.trained, seed)


def _heard(cross_fit: CrossFit, labels: Labels, views: MoreViews | None, log: Callable[[str], None]) -> np.ndarray:
    """[N, C], log-probabilities of all views together, or of the networks alone."""
    pool = _pool(cross_fit, labels, views, log)
    return logs_of(cross_fit.probs, _SMALLEST) if pool is None else pool


def _pool(
    cross_fit: CrossFit, labels: Labels, views: MoreViews | None, log: Callable[[str], None]
) -> np.ndarray | None:
    """What all views say together; None where there are none beside the networks."""
    if views is None:
        return None
    log("hearing other views of the rows, beside the networks")
    try:
        return views(cross_fit, labels)
    except InputError as error:
        log(f"taught by networks alone, since other views cannot be had: {error}")
        return None


def peers_like(trainer: PeersTrainer, peers_init: PeersInit | None = None) -> PeersInit:
    """What makes a model of so many peers from a seed, each like the trainer's networks are now."""
    if peers_init is not None:
        return peers_init
    if trainer.model_init is not None:
        one = trainer.make_one_network
        return lambda peers, seed: peers_from_init(one, peers, seed)
    model: Any = trainer.model
    if not isinstance(model, PeersOf):
        raise InputError(
            f"cross-fitting needs more networks like those of this {type(model).__name__}; give `peers_init`, which "
            "makes a model of so many peers from a seed",
            key="peers_init",
        )
    if trainer.state.global_step:
        # A network that has learnt a row's label would be given out as one that never saw it.
        raise InputError(
            "cross-fitting needs networks that have not seen the labels, and these have been trained on them already; "
            "make a new trainer, or give model_init",
            key="model_init",
        )
    return lambda peers, seed: peers_from_model(copy.deepcopy(model.networks[0]), peers, seed)


def settings_of(method: Method) -> Settings:
    if not method.cross_fits:
        return Settings()
    chosen: Any = method  # whichever cross-fits has these options
    return Settings(
        chosen.folds,
        chosen.fold_rounds or Settings.rounds,
        chosen.fold_epochs,
        chosen.fold_patience,
        epoch_rows=chosen.fold_epoch_rows,
    )


def _optimizer(trainer: PeersTrainer, settings: Settings) -> tuple[Any, dict[str, Any]] | None:
    if trainer.optimizer_cls_and_kwargs is None:
        return None
    kind, chosen = trainer.optimizer_cls_and_kwargs
    return kind, chosen | ({"lr": chosen["lr"] * settings.faster} if "lr" in chosen else {})


def _arguments(trainer: PeersTrainer, settings: Settings, seed: int) -> Any:
    """The trainer's own arguments without what belongs to a whole run: saving, evaluating, reporting, a schedule."""
    args = copy.copy(trainer.args)
    args.num_train_epochs, args.max_steps = settings.epochs, -1
    args.learning_rate *= settings.faster
    args.seed = args.data_seed = seed
    args.save_strategy, args.eval_strategy = SaveStrategy.NO, IntervalStrategy.NO
    args.logging_strategy = IntervalStrategy.NO
    args.load_best_model_at_end = args.push_to_hub = args.eval_on_start = False
    args.report_to, args.disable_tqdm = [], True
    args.lr_scheduler_type = type(args.lr_scheduler_type)("constant")
    for name, value in {"checkpoint_epochs": 0, "decay_from_epoch": None, "momentum_after_decay": None}.items():
        if hasattr(args, name):
            setattr(args, name, value)
    return args

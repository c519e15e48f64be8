"""From a recipe and its prepared rows to a trainer."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clc_text.artifacts.names import located
from clc_text.config.recipe import Recipe, Training
from clc_text.data.labels import Labels
from clc_text.data.rows import Rows
from clc_text.errors import InputError
from clc_text.evidence.heard import FILE, KeptViews
from clc_text.evidence.pool_of_views import pool_of_views
from clc_text.noise.estimation.probabilities import count_pairs, rows_to_one
from clc_text.noise.estimation.row_noise import MOST as MOST_ROWS_ASKED
from clc_text.noise.matrix import checked_matrix, read_matrix
from clc_text.runs.frozen_features import features_of, words_of
from clc_text.runs.prepare import Prepared, shares_told

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from clc_text.artifacts.cross_fit import CrossFit
    from clc_text.crossfit.fold_trainer import Features, MoreViews
    from clc_text.crossfit.trainer import NoisyLabelTrainer
    from clc_text.data.task import Task
    from clc_text.training.epochs import EpochResult

# Rounds of cross-fitting where networks read what a frozen pre-trained model made of the rows: other views read the
# same, and a third round tells nothing that they do not (`recipes/results/real_noise.md`).
ROUNDS_OF_FROZEN = 2
STEPS_AT_LEAST = 4  # of an epoch, where the recipe's batch holds more rows than there are
RESIDENT = 0.25  # of the device's free memory: training rows that need no more are kept there


def build_trainer(
    recipe: Recipe,
    directory: Path,
    prepared: Prepared,
    listeners: Sequence[Callable[[EpochResult], None]] = (),
    log: Callable[[str], None] = lambda _: None,
) -> NoisyLabelTrainer:
    """The trainer of a recipe; also what a script takes that wants the parts but not the run directory.

    Nothing is written into `directory` before it trains.
    """
    import torch
    from transformers import PrinterCallback

    from clc_text.crossfit.trainer import NoisyLabelTrainer

    task, labels = prepared.task, prepared.labels
    passing = tempfile.TemporaryDirectory(prefix="clc-text-")  # `Trainer` makes the folder that it is told at once
    arguments = training_arguments(recipe, Path(passing.name))
    rows = Rows(prepared.train_inputs, _of_texts(task, labels.learnt))
    if (size := fitting_batch(recipe.training.batch_size, len(rows))) != arguments.per_device_train_batch_size:
        log(
            f"training.batch_size is {arguments.per_device_train_batch_size}, but there are only {len(rows)} training "
            f"rows: each step takes {size} of them"
        )
        arguments.per_device_train_batch_size = size
    if arguments.device.type == "cuda" and rows.nbytes <= torch.cuda.mem_get_info()[0] * RESIDENT:
        rows = rows.to(arguments.device)
        arguments.dataloader_pin_memory = False  # what lies on the device already cannot be pinned
        arguments.dataloader_num_workers, arguments.dataloader_persistent_workers = 0, False

    def networks(peers: int, seed: int) -> Any:
        model = recipe.network.build(prepared.train_inputs, task.output_names, peers, seed)
        if task.asked:
            model.make_multi_label()
        return model

    model = networks(recipe.num_peers, recipe.seeds.network)
    test = None
    if prepared.test_inputs is not None:
        assert task.test_labels is not None
        test = Rows(prepared.test_inputs, _of_texts(task, task.test_labels))
    trainer = NoisyLabelTrainer(
        model,
        arguments,
        method=_settled(recipe, prepared),
        train_dataset=rows,
        eval_dataset=test,
        noise_rate=noise_rate(recipe, labels),
        transition=transition(recipe, labels, task.label_names),
        class_weights=recipe.training.class_weights,
        dynamics_dir=located(directory, "dynamics"),
        epoch_listeners=list(listeners),
        augment=prepared.encoder.augment,
        optimizer_cls_and_kwargs=_optimizer(recipe),
        peers_init=networks,
        cross_fit_dir=directory,
        targets=None if labels.belief is None else torch.from_numpy(labels.belief).float(),
        trusted=labels.trusted,
        recover=recipe.monitor == "recover",
        log=log,
        views=views_of(prepared, recipe.seeds.network, directory),
        features=features_by(prepared) if task.asked else None,
    )
    if trainer.cross_fits_first:
        trainer.class_shares = shares_told(recipe, task)
    arguments.output_dir = str(directory / "checkpoints")
    passing.cleanup()
    trainer.remove_callback(PrinterCallback)  # the observers say how a run is going
    return trainer


def _settled(recipe: Recipe, prepared: Prepared) -> Any:
    """The recipe's method, with as many rounds of cross-fitting as its inputs ask for, where the recipe leaves that
    open."""
    method: Any = recipe.method
    left_open = method.cross_fits and method.fold_rounds is None
    if left_open and prepared.encoder.distances and not prepared.task.asked:
        return replace(method, fold_rounds=ROUNDS_OF_FROZEN)
    return method


def _of_texts(task: Task, labels: np.ndarray) -> Tensor:
    """Labels [N] as a network learns them: [texts, K] where several of K classes may hold of a text."""
    import torch

    of_texts = torch.from_numpy(labels)
    return of_texts.view(-1, task.per_text) if task.asked else of_texts


def features_by(prepared: Prepared) -> Features:
    """Gives features of each text that no label has shaped."""

    def features() -> np.ndarray:
        return features_of(prepared)

    return features


def views_of(prepared: Prepared, seed: int, directory: Path) -> MoreViews:
    """What features that no label has shaped, and words, tell of the rows beside networks. Where a row has one class,
    `directory` keeps it for who judges."""

    words: Callable[[], Any | None] = partial(words_of, prepared)
    if len(prepared.task.train) <= MOST_ROWS_ASKED:  # views are heard twice where noise follows the rows
        words = cache(words)

    def views(cross_fit: CrossFit, labels: Labels) -> np.ndarray | None:
        kept = None if prepared.task.asked else KeptViews(directory / FILE)
        return pool_of_views(features_of(prepared), words(), labels, cross_fit, seed, kept)

    return views


def noise_rate(recipe: Recipe, labels: Labels) -> float | str | None:
    """What a method is told of the noise rate: nothing, a number, the realised rate (side information), "estimate"."""
    if recipe.noise_rate == "true":
        if labels.true is None:
            raise InputError(
                "noise_rate is 'true', but the true labels are not known; write a number or 'estimate'",
                key="noise_rate",
            )
        known = labels.true >= 0
        return float((labels.trained != labels.true)[known].mean())
    return recipe.noise_rate


def transition(recipe: Recipe, labels: Labels, label_names: list[str]) -> Tensor | None:
    """float [C, C], the noise matrix that a method is told: of a file, or counted from the true labels."""
    import torch

    if recipe.method.transition_source == "file":
        path = str(vars(recipe.method)["matrix_file"])
        return torch.from_numpy(checked_matrix(read_matrix(Path(path)), label_names, path)).float()
    if recipe.method.transition_source != "true":
        return None
    if labels.true is None:
        raise InputError(
            "method.matrix is 'true', but the true labels are not known; write 'estimate' or 'anchors'",
            key="method.matrix",
        )
    known = labels.true >= 0
    return torch.from_numpy(
        rows_to_one(count_pairs(labels.true[known], labels.trained[known], len(label_names)))
    ).float()


def fitting_batch(size: int, rows: int) -> int:
    """The batch size; where there are not as many rows, the largest power of two of which an epoch has four or more.

    A batch of all rows would make one step an epoch, and networks would hardly learn in as many epochs as are usual.
    """
    return size if size <= rows else 1 << max(0, (rows // STEPS_AT_LEAST).bit_length() - 1)


def planned_epochs(recipe: Recipe, rows: int) -> int:
    """How many epochs a training on so many rows is to have, the last of them perhaps a part of one."""
    chosen = recipe.training
    if chosen.max_steps is None:
        return chosen.epochs
    batches = -(-rows // fitting_batch(chosen.batch_size, rows))
    return -(-chosen.max_steps // -(-batches // chosen.gradient_accumulation))


def training_arguments(recipe: Recipe, output_dir: Path) -> Any:
    """The recipe's `training` section as `NoisyLabelArguments`."""
    from transformers.integrations import get_available_reporting_integrations
    from transformers.utils.logging import disable_progress_bar

    from clc_text.training.arguments import NoisyLabelArguments

    disable_progress_bar()  # this package draws its own
    chosen = recipe.training
    if missing := set(chosen.report_to) - set(get_available_reporting_integrations()):
        raise InputError(
            f"training.report_to names {', '.join(sorted(missing))}, which is not installed; install it, or leave "
            "it out",
            key="training.report_to",
        )
    said = {argument: getattr(chosen, option) for argument, option in Training.arguments().items()}
    arguments = {argument: value for argument, value in said.items() if value is not None}
    try:
        return NoisyLabelArguments(
            output_dir=str(output_dir),
            bf16=chosen.precision == "bf16",
            use_cpu=chosen.device == "cpu" or (chosen.device == "auto" and not _cuda()),
            seed=recipe.seeds.network,
            data_seed=recipe.seeds.network,
            save_strategy="no",
            logging_strategy="no" if chosen.logging_steps is None else "steps",
            disable_tqdm=True,
            dataloader_persistent_workers=chosen.workers > 0,
            save_total_limit=2,
            **arguments,
        )
    except (ValueError, ImportError) as error:
        raise InputError(f"training: {error}") from None


def _optimizer(recipe: Recipe) -> tuple[type, dict[str, Any]]:
    import torch

    chosen = recipe.training
    shared = {"lr": chosen.learning_rate, "weight_decay": chosen.weight_decay, "fused": True}
    if chosen.optimizer == "sgd":
        return torch.optim.SGD, {**shared, "momentum": chosen.momentum}
    kind = torch.optim.Adam if chosen.optimizer == "adam" else torch.optim.AdamW
    return kind, {**shared, "betas": (chosen.momentum, chosen.beta2), "eps": chosen.epsilon}


def _cuda() -> bool:
    import torch

    return torch.cuda.is_available()

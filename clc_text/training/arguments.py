"""The arguments of a training, and which of `TrainingArguments` cannot hold for networks that learn side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from torch import nn
from transformers import TrainingArguments
from transformers.utils.logging import get_logger

from clc_text.config.components import check_value, numeric
from clc_text.config.recipe import Recipe, Seeds, Training
from clc_text.errors import InputError, some_of

logger = get_logger(__name__)

# Optimizers that treat every number of a tensor by itself, so that peers in one stacked tensor never meet.
ELEMENTWISE = {
    "adamw_torch", "adamw_torch_fused", "adamw_torch_xla", "adamw_torch_npu_fused", "sgd", "rmsprop", "adagrad",
    "ademamix", "lion_32bit",
}  # fmt: skip


@dataclass
class NoisyLabelOptions:
    """What a training on noisy labels has beside `TrainingArguments`.

    Attributes:
        checkpoint_epochs: save a checkpoint after every so many epochs (0: only as `save_strategy` says).
        dynamics_epochs: write the training dynamics of every so many epochs, and of the last one.
        decay_from_epoch: the learning rate is constant up to this epoch and falls linearly to 0 at the end.
        momentum_after_decay: β1 of Adam (the momentum of SGD) from that epoch on.
    """

    checkpoint_epochs: int = field(default=0, metadata={"help": "epochs between checkpoints; 0: as save_strategy"})
    dynamics_epochs: int = field(default=1, metadata={"help": "epochs between dynamics files"})
    decay_from_epoch: int | None = field(default=None, metadata={"help": "epoch where a linear decay begins"})
    momentum_after_decay: float | None = field(default=None, metadata={"help": "β1 or momentum from then on"})


@dataclass
class NoisyLabelArguments(NoisyLabelOptions, TrainingArguments):
    """`TrainingArguments` with `NoisyLabelOptions` and the defaults that learning with noisy labels wants.

    Other defaults than `TrainingArguments`: `lr_scheduler_type` constant, `max_grad_norm` 0 (off; when on, each peer
    is clipped by its own norm), `logging_nan_inf_filter` off, since a NaN loss must be seen.
    """

    lr_scheduler_type: str = field(default="constant", metadata={"help": "learning rate schedule"})
    max_grad_norm: float = field(default=0.0, metadata={"help": "largest gradient norm of each peer; 0: no clipping"})
    logging_nan_inf_filter: bool = field(default=False, metadata={"help": "hide NaN and infinite losses in the log"})


def options_of(args: TrainingArguments) -> NoisyLabelOptions:
    """A script's own `TrainingArguments` stay as they are; what they lack has its default."""
    return args if isinstance(args, NoisyLabelOptions) else NoisyLabelOptions()


# Options that are numbers of the same meaning in a script and in a recipe, by what `TrainingArguments` call them; of
# the steps that are left out here a script may also give -1 for none, or a share.
_AS_IN_RECIPES = {
    argument: option
    for argument, option in Training.arguments().items()
    if argument not in {"max_steps", "logging_steps"}
    and argument not in {each.name for each in fields(NoisyLabelOptions)}
    and numeric(Training, option)
}


def check_limits(
    args: TrainingArguments,
    peers: int | None,
    class_weights: str | Sequence[float] | None = None,
    noise_rate: float | str | None = None,
) -> None:
    """Holds a script's arguments to the limits that the same options have in a recipe.

    Raises:
        InputError: names the first that is outside of them.
    """
    for name, option in _AS_IN_RECIPES.items():
        value = getattr(args, name)
        if name == "num_train_epochs":
            if args.max_steps > 0:  # which say how long instead
                continue
            value = max(value, 1) if value > 0 else value
        if value is not None:
            # Of these two `TrainingArguments` take fractions as well: a part of an epoch, a share of the steps.
            check_value(name, value, Training, option, any_type=option in ("epochs", "warmup_steps"))
    check_value("seed", args.seed, Seeds, "network")
    if isinstance(args, NoisyLabelOptions):
        for each in fields(NoisyLabelOptions):
            check_value(each.name, getattr(args, each.name), Training, each.name)
    check_value("peers", peers, Recipe, "peers")
    if noise_rate is not None and (isinstance(noise_rate, str) or not 0 <= noise_rate < 1):
        raise InputError(f"noise_rate is {noise_rate!r}; give a rate in [0, 1), or 'estimate'", key="noise_rate")
    if class_weights is not None and not isinstance(class_weights, str):
        try:
            weights = [float(weight) for weight in class_weights]
        except (TypeError, ValueError):
            raise InputError(
                "class_weights are no numbers; give 'balanced', or one number for each class", key="class_weights"
            ) from None
        check_value("class_weights", weights, Training, "class_weights")
        if not any(weights):
            raise InputError(
                "class_weights are all 0, so that nothing would be learnt; give one above 0", key="class_weights"
            )


def check_arguments(args: TrainingArguments, compute_loss_func: object) -> None:
    """Refuses what would silently mean something else for k peers than for one network.

    Raises:
        InputError: one of them cannot hold.
    """
    if compute_loss_func is not None:
        raise InputError(
            "compute_loss_func is given, but the method makes the loss; write a method (docs/methods.md)",
            key="compute_loss_func",
        )
    if args.label_smoothing_factor:
        raise InputError(
            "label_smoothing_factor is set, but the method decides what each row is taught; leave it at 0, or give "
            "soft labels [N, C]",
            key="label_smoothing_factor",
        )
    if args.label_names is not None and len(args.label_names) > 1:
        raise InputError(
            f"label_names has several names ({some_of(args.label_names, 5)}), but a row has one label; give one",
            key="label_names",
        )
    if args.deepspeed or args.fsdp:
        raise InputError(
            "DeepSpeed and FSDP shard the parameters across the peers' borders; use plain data parallelism "
            "(torchrun, accelerate launch)"
        )
    if args.n_gpu > 1:
        raise InputError(
            f"{args.n_gpu} GPUs without a launcher would make `Trainer` split the batch inside one process; start the "
            "script with torchrun or accelerate launch, or show it one GPU (CUDA_VISIBLE_DEVICES=0)"
        )
    if args.auto_find_batch_size:
        raise InputError(
            "auto_find_batch_size starts over in the middle of training; set per_device_train_batch_size",
            key="auto_find_batch_size",
        )
    if args.neftune_noise_alpha is not None:
        raise InputError(
            "neftune_noise_alpha adds noise to the embedding of one network; it cannot hold for k peers",
            key="neftune_noise_alpha",
        )
    if args.fp16:
        logger.warning(
            "fp16: one loss scale serves all peers, so a step in which one peer's gradient overflows is left out for "
            "all of them; bf16 has no such coupling"
        )
    if args.load_best_model_at_end:
        logger.warning(
            "load_best_model_at_end chooses the checkpoint by the labels of the evaluation set: it needs trusted "
            "labels, and the accuracy on that same set is then a best epoch's, not an honest result"
        )


def check_own_optimizer(optimizer: Any, model: nn.Module) -> None:
    """Refuses a script's optimizer of one network.

    Args:
        model: all k networks.

    Raises:
        InputError: it would leave some of the networks as they are.
    """
    held = {id(values) for group in optimizer.param_groups for values in group["params"]}
    if not all(id(values) in held for values in model.parameters() if values.requires_grad):
        raise InputError(
            "optimizers holds an optimizer that does not have the parameters of all the networks that are made of the "
            "model; give optimizer_cls_and_kwargs, or set optim and learning_rate",
            key="optimizers",
        )


def check_optimizer(args: TrainingArguments) -> None:
    """For peers that lie in one tensor: refuses optimizers whose step on one number depends on the others.

    Raises:
        InputError: the optimizer is such a one.
    """
    name = str(getattr(args.optim, "value", args.optim))
    if name not in ELEMENTWISE:
        raise InputError(
            f"optim {name} would couple peers that share a tensor; use one of {', '.join(sorted(ELEMENTWISE))}",
            key="optim",
        )

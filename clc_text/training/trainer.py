"""`PeersTrainer`: a `transformers.Trainer` whose loss comes from a method and whose model holds k peers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel, PreTrainedTokenizerBase, ProcessorMixin, TrainingArguments
from transformers.utils.logging import get_logger

from clc_text.data.rows import Rows
from clc_text.data.trusted import TrustedLabels
from clc_text.errors import InputError
from clc_text.methods.base import Method, TrainingState, method
from clc_text.models.peers import PeersModel, at_least_float32
from clc_text.models.peers_of import PeersOf, equal_peers, peers_from_init, peers_from_model
from clc_text.training.accounting import EpochAccounts
from clc_text.training.accumulation import StepBatches
from clc_text.training.answer_targets import MOST, AnswerTargets
from clc_text.training.arguments import (
    check_arguments,
    check_limits,
    check_optimizer,
    check_own_optimizer,
    options_of,
)
from clc_text.training.arithmetic import Arithmetic
from clc_text.training.data import check_dataset, count_rows, indexable, label_column, labels_of, named_sets
from clc_text.training.epochs import EpochResult
from clc_text.training.in_epochs import EpochHooks, InEpochs
from clc_text.training.mixing import check_mixable, looks_at
from clc_text.training.multi_label import check_multi_label
from clc_text.training.names import by_name, check_names
from clc_text.training.needs import no_length, why_length, why_numbers
from clc_text.training.own_loss import own_loss
from clc_text.training.scoring import Scores
from clc_text.training.step_costs import collected_once, looked_up_once
from clc_text.training.supervisor import Supervisor
from clc_text.training.targets import RowTargets
from clc_text.training.tasks import check_task
from clc_text.training.warm_up import WarmUp
from clc_text.utils.older_transformers import align_special_tokens

logger = get_logger(__name__)


class PeersTrainer(InEpochs):
    """Trains k peers by a method, on the given labels or on distributions in their place.

    It takes what `Trainer` takes, in the same order, and these by name. Predictions and `compute_metrics` are of the
    ensemble: log-probabilities [N, C] of the peers' mean probability, whose argmax and softmax mean what they always
    do; the accuracy of each peer is logged beside (``eval_accuracy_peer_0``).

    Args:
        model: a model whose output has `logits` [B, C], of which k peers are made by `peers_of.peers_from_model`, or a
            `PeersModel`, whose output has `logits` [P, B, C].
        args: `TrainingArguments`, or `NoisyLabelArguments` for a few more options and other defaults.
        train_dataset: the rows with their given labels: anything that can be indexed, with an ordinary collator, or
            `Rows`. Row numbers are added here.
        eval_dataset: rows with trusted labels; may be None.
        model_init: makes one network; called once for each peer, each time with a seed of its own.
        method: a `Method`, or the name of one with its default options.
        peers: how many networks; None: as many as the method wants.
        noise_rate: what a method that needs the rate is told; None: nothing.
        transition: float [C, C], what a method that needs the matrix is told.
        class_weights: ``"balanced"`` by the given labels, or one number a class: what each class's part of the
            cross-entropy counts; of methods with another loss the row's whole loss, by what it is taught.
        dynamics_dir: where the training dynamics' files go; None keeps the training dynamics in memory for one epoch.
        epoch_listeners: called with an `EpochResult` after every epoch, before its checkpoint (by the first process
            only, where there are several). One that writes files may have a method `recorded`, which gives their
            sha256 by name: each checkpoint says how they were.
        augment: called with a training batch's inputs, its row numbers and the epoch (from 0); gives the inputs that
            the networks then see. It must draw from these alone (no generator of its own), so that resuming is exact.
        targets: float [N, C], distributions that the rows are taught in place of their given labels; None: those.
        trusted: true labels that people have told: these rows are taught as such, and weigh more than others; networks
            that cross-fit learn from them what the other labels are worth. Of a multi-label set, its rows are pairs
            row · classes + class, and its labels 0 and 1.
        recover: notice collapse and undo it: back to the end of the warm-up, and a longer one.

    Raises:
        InputError: an argument that means something else for several networks than for one, or data without what is
            needed.
    """

    # Supervision weights already hold the reduction over a micro-batch, so Trainer divides by their number.
    loss_is_scaled_for_ga = False
    model: Any  # the peers; None between two trials of a search

    def __init__(
        self,
        model: PreTrainedModel | nn.Module | None = None,
        args: TrainingArguments | None = None,
        data_collator: Callable[[list[Any]], Any] | None = None,
        train_dataset: Any = None,
        eval_dataset: Any = None,
        processing_class: Any = None,
        model_init: Callable[..., nn.Module] | None = None,
        compute_loss_func: Callable[..., Tensor] | None = None,
        compute_metrics: Callable[..., dict[str, Any]] | None = None,
        callbacks: list[Any] | None = None,
        optimizers: tuple[Any, Any] = (None, None),
        optimizer_cls_and_kwargs: tuple[type[torch.optim.Optimizer], dict[str, Any]] | None = None,
        preprocess_logits_for_metrics: Callable[[Tensor, Tensor], Tensor] | None = None,
        *,
        method: Method | str = "standard",
        peers: int | None = None,
        noise_rate: float | None = None,
        transition: Tensor | None = None,
        class_weights: str | Sequence[float] | None = None,
        dynamics_dir: Path | None = None,
        epoch_listeners: Sequence[Callable[[EpochResult], None]] | None = None,
        augment: Callable[[dict[str, Tensor], Tensor, int], dict[str, Tensor]] | None = None,
        targets: Tensor | None = None,
        trusted: TrustedLabels | None = None,
        recover: bool = False,
    ) -> None:
        args = args or TrainingArguments(output_dir="tmp_trainer")
        self.method, self.recover = as_method(method), recover
        self.wanted_peers = peers or self.method.default_peers
        self.options = options_of(args)
        check_limits(args, peers, class_weights, noise_rate)
        check_arguments(args, compute_loss_func)
        if model is not None:
            model = self._as_peers(model, args.seed, peers)
        self._scores = Scores(compute_metrics, preprocess_logits_for_metrics, args.batch_eval_metrics)
        super().__init__(
            model,
            args,
            data_collator,
            train_dataset,
            eval_dataset,
            processing_class,
            model_init,
            None,
            self._scores,
            callbacks,
            optimizers,
            optimizer_cls_and_kwargs,
            self._scores.preprocess,
        )
        self._align(self.model)
        if optimizers[0] is not None:
            check_own_optimizer(optimizers[0], self.model)
        elif optimizer_cls_and_kwargs is None and not isinstance(self.model, PeersOf):
            check_optimizer(args)
        if equal_peers(self.model):
            logger.warning("all peers start from the same weights: only dropout will tell them apart")
        self.model_accepts_loss_kwargs = False  # the number of items in a batch is not needed
        check_task(self.model)
        if self.problem.multi_label:
            check_multi_label(self.method, class_weights, transition, recover)
        self._check_datasets()
        self._class_weights, self._targets, self.trusted = class_weights, targets, trusted
        self._given = {} if transition is None else {"transition": transition}
        self.noise_rate, self.dynamics_dir, self.augment = noise_rate, dynamics_dir, augment
        self.arithmetic = Arithmetic()  # of all trainings; also of networks that are trained for this one's
        if trusted is not None and indexable(self.train_dataset):
            trusted.check(len(self.train_dataset) * self.problem.asked, self.problem.choices or None)
        self.epoch_listeners = list(epoch_listeners or [])
        self._start_afresh()
        if self.train_dataset is not None and not indexable(self.train_dataset):
            takes_over = not self.supervised or recover
            needs = self.supervisor.needs_numbers or why_length(
                self.method, takes_over, class_weights, self.options.decay_from_epoch
            )
            if needs is not None:
                raise no_length(needs)
        self.add_callback(EpochHooks(self))

    def _as_peers(self, model: nn.Module, seed: int, peers: int | None) -> nn.Module:
        if not isinstance(model, PeersModel):
            return peers_from_model(model, self.wanted_peers, seed)
        if peers is not None and model.peers != peers:
            raise InputError(f"peers is {peers}, but the model holds {model.peers}; leave it out", key="peers")
        return model

    def make_one_network(self) -> nn.Module:
        """One more network, by the script's `model_init`."""
        return self._align(super().call_model_init(None))

    def _align(self, model: nn.Module) -> nn.Module:
        """With the tokenizer's special tokens, as `Trainer` aligns a model: it would see the peers' wrapper only."""
        tokenizer = getattr(self, "processing_class", None)
        if isinstance(tokenizer, (PreTrainedTokenizerBase, ProcessorMixin)):
            if isinstance(model, PeersOf):
                model.align_special_tokens(tokenizer)
            elif isinstance(model, PreTrainedModel) and not isinstance(model, PeersModel):
                align_special_tokens(model, tokenizer)
        return model

    def call_model_init(self, trial: Any = None) -> nn.Module:
        """k networks from k calls of the script's `model_init`, each with a seed of its own."""
        make = super().call_model_init
        return self._align(peers_from_init(lambda: make(trial), self.wanted_peers, self.args.seed))

    def _check_datasets(self) -> None:
        check_names(self.train_dataset, getattr(self.model, "config", None), "training set")
        for name, rows in named_sets(self.train_dataset, self.eval_dataset):
            by_name(rows, self._known_names(), name)
            made_later, training = not self.args.remove_unused_columns, rows is self.train_dataset
            check_dataset(rows, name, self.problem.classes, made_later, training, self.problem.multi_label)

    def _start_afresh(self) -> None:
        """Forgets what a training has learnt beside the networks: before the first one, and before each new one."""
        problem, rows = self.problem, count_rows(self.train_dataset)
        device, trusted, targets = self.args.device, self.trusted, self._targets
        # A cross-fit has asked them of all rows: to let them weigh more gains nothing beside that, and half of them
        # may be the hardest rows there are (measured where one class holds: recipes/results/answers.md).
        most = 1.0 if self.method.cross_fits and not problem.multi_label else MOST
        self.supervisor = Supervisor(
            self.method,
            problem,
            TrainingState(num_classes=problem.choices, noise_rate=self.noise_rate, memory=dict(self._given)),
            WarmUp(self.method, self.recover),
            RowTargets(self.train_dataset, self._class_weights, None if targets is None else targets.to(device)),
            None if trusted is None or not rows else AnswerTargets.of(trusted, rows, device, problem.asked, most),
            EpochAccounts(rows * problem.asked, self.model.peers, self.dynamics_dir),
            why_numbers(self.method, targets is not None, trusted is not None, self.augment is not None),
            unseen=problem.classes is None or label_column(self.train_dataset) is None,
        )
        self.step_batches = StepBatches()

    # ---- the loss ----

    def compute_loss(
        self,
        model: nn.Module,
        inputs: dict[str, Tensor | Any],
        return_outputs: bool = False,
        num_items_in_batch: Tensor | int | None = None,
    ) -> Any:
        labels, rows = labels_of(inputs), inputs.get("index")
        features = {name: values for name, values in inputs.items() if name not in ("labels", "index")}
        if self.augment is not None and model.training and rows is not None:
            # Here and not in the collator, whose first batch after a resume is drawn before the generators are set.
            features = self.augment(features, rows, self.supervisor.state.epoch)
        alpha = self.method.mixing if model.training else None
        if alpha is not None:
            check_mixable(self.method.name, features)
        outputs = model(**features)
        logits = at_least_float32(outputs.peer_logits)
        if model.training:
            looks = None if alpha is None or not self.supervised else looks_at(model, features, logits, alpha)
            loss, share = self.supervisor.loss(logits, labels, rows, looks), self.step_batches.share(len(labels))
            loss = loss if share == 1 else loss * share
        else:
            loss = self.supervisor.problem.evaluation_loss(logits, labels)
        return (loss, outputs) if return_outputs else loss

    def training_step(self, model: nn.Module, inputs: dict[str, Any], num_items_in_batch: Any = None) -> Tensor:
        """As `Trainer.training_step`; what it gives, for the log, is the mean over the peers, whose sum was learnt.

        Raises:
            InputError: a script's own `compute_loss` makes a loss in the method's place.
        """
        peers = self.model.peers
        with self._counted(peers, inputs):
            if type(self).compute_loss is PeersTrainer.compute_loss:
                return super().training_step(model, inputs, num_items_in_batch) / peers
            return self._step_by_own_loss(model, inputs, num_items_in_batch)

    def _counted(self, peers: int, inputs: dict[str, Any]) -> AbstractContextManager[None]:
        """Around a step, whose products are counted where they can be seen one by one."""
        if self.args.torch_compile or self.is_fsdp_enabled or self.is_deepspeed_enabled:
            return nullcontext()
        shapes = [getattr(values, "shape", None) for values in inputs.values()]
        return self.arithmetic.of_step((id(self.model), peers), (self.supervisor.warm_up.over, *shapes))

    def _step_by_own_loss(self, model: nn.Module, inputs: dict[str, Any], num_items_in_batch: Any) -> Tensor:
        supervisor, rows = self.supervisor, inputs.get("index")
        supervisor.made_loss = False
        with own_loss(type(self).__name__, self.method, self.model, lambda: supervisor.made_loss) as logits:
            loss = super().training_step(model, inputs, num_items_in_batch)
        if not supervisor.made_loss:
            whole = loss.detach() * self.current_gradient_accumulation_steps
            supervisor.look(whole, logits(), inputs.get("labels"), rows)
        return loss / self.model.peers

    @property
    def rate_known(self) -> bool:
        """Whether the method will be told a noise rate."""
        return self.noise_rate is not None

    def check(self) -> None:
        """Refuses what training would only refuse on its way: before anything is written.

        Raises:
            InputError: the method is told too little, or mixes what cannot be mixed.
        """
        self.method.check(self.model.peers, self.rate_known)
        if self.method.mixing is not None and isinstance(self.train_dataset, Rows):
            batch = self.train_dataset.__getitems__([0])
            rows = batch.pop("index")
            del batch["labels"]
            check_mixable(self.method.name, batch if self.augment is None else self.augment(batch, rows, 0))

    # ---- a training ----

    def train(self, resume_from_checkpoint: str | bool | None = None, *positional: Any, **more: Any) -> Any:
        """As `Trainer.train`; with ``resume_from_checkpoint=True`` from the newest checkpoint that is complete.

        Raises:
            InputError: there is none to resume from, or the loss became NaN or infinite.
        """
        checkpoint = self.checked_checkpoint(resume_from_checkpoint)
        if self.model is None:  # a trial of `hyperparameter_search` ends with its networks thrown away
            self.model = self.call_model_init()
        self._start_afresh()
        self.begin_after(checkpoint)
        with collected_once(), looked_up_once():
            self.before_training()
            return super().train(None if checkpoint is None else str(checkpoint[0]), *positional, **more)

    def before_training(self) -> None:
        """Called before each training, when what an earlier one has learnt beside the networks is forgotten."""

    def hyperparameter_search(
        self,
        hp_space: Callable[[Any], dict[str, float]] | None = None,
        compute_objective: Callable[[dict[str, float]], float] | None = None,
        *positional: Any,
        **more: Any,
    ) -> Any:
        """As `Trainer.hyperparameter_search`; the accuracies that this trainer adds do not count as the objective.

        The objective is taken from the evaluation set, so its labels choose; they should be trusted ones.
        """
        if compute_objective is None:
            sets = list(self.eval_dataset) if isinstance(self.eval_dataset, dict) else []
            compute_objective = partial(self._scores.objective, sets=sets)
        return super().hyperparameter_search(hp_space, compute_objective, *positional, **more)


def as_method(wanted: Method | str) -> Method:
    return method.get(wanted)() if isinstance(wanted, str) else wanted

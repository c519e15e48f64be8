"""`PeersTrainer`: a `transformers.Trainer` whose loss comes from a method and whose model holds k peers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from transformers import PreTrainedModel, PreTrainedTokenizerBase, ProcessorMixin, TrainingArguments
from transformers.trainer_utils import align_special_tokens
from transformers.utils.logging import get_logger

from clc_text.artifacts.dynamics import TrainingDynamics
from clc_text.data.labels import Labels
from clc_text.data.trusted import TrustedLabels
from clc_text.errors import InputError
from clc_text.methods.base import Method, TrainingState, method
from clc_text.models.peers import PeersModel, at_least_float32
from clc_text.models.peers_of import PeersOf, equal_peers, peers_from_init, peers_from_model
from clc_text.training.accounting import EpochAccounts
from clc_text.training.accumulation import StepBatches
from clc_text.training.answer_targets import AnswerTargets
from clc_text.training.arguments import (
    check_arguments,
    check_limits,
    check_noise_rate,
    check_optimizer,
    check_own_optimizer,
    options_of,
)
from clc_text.training.checkpointing import Checkpointing
from clc_text.training.data import check_dataset, count_rows, indexable, label_column, labelled, labels_of, named_sets
from clc_text.training.epochs import EpochHooks, EpochResult
from clc_text.training.multi_label import check_multi_label
from clc_text.training.names import by_name, check_names
from clc_text.training.needs import no_length, why_length, why_numbers
from clc_text.training.notices import never_began, selected_apart, will_never_begin
from clc_text.training.own_loss import own_loss
from clc_text.training.problem_type import SingleLabel, problem_type_of
from clc_text.training.schedule import constant_then_linear, set_momentum, share_before_decay
from clc_text.training.scoring import Scores
from clc_text.training.step_costs import collected_once, in_one_group, looked_up_once
from clc_text.training.supervisor import Supervisor
from clc_text.training.targets import RowTargets
from clc_text.training.tasks import check_task
from clc_text.training.warm_up import WarmUp

logger = get_logger(__name__)


class PeersTrainer(Checkpointing):
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
        taught: float [N, C], distributions that the rows are taught in place of their given labels; None: those.
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
        taught: Tensor | None = None,
        trusted: TrustedLabels | None = None,
        recover: bool = False,
    ) -> None:
        args = args or TrainingArguments(output_dir="tmp_trainer")
        self.method, self.recover = as_method(method), recover
        self.wanted_peers = peers or self.method.default_peers
        self.options = options_of(args)
        check_limits(args, peers, class_weights)
        check_noise_rate(noise_rate)
        given = {
            "compute_loss_func": compute_loss_func,
            "optimizers": optimizers,
            "optimizer_cls_and_kwargs": optimizer_cls_and_kwargs,
        }
        check_arguments(args, given)
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
        if not isinstance(self.model, PeersOf):
            check_optimizer(args, given)
        if equal_peers(self.model):
            logger.warning("all peers start from the same weights: only dropout will tell them apart")
        self.model_accepts_loss_kwargs = False  # the number of items in a batch is not needed
        check_task(self.model)
        if self.problem.multi_label:
            check_multi_label(self.method, class_weights, transition, recover)
        self._check_datasets()
        self._class_weights, self._taught, self.trusted = class_weights, taught, trusted
        self._given = {} if transition is None else {"transition": transition}
        self.noise_rate, self.dynamics_dir, self.augment = noise_rate, dynamics_dir, augment
        if trusted is not None and indexable(self.train_dataset):
            trusted.check(len(self.train_dataset) * self.problem.asked, self.problem.choices or None)
        check_own_optimizer(optimizers[0], self.model)
        self._numbers: int | None = None
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

    @property
    def problem(self) -> SingleLabel:
        """What is asked of a row."""
        return problem_type_of(self.model)

    def number_of_classes(self) -> int:
        """C, by the model where it says so, else by what it predicts; 2, no and yes, where several may hold."""
        return self.problem.choices or int(self._predict(self.train_dataset)[0].shape[-1])

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
        device, trusted, taught = self.args.device, self.trusted, self._taught
        self.supervisor = Supervisor(
            self.method,
            problem,
            TrainingState(num_classes=problem.choices, noise_rate=self.noise_rate, memory=dict(self._given)),
            WarmUp(self.method, self.recover),
            RowTargets(self.train_dataset, self._class_weights, None if taught is None else taught.to(device)),
            None if trusted is None or not rows else AnswerTargets.of(trusted, rows, device, problem.asked),
            EpochAccounts(rows * problem.asked, self.model.peers, self.dynamics_dir),
            why_numbers(self.method, taught is not None, trusted is not None, self.augment is not None),
            unseen=problem.classes is None or label_column(self.train_dataset) is None,
        )
        self._step_batches = StepBatches()

    # ---- the loss ----

    @property
    def epochs_closed(self) -> int:
        """Epochs that have ended and been told to the listeners."""
        return self.supervisor.accounts.closed

    @property
    def dynamics(self) -> TrainingDynamics:
        """What training saw of every row."""
        return self.supervisor.accounts.dynamics

    @property
    def supervised(self) -> bool:
        """Whether the method has taken over from the warm-up."""
        return self.supervisor.warm_up.over

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
        outputs = model(**features)
        logits = at_least_float32(outputs.peer_logits)
        if model.training:
            loss, share = self.supervisor.loss(logits, labels, rows), self._step_batches.share(len(labels))
            loss = loss if share == 1 else loss * share
        else:
            loss = self.supervisor.problem.evaluation_loss(logits, labels)
        return (loss, outputs) if return_outputs else loss

    # ---- one step ----

    def get_batch_samples(self, *positional: Any, **named: Any) -> Any:
        """As `Trainer.get_batch_samples`; that no batch of a step may count for more than its rows is noted."""
        batches, items = super().get_batch_samples(*positional, **named)
        self._step_batches.begin(batches)
        return batches, items

    def training_step(self, model: nn.Module, inputs: dict[str, Any], num_items_in_batch: Any = None) -> Tensor:
        """As `Trainer.training_step`; what it gives, for the log, is the mean over the peers, whose sum was learnt.

        Raises:
            InputError: a script's own `compute_loss` makes a loss in the method's place.
        """
        if type(self).compute_loss is PeersTrainer.compute_loss:
            return super().training_step(model, inputs, num_items_in_batch) / self.model.peers
        supervisor, rows = self.supervisor, inputs.get("index")
        supervisor.made_loss = False
        with own_loss(type(self).__name__, self.method, self.model, lambda: supervisor.made_loss) as logits:
            loss = super().training_step(model, inputs, num_items_in_batch)
        if not supervisor.made_loss:
            whole = loss.detach() * self.current_gradient_accumulation_steps
            supervisor.look(whole, logits(), inputs.get("labels"), rows)
        return loss / self.model.peers

    def _clip_grad_norm(self, model: nn.Module) -> Tensor:
        """Clips each peer by its own norm; gives the joint norm, for the log."""
        self.accelerator.unscale_gradients()
        peers: PeersModel = self.accelerator.unwrap_model(model)
        return peers.clip_peer_grad_norms_(self.args.max_grad_norm).norm()

    def _get_grad_norm(self, model: nn.Module, grad_norm: Any = None) -> Any:
        return grad_norm  # without clipping nobody reads it, and it costs a tenth of a step

    def create_optimizer(self, *positional: Any, **named: Any) -> torch.optim.Optimizer:
        """As `Trainer.create_optimizer`, parameters that are treated alike in one group."""
        made_here = self.optimizer is None
        found = super().create_optimizer(*positional, **named)
        if made_here and self._groups < 2 and not (self.is_fsdp_enabled or self.is_deepspeed_enabled):
            in_one_group(found, by_checkpoint=self._groups == 1)
        return found

    def create_scheduler(self, num_training_steps: int, optimizer: torch.optim.Optimizer | None = None) -> Any:
        begin, epochs = self.options.decay_from_epoch, self.args.num_train_epochs
        if begin is None:
            return super().create_scheduler(num_training_steps, optimizer)
        if self.args.max_steps > 0:
            batches = len(self.get_train_dataloader())
            epochs = num_training_steps / max(1, -(-batches // self.args.gradient_accumulation_steps))
        share = share_before_decay(begin, epochs)
        self.lr_scheduler: Any = constant_then_linear(optimizer or self.optimizer, num_training_steps, share)
        return self.lr_scheduler

    def floating_point_ops(self, inputs: dict[str, Tensor | Any]) -> int:
        """As `Trainer` counts them, of all peers; their parameters are counted once, which costs as much as a step."""
        if self._numbers is None:
            self._numbers = self.model.num_parameters(exclude_embeddings=True)
        main = inputs.get(self.model.main_input_name)
        return 6 * main.numel() * self._numbers if isinstance(main, Tensor) else 0

    # ---- one epoch ----

    def begin_training(self, epochs: int) -> None:
        """Called before the first step, with the number of epochs that are to come in all."""
        # A step divides by its batches already; accelerate, told of them by some versions, would do so again.
        self.accelerator.gradient_accumulation_steps = 1
        parts = self.args.gradient_accumulation_steps * self.accelerator.num_processes
        if parts > 1 and self.method.by_batch:
            logger.warning(selected_apart(self.method.name, parts))
        if self.method.warmup_epochs >= epochs and self.supervisor.warm_up.lasts:
            logger.warning(will_never_begin(self.method.name, epochs, self.method.warmup_epochs))

    def begin_epoch(self, epoch: int, steps_per_epoch: int) -> None:
        """Called before the first step of an epoch; `epoch` counts from 0."""
        momentum, decay = self.options.momentum_after_decay, self.options.decay_from_epoch
        if momentum is not None and decay is not None and epoch >= decay:
            set_momentum(self.optimizer, momentum)
        supervisor, state = self.supervisor, self.supervisor.state
        state.epoch, state.steps_per_epoch = epoch, steps_per_epoch
        if supervisor.warm_up.may_end_before(state):
            logits, labels = self._predict(self.train_dataset)
            counts = self._given_counts(logits.shape[-1]) if self.recover else None
            supervisor.take_over(logits, labels, counts, self.accelerator.unwrap_model(self.model))

    def _given_counts(self, classes: int) -> Tensor:
        """int64 [C], rows of each given class."""
        return torch.from_numpy(np.bincount(self.given_labels().given, minlength=classes))

    def given_labels(self) -> Labels:
        """What is known of the labels of the training set."""
        labels, problem = label_column(self.train_dataset), self.problem
        classes = problem.classes
        if labels is None:
            logits, labels = self._predict(self.train_dataset)
            classes = logits.shape[-1]
        return Labels.of(problem.checked(labels, classes).cpu().numpy(), trusted=self.trusted)

    def end_epoch(self, epoch: int, step: int) -> None:
        """Called after the last step of an epoch; `epoch` counts the completed ones."""
        supervisor, memory, last = self.supervisor, self.supervisor.state.memory, step >= self.state.max_steps
        write = (last or epoch % self.options.dynamics_epochs == 0) and self.is_world_process_zero()
        loss, record = supervisor.close(self.accelerator, epoch, write)
        supervised, threshold = self.supervised, memory.get("threshold")
        if self.recover and supervised:
            model, counts = self.accelerator.unwrap_model(self.model), self._given_counts(supervisor.state.num_classes)
            supervisor.after_epoch(epoch, record, counts, model, self.optimizer)
        if last and supervisor.warm_up.lasts:
            supervisor.notes.append(never_began(self.method.name, epoch, self.method.warmup_epochs))
        notes, supervisor.notes = tuple(supervisor.notes), []
        if not self.epoch_listeners:
            return
        scored = indexable(self.eval_dataset) and not isinstance(self.eval_dataset, dict)
        scored = scored and labelled(self.eval_dataset, not self.args.remove_unused_columns)
        result = EpochResult(
            epoch=epoch,
            step=step,
            loss=loss,
            learning_rate=float(self._get_learning_rate()),
            record=record,
            test_log_probs=self.predict_log_probs(self.eval_dataset).cpu() if scored else None,
            threshold=threshold,
            temperature=memory.get("temperature"),
            supervised=supervised,
            notes=notes,
        )
        if self.is_world_process_zero():
            for listener in self.epoch_listeners:
                listener(result)

    def end_training(self) -> None:
        """Called when training is over."""
        supervisor = self.supervisor
        supervisor.accounts.end(write=self.is_world_process_zero())
        if self.epochs_closed and self.state.global_step < self.state.max_steps and supervisor.warm_up.lasts:
            # Stopped early, and after the last epoch was told to the listeners.
            logger.warning(never_began(self.method.name, self.epochs_closed, self.method.warmup_epochs).message)

    def check(self) -> None:
        """Refuses what training would only refuse on its way: before anything is written.

        Raises:
            InputError: the method is told too little.
        """
        self.method.check(self.model.peers, self.noise_rate is not None)

    # ---- checkpoints ----

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

    def _load_best_model(self) -> None:
        logger.warning(
            f"the networks are now those of step {self.state.best_global_step}, the best by the labels of the "
            "evaluation set"
        )
        super()._load_best_model()


def as_method(wanted: Method | str) -> Method:
    return method.get(wanted)() if isinstance(wanted, str) else wanted

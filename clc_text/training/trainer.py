"""`PeersTrainer`: a `transformers.Trainer` whose loss comes from a method and whose model holds k peers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
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
from clc_text.artifacts.run_files import Complete
from clc_text.data.labels import Labels
from clc_text.data.trusted import TrustedLabels
from clc_text.errors import InputError
from clc_text.methods.base import Method, Supervision, TrainingState, method
from clc_text.methods.standard import Standard
from clc_text.models.multi_label import log_odds_together
from clc_text.models.peers import PeersModel, at_least_float32, ensemble_log_probs
from clc_text.models.peers_of import PeersOf, PeersOfConfig, equal_peers, peers_from_init, peers_from_model
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
from clc_text.training.checkpoints import (
    check_resumable,
    groups_in,
    last_complete_checkpoint,
)
from clc_text.training.data import (
    as_classes,
    check_dataset,
    check_labels,
    count_rows,
    indexable,
    label_column,
    labelled,
    yes_or_no,
)
from clc_text.training.epochs import EpochHooks, EpochResult
from clc_text.training.multi_label import (
    check_method,
    ensemble_loss,
    in_pairs,
    numbers_of_pairs,
    of_problems,
    problems,
    supervision_of_pairs,
)
from clc_text.training.names import by_name, check_names
from clc_text.training.notices import never_began, selected_apart
from clc_text.training.schedule import constant_then_linear, set_momentum
from clc_text.training.scoring import Scores
from clc_text.training.step_costs import collected_once, in_one_group, looked_up_once
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
    _groups = 0  # of parameters, in the checkpoint that is gone on with; earlier versions wrote two

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
        if self.multi_label:
            check_method(self.method)
            self._check_multi_label(class_weights, transition, recover)
        check_names(self.train_dataset, getattr(self.model, "config", None), "training set")
        for name, rows in self._datasets():
            by_name(rows, self._known_names(), name)
            made_later, training = not args.remove_unused_columns, rows is self.train_dataset
            check_dataset(rows, name, self._classes(), made_later, training, self.multi_label)
        self._class_weights_wanted = class_weights
        self._given = {} if transition is None else {"transition": transition}
        self.noise_rate, self.dynamics_dir, self.augment = noise_rate, dynamics_dir, augment
        self.trusted, self._taught = trusted, taught
        if trusted is not None and indexable(self.train_dataset):
            trusted.check(len(self.train_dataset) * self.asked, 2 if self.multi_label else self._classes())
        check_own_optimizer(optimizers[0], self.model)
        self._method_made_loss = False
        self._numbers: int | None = None
        self.epoch_listeners = list(epoch_listeners or [])
        self._start_afresh()
        if self.train_dataset is not None and not indexable(self.train_dataset):
            needs = self._why_numbers() or self._why_length()
            if needs is not None:
                raise InputError(
                    f"the training set has no length, and {needs}: rows that flow by have none, and a column of ids "
                    "is none either; give a dataset that can be indexed (datasets.Dataset.from_generator makes one of "
                    "an iterable one), or take a method that keeps nothing of a row, such as standard or gce",
                    key="training set",
                )
        self.add_callback(EpochHooks(self))

    def _why_numbers(self) -> str | None:
        """What knows a row by its number, in words; None: nothing does."""
        if self.method.row_memory:
            return f"the method '{self.method.name}' remembers every row by its number"
        if self.method.cross_fits or self.targets.distributions is not None:
            return f"the method '{self.method.name}' teaches every row a label that was made for it"
        if self.trusted is not None:
            return "trusted labels belong to rows by their numbers"
        return "augment draws by the rows' numbers" if self.augment is not None else None

    def _why_length(self) -> str | None:
        """What looks at all the rows at once, in words; None: nothing does."""
        if not self.warm_up.over or self.recover:
            return f"the method '{self.method.name}' takes over by what the networks say of all its rows"
        if self._class_weights_wanted == "balanced":
            return "balanced class_weights count its labels"
        return "decay_from_epoch counts its batches" if self.options.decay_from_epoch is not None else None

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
    def multi_label(self) -> bool:
        """Whether several classes may hold of one row (`clc_text.training.multi_label`)."""
        return bool(self.model is not None and self.model.multi_label)

    @property
    def asked(self) -> int:
        """How many labels a row has: one, or of a multi-label set one for each class."""
        return (self._classes() or 1) if self.multi_label else 1

    def _check_multi_label(self, weights: Any, transition: Any, recover: bool) -> None:
        """Refuses what is of classes of which one holds.

        Raises:
            InputError: names it.
        """
        given = {
            "class_weights": weights is not None,
            "a noise matrix (transition)": transition is not None,
            "recover (monitor: recover)": recover,
        }
        if named := [name for name, there in given.items() if there]:
            raise InputError(
                f"{named[0]} is of classes of which one holds, and here several may hold at once (multi-label); leave "
                "it out",
                key=named[0],
            )

    def number_of_classes(self) -> int:
        """C, by the model where it says so, else by what it predicts; 2, no and yes, where several may hold."""
        if self.multi_label:
            return 2
        return self._classes() or int(self._predict(self.train_dataset)[0].shape[-1])

    def call_model_init(self, trial: Any = None) -> nn.Module:
        """k networks from k calls of the script's `model_init`, each with a seed of its own."""
        make = super().call_model_init
        return self._align(peers_from_init(lambda: make(trial), self.wanted_peers, self.args.seed))

    def _datasets(self) -> Iterator[tuple[str, Any]]:
        if self.train_dataset is not None:
            yield "training set", self.train_dataset
        several = self.eval_dataset if isinstance(self.eval_dataset, dict) else {None: self.eval_dataset}
        for name, rows in several.items():
            if rows is not None:
                yield "evaluation set" if name is None else f"evaluation set '{name}'", rows

    def _classes(self) -> int | None:
        """C, where the model knows it."""
        config = getattr(self.model, "config", None)
        known = not isinstance(config, PeersOfConfig) or config.inner is not None
        return config.num_labels if config is not None and known else None

    def _start_afresh(self) -> None:
        """Forgets what a training has learnt beside the networks: before the first one, and before each new one."""
        self.method_state = TrainingState(
            num_classes=2 if self.multi_label else self._classes() or 0,
            noise_rate=self.noise_rate,
            memory=dict(self._given),
        )
        self._answers: AnswerTargets | None = None
        if self.trusted is not None and indexable(self.train_dataset):
            rows = len(self.train_dataset)
            self._answers = AnswerTargets.of(self.trusted, rows, self.args.device, self.asked)
        self.notes = []
        # Labels that are made row by row, or classes that the model does not tell: neither could be checked before.
        self._labels_unseen = self._classes() is None or label_column(self.train_dataset) is None
        rows = count_rows(self.train_dataset)
        self.accounts = EpochAccounts(rows * self.asked, self.model.peers, self.dynamics_dir)
        self.targets = RowTargets(self.train_dataset, self._class_weights_wanted, self._taught_here())
        self.warm_up = WarmUp(self.method, self.recover)
        self._step_batches = StepBatches()

    def _taught_here(self) -> Tensor | None:
        return None if self._taught is None else self._taught.to(self.args.device)

    # ---- the loss ----

    @property
    def epochs_closed(self) -> int:
        """Epochs that have ended and been told to the listeners."""
        return self.accounts.closed

    @property
    def dynamics(self) -> TrainingDynamics:
        """What training saw of every row."""
        return self.accounts.dynamics

    @property
    def supervised(self) -> bool:
        """Whether the method has taken over from the warm-up."""
        return self.warm_up.over

    def compute_loss(
        self,
        model: nn.Module,
        inputs: dict[str, Tensor | Any],
        return_outputs: bool = False,
        num_items_in_batch: Tensor | int | None = None,
    ) -> Any:
        labels = inputs.get("labels")
        if labels is None:
            raise InputError(
                f"a batch has no labels, only {', '.join(inputs)}; name the dataset's label column 'labels'",
                key="labels",
            )
        if not isinstance(labels, Tensor):
            raise InputError(
                f"the labels of a batch are a {type(labels).__name__}; the data collator must make one tensor of "
                "them, [batch], under the name 'labels'",
                key="labels",
            )
        labels, rows = as_classes(labels), inputs.get("index")
        features = {name: values for name, values in inputs.items() if name not in ("labels", "index")}
        if self.augment is not None and model.training and rows is not None:
            # Here and not in the collator, whose first batch after a resume is drawn before the generators are set.
            features = self.augment(features, rows, self.method_state.epoch)
        outputs = model(**features)
        logits = at_least_float32(outputs.peer_logits)
        log_probs = problems(logits) if self.multi_label else logits.log_softmax(-1)
        if model.training:
            self.method_state.logits = None if self.multi_label else logits.detach()
            loss, self._method_made_loss = self._training_loss(log_probs, labels, rows), True
        elif self.multi_label:
            loss = ensemble_loss(log_odds_together(logits), labels)
        else:
            mean = ensemble_log_probs(log_probs)
            if labels.is_floating_point():
                loss = -(labels * mean).sum(-1).mean()
            else:
                loss = nn.functional.nll_loss(mean, labels)
        return (loss, outputs) if return_outputs else loss

    def _training_loss(self, log_probs: Tensor, labels: Tensor, rows: Tensor | None) -> Tensor:
        if self.multi_label:
            labels = yes_or_no(labels, "training set", len(log_probs), rows)
        elif not self.accounts.steps or (self._labels_unseen and not self.accounts.closed):
            check_labels(labels, "training set", log_probs.shape[-1], rows)
        if rows is None and (why := self._why_numbers()) is not None:
            raise InputError(
                f"the batches of get_train_dataloader have no numbers of their rows ('index'), and {why}; take what "
                "super().get_train_dataloader() gives, or another method",
                key="index",
            )
        self.method_state.rows = rows
        taught = self.targets.of(labels, rows)
        supervision = self.supervise(log_probs, of_problems(taught) if self.multi_label else taught)
        loss = supervision.loss / self.asked
        if rows is not None:
            self._observe(rows, log_probs.detach(), supervision)
        self.accounts.observe(loss.detach() / self.model.peers)
        share = self._step_batches.share(len(labels))
        return loss if share == 1 else loss * share

    def _observe(self, rows: Tensor, log_probs: Tensor, supervision: Supervision) -> None:
        if self.multi_label:
            rows, log_probs = numbers_of_pairs(rows, self.asked), in_pairs(log_probs, -2)
            supervision = supervision_of_pairs(supervision)
        self.dynamics.observe(rows, log_probs, supervision)

    def supervise(self, log_probs: Tensor, labels: Tensor) -> Supervision:
        """The method's supervision of one batch, or the warm-up's as long as that lasts."""
        state, active = self.method_state, self.warm_up.active
        state.class_weights = self.targets.weights(log_probs.detach()) if active.weighs_classes else None
        found, rows = self.warm_up.supervise(log_probs, labels, state), state.rows
        if self._answers is not None and rows is not None:
            found = self._answers.taught(found, log_probs, rows, state)
        return found if active.weighs_classes else self.targets.weighed(found)

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
        own = type(self).compute_loss is not PeersTrainer.compute_loss
        # With one network and no method the given labels are learnt by whatever loss a script writes.
        free = own and self.model.peers == 1 and isinstance(self.method, Standard)
        self._method_made_loss = False
        rows, seen = inputs.get("index"), []
        handle = self.model.register_forward_hook(lambda *given: seen.append(given[-1])) if free else None
        try:
            loss = super().training_step(model, inputs, num_items_in_batch)
        except InputError:
            raise
        except Exception as error:
            if not own or free or self._method_made_loss:
                raise
            raise own_loss(type(self).__name__, self.method.name, f" ({error})") from error
        finally:
            if handle is not None:
                handle.remove()
        if own and not self._method_made_loss:
            if not free:
                raise own_loss(type(self).__name__, self.method.name)
            self._account(loss, inputs.get("labels"), rows, seen)
        return loss / self.model.peers

    def _account(self, loss: Tensor, labels: Tensor | None, rows: Tensor | None, seen: list[Any]) -> None:
        """Notes what a batch showed whose loss the script has made."""
        self.accounts.observe(loss.detach() * self.current_gradient_accumulation_steps)
        if rows is not None and labels is not None and seen:
            logits = at_least_float32(seen[-1].peer_logits.detach())
            labels = as_classes(labels).to(logits.device)
            self.method_state.rows = rows = rows.to(logits.device)
            log_probs = problems(logits) if self.multi_label else logits.log_softmax(-1)
            if self.multi_label:
                labels = of_problems(yes_or_no(labels, "training set", len(log_probs), rows))
            self._observe(rows, log_probs, self.supervise(log_probs, labels))

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
        begin = self.options.decay_from_epoch
        if begin is None:
            return super().create_scheduler(num_training_steps, optimizer)
        epochs = self.args.num_train_epochs
        if self.args.max_steps > 0:
            batches = len(self.get_train_dataloader())
            epochs = num_training_steps / max(1, -(-batches // self.args.gradient_accumulation_steps))
        if begin >= epochs:
            raise InputError(
                f"decay_from_epoch is {begin}, but there are {epochs:g} epochs; let it begin earlier",
                key="decay_from_epoch",
            )
        share = begin / epochs
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
        if self.method.warmup_epochs >= epochs and self.warm_up.lasts:
            logger.warning(
                f"the warm-up lasts {self.method.warmup_epochs} epochs and the training {epochs}, so "
                f"{self.method.name} never begins: all of it is plain training; train longer, or lower warmup_epochs"
            )

    def begin_epoch(self, epoch: int, steps_per_epoch: int) -> None:
        """Called before the first step of an epoch; `epoch` counts from 0."""
        momentum, decay = self.options.momentum_after_decay, self.options.decay_from_epoch
        if momentum is not None and decay is not None and epoch >= decay:
            set_momentum(self.optimizer, momentum)
        self.method_state.epoch = epoch
        self.method_state.steps_per_epoch = steps_per_epoch
        if self.warm_up.may_end_before(self.method_state):
            self._take_over()

    def _take_over(self) -> None:
        """Asks the peers whether the warm-up may end, by what they predict of the training rows."""
        logits, labels = self._predict(self.train_dataset)
        state, distributions = self.method_state, self.targets.distributions
        if self.multi_label:
            labels = yes_or_no(labels, "training set", logits.shape[-1])
            log_probs, state.num_classes, state.logits = problems(logits), 2, None
            taught = of_problems(labels if distributions is None else distributions)
        else:
            check_labels(labels, "training set", logits.shape[-1])
            log_probs, state.num_classes, state.logits = logits.log_softmax(-1), logits.shape[-1], logits
            taught = labels if distributions is None else distributions
        self.notes += self.warm_up.take_over(
            state,
            log_probs,
            taught,
            self._given_counts() if self.recover else None,
            self.accelerator.unwrap_model(self.model),
        )

    def _given_counts(self) -> Tensor:
        """int64 [C], rows of each given class."""
        counts = np.bincount(self.given_labels().given, minlength=self.method_state.num_classes)
        return torch.from_numpy(counts)

    def given_labels(self) -> Labels:
        """What is known of the labels of the training set."""
        labels = label_column(self.train_dataset)
        if labels is None:
            logits, labels = self._predict(self.train_dataset)
            if not self.multi_label:
                check_labels(labels, "training set", logits.shape[-1])
        if self.multi_label:
            labels = yes_or_no(labels, "training set", self._classes())
        return Labels.of(labels.cpu().numpy(), trusted=self.trusted)

    def end_epoch(self, epoch: int, step: int) -> None:
        """Called after the last step of an epoch; `epoch` counts the completed ones."""
        loss = self.accounts.mean_loss(self.accelerator, epoch)
        self.accounts.gather(self.accelerator, self.method_state.memory, self.method.row_memory)
        last = step >= self.state.max_steps
        write = (last or epoch % self.options.dynamics_epochs == 0) and self.is_world_process_zero()
        record = self.accounts.close(epoch, write)
        supervised, threshold = self.supervised, self.method_state.memory.get("threshold")
        if self.recover and supervised:
            model, counts = self.accelerator.unwrap_model(self.model), self._given_counts()
            self.notes += self.warm_up.after_epoch(epoch, record, counts, self.method_state, model, self.optimizer)
        if last and self.warm_up.lasts:
            self.notes.append(never_began(self.method.name, epoch, self.method.warmup_epochs))
        notes, self.notes = tuple(self.notes), []
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
            temperature=self.method_state.memory.get("temperature"),
            supervised=supervised,
            notes=notes,
        )
        if self.is_world_process_zero():
            for listener in self.epoch_listeners:
                listener(result)

    def end_training(self) -> None:
        """Called when training is over."""
        self.accounts.end(write=self.is_world_process_zero())
        if self.epochs_closed and self.state.global_step < self.state.max_steps and self.warm_up.lasts:
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
        if resume_from_checkpoint is True:
            newest = last_complete_checkpoint(Path(self.args.output_dir))
            if newest is None:
                raise InputError(
                    f"there is no complete checkpoint in {self.args.output_dir} to resume from",
                    where=self.args.output_dir,
                    key="checkpoint",
                )
            resume_from_checkpoint = str(newest)
        complete: Complete | None = None
        if resume_from_checkpoint:
            # Before `Trainer` fails at the first file that it does not know, or goes on from one that was changed.
            complete = check_resumable(Path(resume_from_checkpoint))
            self.check_files_beside(Path(resume_from_checkpoint), complete)
        if self.model is None:  # a trial of `hyperparameter_search` ends with its networks thrown away
            self.model = self.call_model_init()
        self._start_afresh()
        self._groups = 0 if complete is None else groups_in(Path(str(resume_from_checkpoint)))
        if complete is not None:
            self.dynamics.written = dict(complete.get("dynamics", {}))
        with collected_once(), looked_up_once():
            self.before_training()
            return super().train(resume_from_checkpoint, *positional, **more)

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


def own_loss(trainer: str, method: str, why: str = "") -> InputError:
    """`why` is what the script's loss ended in."""
    return InputError(
        f"compute_loss of {trainer} makes a loss of its own in place of that of the method '{method}'{why}; add to "
        "what super().compute_loss(model, inputs) gives, write a method (docs/methods.md), give class_weights, or "
        "train by method='standard' with peers=1",
        key="compute_loss",
    )


def as_method(wanted: Method | str) -> Method:
    return method.get(wanted)() if isinstance(wanted, str) else wanted

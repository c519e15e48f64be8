"""`NoisyLabelTrainer`: a `transformers.Trainer` whose loss comes from a method and whose model holds k peers."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers import Trainer, TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from clc_text.errors import InputError
from clc_text.files import write_json
from clc_text.ledger import EpochRecord, Ledger
from clc_text.methods.base import Method, Supervision, TrainingState, method
from clc_text.methods.clc import CLC
from clc_text.methods.standard import Standard
from clc_text.peers import PeersModel, ensemble_log_probs
from clc_text.rows import Rows, as_batch

METHOD_STATE = "method_state.safetensors"
COMPLETE = "complete.json"


@dataclass
class NoisyLabelArguments(TrainingArguments):
    """`TrainingArguments` with the defaults that learning with noisy labels wants.

    New:
        checkpoint_epochs: save a checkpoint after every so many epochs (0: only as `save_strategy` says).
        ledger_epochs: write the ledger of every so many epochs, and of the last one.
        decay_from_epoch: the learning rate is constant up to this epoch and falls linearly to 0 at the end.
        momentum_after_decay: β1 of Adam (the momentum of SGD) from that epoch on.

    Other defaults than `TrainingArguments`: `lr_scheduler_type` constant, `max_grad_norm` 0 (off; when on, each peer
    is clipped by its own norm), `logging_nan_inf_filter` off, since a NaN loss must be seen.
    """

    lr_scheduler_type: str = field(default="constant", metadata={"help": "learning rate schedule"})
    max_grad_norm: float = field(default=0.0, metadata={"help": "largest gradient norm of each peer; 0: no clipping"})
    logging_nan_inf_filter: bool = field(default=False, metadata={"help": "hide NaN and infinite losses in the log"})
    checkpoint_epochs: int = field(default=0, metadata={"help": "epochs between checkpoints; 0: as save_strategy"})
    ledger_epochs: int = field(default=1, metadata={"help": "epochs between ledger files"})
    decay_from_epoch: int | None = field(default=None, metadata={"help": "epoch where a linear decay begins"})
    momentum_after_decay: float | None = field(default=None, metadata={"help": "β1 or momentum from then on"})


@dataclass(frozen=True)
class EpochResult:
    """What is known at the end of an epoch.

    Attributes:
        epoch: epochs completed, the first is 1.
        step: optimizer steps completed.
        loss: mean of the training loss (the sum over peers) over the epoch's steps.
        learning_rate: of the epoch's last step.
        record: what training saw of every row.
        test_log_probs: [P, M, C] over the evaluation rows, None without any.
        threshold: [P] Γ, None before there is one.
        supervised: False while the warm-up lasts.
    """

    epoch: int
    step: int
    loss: float
    learning_rate: float
    record: EpochRecord
    test_log_probs: Tensor | None
    threshold: Tensor | None
    supervised: bool


class NoisyLabelTrainer(Trainer):
    """Trains k peers on labels that are partly wrong.

    Args:
        model: a `PeersModel`, whose output has `logits` [P, B, C].
        args: `NoisyLabelArguments`.
        method: a `Method`, or the name of one with its default options.
        train_dataset: `Rows`, the training set with its given labels.
        eval_dataset: `Rows` with trusted labels, scored after every epoch; may be None.
        noise_rate: what a method that needs the rate is told; None: nothing.
        transition: float [C, C], what a method that needs the matrix is told.
        ledger_dir: where the ledger's files go; None keeps the ledger in memory for one epoch.
        epoch_listeners: called with an `EpochResult` after every epoch, before its checkpoint.
        augment: called with a training batch's inputs, its row numbers and the epoch (from 0); gives the inputs that
            the networks then see. It must draw from these alone (no generator of its own), so that resuming is exact.
    """

    # Supervision weights already hold the reduction over a micro-batch, so Trainer divides by their number.
    loss_is_scaled_for_ga = False

    def __init__(
        self,
        model: PeersModel,
        args: NoisyLabelArguments | None = None,
        *,
        method: Method | str = "standard",
        train_dataset: Rows,
        eval_dataset: Rows | None = None,
        noise_rate: float | None = None,
        transition: Tensor | None = None,
        ledger_dir: Path | None = None,
        epoch_listeners: list[Callable[[EpochResult], None]] | None = None,
        augment: Callable[[dict[str, Tensor], Tensor, int], dict[str, Tensor]] | None = None,
        **more: Any,
    ) -> None:
        args = args or NoisyLabelArguments(output_dir="trainer_output")
        args.remove_unused_columns = False  # `Rows` gives whole batches and holds nothing that is not needed
        super().__init__(
            model=model,
            args=args,
            train_dataset=train_dataset,
            eval_dataset=eval_dataset,
            data_collator=more.pop("data_collator", as_batch),
            **more,
        )
        self.method = _method(method)
        self.warm_up = Standard()
        self.method_state = TrainingState(num_classes=model.config.num_labels, noise_rate=noise_rate)
        if transition is not None:
            self.method_state.memory["transition"] = transition
        self.ledger = Ledger(len(train_dataset), model.peers, ledger_dir)
        self.epoch_listeners = list(epoch_listeners or [])
        self.augment = augment
        self._loss_sum: Tensor | None = None
        self._loss_steps = 0
        self._epochs_closed = 0
        self._unwritten: tuple[int, EpochRecord] | None = None
        self._prepared = self.method.warmup_epochs == 0 and type(self.method).prepare is Method.prepare
        self.add_callback(_EpochHooks(self))

    # ---- the loss ----

    @property
    def epochs_closed(self) -> int:
        """Epochs that have ended and been told to the listeners."""
        return self._epochs_closed

    @property
    def supervised(self) -> bool:
        """Whether the method has taken over from the warm-up."""
        return self._prepared

    def compute_loss(
        self,
        model: nn.Module,
        inputs: dict[str, Tensor | Any],
        return_outputs: bool = False,
        num_items_in_batch: Tensor | int | None = None,
    ) -> Any:
        labels = inputs["labels"]
        rows = inputs.get("index")
        features = {name: values for name, values in inputs.items() if name not in ("labels", "index")}
        if self.augment is not None and model.training and rows is not None:
            # Here and not in the collator, whose first batch after a resume is drawn before the generators are set.
            features = self.augment(features, rows, self.method_state.epoch)
        outputs = model(**features)
        logits = _at_least_float32(outputs.logits)
        log_probs = logits.log_softmax(-1)
        if model.training:
            self.method_state.logits = logits.detach()
            loss = self._training_loss(log_probs, labels, rows)
        else:
            mean = ensemble_log_probs(log_probs)
            if labels.is_floating_point():
                loss = -(labels * mean).sum(-1).mean()
            else:
                loss = nn.functional.nll_loss(mean, labels)
        return (loss, outputs) if return_outputs else loss

    def _training_loss(self, log_probs: Tensor, labels: Tensor, rows: Tensor | None) -> Tensor:
        self.method_state.rows = rows
        supervision = self.supervise(log_probs, labels)
        loss = supervision.loss
        if rows is not None:
            self.ledger.observe(rows, log_probs.detach(), supervision)
        seen = loss.detach()
        self._loss_sum = seen if self._loss_sum is None else self._loss_sum + seen
        self._loss_steps += 1
        return loss

    def supervise(self, log_probs: Tensor, labels: Tensor) -> Supervision:
        """The method's supervision of one batch, or the warm-up's as long as that lasts."""
        active = self.method if self._prepared else self.warm_up
        return active.supervise(log_probs, labels, self.method_state)

    # ---- one step ----

    def _clip_grad_norm(self, model: nn.Module) -> Tensor:
        """Clips each peer by its own norm; gives the joint norm, for the log."""
        self.accelerator.unscale_gradients()
        peers: PeersModel = self.accelerator.unwrap_model(model)
        return peers.clip_peer_grad_norms_(self.args.max_grad_norm).norm()

    def _get_grad_norm(self, model: nn.Module, grad_norm: Any = None) -> Any:
        return grad_norm  # without clipping nobody reads it, and it costs a tenth of a step

    def create_scheduler(self, num_training_steps: int, optimizer: torch.optim.Optimizer | None = None) -> Any:
        if self.args.decay_from_epoch is None:
            return super().create_scheduler(num_training_steps, optimizer)
        begin = num_training_steps * self.args.decay_from_epoch / self.args.num_train_epochs

        def factor(step: int) -> float:
            return 1.0 if step < begin else max(0.0, (num_training_steps - step) / (num_training_steps - begin))

        scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer or self.optimizer, factor)
        self.lr_scheduler: Any = scheduler
        return scheduler

    def _change_momentum(self, epoch: int) -> None:
        momentum, begin = self.args.momentum_after_decay, self.args.decay_from_epoch
        if momentum is None or begin is None or epoch < begin:
            return
        for group in self.optimizer.param_groups:
            if "betas" in group:
                group["betas"] = (momentum, group["betas"][1])
            else:
                group["momentum"] = momentum

    def floating_point_ops(self, inputs: dict[str, Tensor | Any]) -> int:
        return 0  # counted per step by `Trainer`, shown nowhere here

    # ---- one epoch ----

    def begin_epoch(self, epoch: int, steps_per_epoch: int) -> None:
        """Called before the first step of an epoch; `epoch` counts from 0."""
        self._change_momentum(epoch)
        self.method_state.epoch = epoch
        self.method_state.steps_per_epoch = steps_per_epoch
        if not self._prepared and epoch >= self.method.warmup_epochs:
            rows = self.train_dataset
            logits = self.predict_logits(rows)
            self.method_state.logits = logits
            self.method.prepare(logits.log_softmax(-1), rows.labels.to(logits.device), self.method_state)
            self._prepared = True

    def end_epoch(self, epoch: int, step: int) -> None:
        """Called after the last step of an epoch; `epoch` counts the completed ones."""
        loss = self._epoch_loss(epoch)
        self._loss_sum, self._loss_steps = None, 0
        write = epoch % self.args.ledger_epochs == 0
        record = self.ledger.close_epoch(epoch, write=write)
        self._unwritten = None if write else (epoch, record)
        self._epochs_closed = epoch
        result = EpochResult(
            epoch=epoch,
            step=step,
            loss=loss,
            learning_rate=float(self._get_learning_rate()),
            record=record,
            test_log_probs=None if self.eval_dataset is None else self.predict_log_probs(self.eval_dataset).cpu(),
            threshold=self.method_state.memory.get("threshold"),
            supervised=self.supervised,
        )
        for listener in self.epoch_listeners:
            listener(result)

    def _epoch_loss(self, epoch: int) -> float:
        """The mean loss of the epoch so far; one that is no number is never passed over."""
        loss = float(self._loss_sum) / self._loss_steps if self._loss_sum is not None else math.nan
        if not math.isfinite(loss):
            raise InputError(
                f"the training loss became {loss} in epoch {epoch}; lower training.learning_rate, or set "
                "training.max_grad_norm"
            )
        return loss

    def end_training(self) -> None:
        """Called when training is over: the last epoch always has a file in the ledger."""
        if self._unwritten is not None:
            self.ledger.write(*self._unwritten)
            self._unwritten = None

    def predict_log_probs(self, rows: Rows) -> Tensor:
        """[P, N, C] log-probabilities of every peer, in evaluation mode, in the order of the rows."""
        return self.predict_logits(rows).log_softmax(-1)

    @torch.no_grad()
    def predict_logits(self, rows: Rows) -> Tensor:
        """[P, N, C] logits of every peer, in evaluation mode, in the order of the rows."""
        model = self.model
        training = model.training
        model.eval()
        size = max(self.args.per_device_eval_batch_size, 1)
        found = []
        for start in range(0, len(rows), size):
            inputs = {name: values[start : start + size] for name, values in rows.inputs.items()}
            with self.compute_loss_context_manager():
                logits = model(**self._prepare_inputs(inputs)).logits
            found.append(_at_least_float32(logits))
        model.train(training)
        return torch.cat(found, -2)

    # ---- checkpoints ----

    def train(self, resume_from_checkpoint: str | bool | None = None, *positional: Any, **more: Any) -> Any:
        """As `Trainer.train`; with ``resume_from_checkpoint=True`` from the newest checkpoint that is complete.

        Raises:
            InputError: there is none to resume from, or the loss became NaN or infinite.
        """
        if resume_from_checkpoint is True:
            newest = last_complete_checkpoint(Path(self.args.output_dir))
            if newest is None:
                raise InputError(f"there is no complete checkpoint in {self.args.output_dir} to resume from")
            resume_from_checkpoint = str(newest)
        return super().train(resume_from_checkpoint, *positional, **more)

    def _save_checkpoint(self, model: nn.Module, trial: Any) -> None:
        if self._loss_steps:
            self._epoch_loss(self._epochs_closed + 1)  # a checkpoint of networks that are lost would help nobody
        super()._save_checkpoint(model, trial)
        folder = Path(self._get_output_dir(trial)) / f"checkpoint-{self.state.global_step}"
        if self.args.should_save and not self.args.save_only_model:
            # Written last and at once: a checkpoint without it was cut short and is never resumed from.
            facts = {"step": self.state.global_step, "epoch": self.state.epoch, "epochs_closed": self._epochs_closed}
            write_json(folder / COMPLETE, facts)

    def _save_optimizer_and_scheduler(self, output_dir: str) -> None:
        super()._save_optimizer_and_scheduler(output_dir)
        tensors = {f"memory.{name}": values.contiguous() for name, values in self.method_state.memory.items()}
        tensors |= self.ledger.state_dict()
        tensors["loss_sum"] = torch.zeros(()) if self._loss_sum is None else self._loss_sum
        facts = {
            "loss_steps": self._loss_steps,
            "prepared": self._prepared,
            "epochs_closed": self._epochs_closed,
        }
        save_file(tensors, Path(output_dir) / METHOD_STATE, metadata={"facts": json.dumps(facts)})

    def _load_optimizer_and_scheduler(self, checkpoint: str | None) -> None:
        super()._load_optimizer_and_scheduler(checkpoint)
        if checkpoint is None:
            return
        path = Path(checkpoint) / METHOD_STATE
        if not path.is_file():
            raise InputError(
                f"{checkpoint} has no {METHOD_STATE} and cannot be resumed from: it was cut short, written with "
                "save_only_model, or by another trainer"
            )
        from safetensors import safe_open

        with safe_open(path, "pt") as opened:
            facts = json.loads(opened.metadata()["facts"])
        tensors = load_file(path, device=str(self.args.device))
        memory = {name.removeprefix("memory."): value for name, value in tensors.items() if name.startswith("memory.")}
        self.method_state.memory = memory
        self.ledger.load_state_dict({name: value.cpu() for name, value in tensors.items()})
        self._loss_steps, self._prepared = facts["loss_steps"], facts["prepared"]
        self._epochs_closed = facts["epochs_closed"]
        self._loss_sum = tensors["loss_sum"] if self._loss_steps else None


class CLCTrainer(NoisyLabelTrainer):
    """`NoisyLabelTrainer` with the paper's method; `method` may be a `CLC` with other options."""

    def __init__(self, model: PeersModel, args: NoisyLabelArguments | None = None, **more: Any) -> None:
        more.setdefault("method", CLC())
        super().__init__(model, args, **more)


class _EpochHooks(TrainerCallback):
    """Tells the trainer where an epoch begins and ends."""

    def __init__(self, trainer: NoisyLabelTrainer) -> None:
        self.trainer = trainer
        self.steps = 1  # of one epoch

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **more: Any
    ) -> None:
        self.steps = max(1, -(-len(more["train_dataloader"]) // args.gradient_accumulation_steps))
        done, within = divmod(state.global_step, self.steps)
        if done and not within and self.trainer.epochs_closed < done:
            # Resumed from a checkpoint that was taken after the last step of an epoch and before its end.
            self.trainer.end_epoch(done, state.global_step)

    def on_epoch_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **more: Any
    ) -> None:
        self.trainer.begin_epoch(state.global_step // self.steps, self.steps)

    def on_epoch_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **more: Any) -> None:
        epoch = -(-state.global_step // self.steps)
        self.trainer.end_epoch(epoch, state.global_step)
        every = getattr(args, "checkpoint_epochs", 0)
        if every and (epoch % every == 0 or state.global_step >= state.max_steps or control.should_training_stop):
            control.should_save = True

    def on_train_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **more: Any) -> None:
        self.trainer.end_training()


def last_complete_checkpoint(directory: Path) -> Path | None:
    """The newest checkpoint that was written to its end, or None."""
    complete = [path.parent for path in directory.glob(f"checkpoint-*/{COMPLETE}")]
    return max(complete, key=lambda path: int(path.name.rsplit("-", 1)[1]), default=None)


def _method(wanted: Method | str) -> Method:
    return method.get(wanted)() if isinstance(wanted, str) else wanted


def _at_least_float32(logits: Tensor) -> Tensor:
    """Half precision is too coarse for probabilities; anything wider stays as it is."""
    return logits.float() if logits.dtype in (torch.bfloat16, torch.float16) else logits

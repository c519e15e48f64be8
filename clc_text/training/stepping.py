"""The part of the trainer that takes a step: each peer clipped by itself, parameters in one group, schedules."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from clc_text.training.accumulation import StepBatches
from clc_text.training.arguments import NoisyLabelOptions
from clc_text.training.loading import RowLoading
from clc_text.training.schedule import constant_then_linear, share_before_decay
from clc_text.training.step_costs import in_one_group


class PeersStepping(RowLoading):
    """What `Trainer` does in an optimizer step of one network, for all that lie behind one model.

    Attributes:
        step_batches: those of the step under way.
        groups: of parameters, in the checkpoint that is gone on with; 0: in none; None: no training has begun. Earlier
            versions wrote two.
    """

    options: NoisyLabelOptions
    step_batches: StepBatches
    model: Any
    groups: int | None = None
    _numbers: int | None = None  # of all networks

    def get_batch_samples(self, *positional: Any, **named: Any) -> Any:
        """As `Trainer.get_batch_samples`; that no batch of a step may count for more than its rows is noted."""
        batches, items = super().get_batch_samples(*positional, **named)
        self.step_batches.begin(batches)
        return batches, items

    def create_accelerator_and_postprocess(self) -> None:
        """As `Trainer` makes it, but that each peer is clipped by its own norm."""
        super().create_accelerator_and_postprocess()
        accelerator: Any = self.accelerator
        accelerator.clip_grad_norm_ = self._clip_each_peer

    def _clip_each_peer(self, parameters: Any, max_norm: float, norm_type: int = 2) -> Tensor | None:
        """In place of `Accelerator.clip_grad_norm_`; gives the joint norm, for the log."""
        if max_norm != self.args.max_grad_norm:
            return None  # only for the log, without clipping: nobody reads it, and it costs a tenth of a step
        self.accelerator.unscale_gradients()
        return self.model.clip_peer_grad_norms_(max_norm).norm()

    def create_optimizer(self, *positional: Any, **named: Any) -> torch.optim.Optimizer:
        """As `Trainer.create_optimizer`; within a training, parameters that are treated alike in one group."""
        made_here = self.optimizer is None
        optimizer = super().create_optimizer(*positional, **named)
        joined = self.groups is not None and self.groups < 2
        if made_here and joined and not (self.is_fsdp_enabled or self.is_deepspeed_enabled):
            in_one_group(optimizer, by_checkpoint=self.groups == 1)
        return optimizer

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

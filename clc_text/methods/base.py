"""What a method is: a function of a batch of logits, not a training loop.

Shapes, everywhere in this package: P peers (networks that learn side by side), B rows of a batch, N rows of the
training set, C classes. Everything is written over the trailing dimensions, so further leading ones ([S, P, B, C]
for S seeds or folds at once) work unchanged.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from clc_text.components import Registry, option


@dataclass(frozen=True)
class Supervision:
    """What a method makes of one batch; the loss is ``(losses * weights).sum()``.

    Attributes:
        losses: [P, B] per-row losses, the only part with a gradient, each peer's reaching only that peer.
        weights: [P, B] what each row counts, the reduction included (1/B, 1/kept, ...); 0 for a row left out.
        targets: [P, B, C] the distribution that each row is taught, detached.
        selected: [P, B] bool, the rows whose count and label precision are reported: for methods that correct labels
            those that a prediction supervises, for sample selection those that are kept, otherwise all.
    """

    losses: Tensor
    weights: Tensor
    targets: Tensor
    selected: Tensor

    @property
    def loss(self) -> Tensor:
        return (self.losses * self.weights).sum()


@dataclass
class TrainingState:
    """What a method may know about the training around it, saved with every checkpoint.

    Attributes:
        epoch: epochs completed when this batch is seen, a whole number during an epoch (0 in the first).
        steps_per_epoch: optimizer steps of one epoch.
        num_classes: C.
        noise_rate: the rate a method may be told (side information, or an estimate); None when unknown.
        memory: named tensors that a method keeps: what `Method.prepare` found at the end of the warm-up
            (``threshold`` [P] for CLC, ``transition`` [C, C] for Forward) and any per-row memory.
        rows: [B] ids of the rows of this batch.
    """

    epoch: int = 0
    steps_per_epoch: int = 1
    num_classes: int = 0
    noise_rate: float | None = None
    memory: dict[str, Tensor] = field(default_factory=dict)
    rows: Tensor | None = None


@dataclass(frozen=True)
class Method(ABC):
    """Base of all methods; the fields of a subclass are its hyper-parameters.

    For the first `warmup_epochs` every peer learns the given labels as `Standard` does; then `prepare` is called once
    with the warmed-up peers' predictions over the whole training set, and `supervise` takes over.
    """

    name: ClassVar[str]
    citation: ClassVar[str]
    default_peers: ClassVar[int] = 1
    needs_noise_rate: ClassVar[bool] = False

    warmup_epochs: int = option(0, "epochs of plain training on the given labels before the method takes over")

    @abstractmethod
    def supervise(self, log_probs: Tensor, labels: Tensor, state: TrainingState) -> Supervision:
        """The supervision of one batch.

        Args:
            log_probs: [P, B, C] log-probabilities of each peer, with gradient.
            labels: [B] given classes (int64) or [B, C] given distributions.
            state: what is known of the training so far; never changed here, except for a method's own `memory`.
        """

    def prepare(self, log_probs: Tensor, labels: Tensor, state: TrainingState) -> None:  # noqa: B027
        """Takes from the warmed-up peers what the method needs, into `state.memory`.

        Args:
            log_probs: [P, N, C] predictions over the training set, without gradient, in evaluation mode.
            labels: [N] or [N, C] given labels.
        """


method: Registry[Method] = Registry("method", "clc_text.methods")


def as_distribution(labels: Tensor, like: Tensor) -> Tensor:
    """Labels [..., B] or [..., B, C] as distributions [..., 1, B, C] that broadcast against `like` [..., P, B, C]."""
    soft = labels if labels.is_floating_point() else F.one_hot(labels, like.shape[-1])
    return soft.to(like.dtype).unsqueeze(-3)


def cross_entropy(targets: Tensor, log_probs: Tensor) -> Tensor:
    """CE(q, p) = -Σ_c q_c log p_c over the last dimension; [..., C] and [..., C] -> [...].

    A class of zero target weight contributes nothing even where its log-probability is -inf.
    """
    return -(targets * log_probs).masked_fill(targets == 0, 0.0).sum(-1)


def row_mean(losses: Tensor) -> Tensor:
    """Weights 1/B that make the weighted sum over [..., B] the mean over the batch."""
    return torch.full_like(losses, 1.0 / losses.shape[-1], requires_grad=False)

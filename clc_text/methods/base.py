"""What a method is: a function of a batch of logits, not a training loop.

Shapes, everywhere in this package: P peers (networks that learn side by side), B rows of a batch, N rows of the
training set, C classes. Everything is written over the trailing dimensions, so further leading ones ([S, P, B, C]
for S seeds or folds at once) work unchanged.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import ClassVar, Literal

import torch
from torch import Tensor

from clc_text.config.components import Options, Registry, option


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


@dataclass(frozen=True)
class Looks:
    """What else the peers make of a batch, for a method that mixes its rows (`Method.mixing`); with gradient.

    Attributes:
        again: [P, B, C] log-probabilities of the same rows by another draw of dropout; without dropout the same.
        mixed: [P, B, C] log-probabilities of share · row + (1 - share) · partner, mixed where networks read them.
        partners: int64 [B], which row of the batch each row is mixed with, the same for every peer.
        share: what a row keeps of itself, 1/2 … 1, the same for the whole batch.
    """

    again: Tensor
    mixed: Tensor
    partners: Tensor
    share: float

    @classmethod
    def of(cls, log_probs: Tensor) -> Looks:
        """Of rows that are not mixed, and of which nothing else was asked."""
        rows = torch.arange(log_probs.shape[-2], device=log_probs.device)
        return cls(log_probs, log_probs, rows, 1.0)

    def mix(self, targets: Tensor) -> Tensor:
        """What mixed rows are taught, of what rows are: [..., B, C] -> [..., B, C]."""
        return self.share * targets + (1 - self.share) * targets.index_select(-2, self.partners)


@dataclass
class TrainingState:
    """What a method may know about the training around it, saved with every checkpoint.

    Attributes:
        epoch: epochs completed when this batch is seen, a whole number during an epoch (0 in the first).
        steps_per_epoch: optimizer steps of one epoch.
        num_classes: C.
        noise_rate: the rate a method may be told (side information, or an estimate); None when unknown.
        memory: named tensors that a method keeps: what `Method.prepare` found at the end of the warm-up
            (``threshold`` [P] for CLC), any per-row memory, and what a method is given (``transition`` [C, C] for
            Forward). With leading dimensions each has them too, [S, P] for instance.
        rows: [B] (or [S, B]) ids of the rows of this batch.
        class_weights: [C], what each class counts; None: all the same. See `weigh`.
        logits: [P, B, C] what `log_probs` was made of, detached, for the one criterion that needs it, the energy;
            [P, N, C] during `Method.prepare`. None where several classes may hold. Not saved.
        began: epochs completed when the method took over from the warm-up; 0 without one.
        looks: what else the peers make of this batch; None: nothing else was asked. Not saved.
    """

    epoch: int = 0
    steps_per_epoch: int = 1
    num_classes: int = 0
    noise_rate: float | None = None
    memory: dict[str, Tensor] = field(default_factory=dict)
    rows: Tensor | None = None
    class_weights: Tensor | None = None
    logits: Tensor | None = None
    began: int = 0
    looks: Looks | None = None

    def weigh(self, targets: Tensor) -> Tensor:
        """Targets [..., C] as a cross-entropy meets them, each class's part times its weight.

        So Σ_c w_c q_c log p_c, as `torch.nn.CrossEntropyLoss` weighs distributions; of one class it is the weight of
        the row. The mean stays one over the rows, and not over their weights.
        """
        return targets if self.class_weights is None else targets * self.class_weights.to(targets)

    def weigh_predicted(self, targets: Tensor, given: Tensor) -> Tensor:
        """Targets [..., C] that networks have predicted, each row's times the weight of its label, Σ_c w_c y_c.

        Networks that learn under weights predict by them already. Were their predictions weighed by class once more
        when others learn them, a class of weight w would be w times as probable at every turn, until all rows were of
        the rarest one (selfdriving, three classes of 9 to 68 %, balanced: `clc_auto` 69 % after its warm-up, 34 in
        the end).

        Args:
            given: [..., C], the rows' labels as distributions.
        """
        if self.class_weights is None:
            return targets
        return targets * (given @ self.class_weights.to(given)).unsqueeze(-1)


@dataclass(frozen=True)
class Method(Options, ABC):
    """Base of all methods; the fields of a subclass are its hyper-parameters.

    For the first `warmup_epochs` every peer learns the given labels as `Standard` does; then `prepare` is called once
    with the warmed-up peers' predictions over the whole training set, and `supervise` takes over.

    An option is held to the limits that its `option` declares when the method is made.

    Attributes:
        citation: the source: authors, title, venue and year.
        default_peers: how many peers a run has unless it says otherwise.
        needs_noise_rate: whether `supervise` reads `TrainingState.noise_rate` and raises `InputError` without it.
        weighs_classes: whether `supervise` itself gives classes their weights, by `TrainingState.weigh`; otherwise
            each row's whole loss counts by the weights of what it is taught.
        cross_fits: whether the labels that it learns are distributions that cross-fitting makes of the given ones.
        multi_label: whether `supervise` may be asked of each class of a multi-label set by itself, [C, P, B, 2] (see
            `clc_text.training.multi_label`).
        row_memory: names of what `supervise` changes in `TrainingState.memory` for the rows of its batch, [..., N, ·]:
            where several processes train, each has seen its own rows, and the memories are put together.
        divides: whether `prepare` is called again before every later epoch, by what the peers then say of all rows,
            and `supervise` looks up the rows of its batch by their numbers.
    """

    section: ClassVar[str] = "method"
    name: ClassVar[str]
    citation: ClassVar[str]
    default_peers: ClassVar[int] = 1
    needs_noise_rate: ClassVar[bool] = False
    weighs_classes: ClassVar[bool] = False
    cross_fits: ClassVar[bool] = False
    multi_label: ClassVar[bool] = False
    row_memory: ClassVar[tuple[str, ...]] = ()
    divides: ClassVar[bool] = False

    warmup_epochs: int = option(
        0, "epochs of plain training on the given labels before the method takes over", at_least=0
    )

    def check(self, peers: int, rate_known: bool) -> None:
        """Refuses a training in which the method could not take a step.

        Args:
            peers: P.
            rate_known: whether `TrainingState.noise_rate` will be a number.

        Raises:
            InputError: the method is told too little.
        """

    @property
    def by_batch(self) -> bool:
        """Whether what a row counts depends on which other rows stand in its batch: then several small batches of one
        step are not one large one."""
        return False

    @property
    def mixing(self) -> float | None:
        """α, where rows of a batch are to be mixed by shares of Beta(α, α), which `supervise` finds in
        `TrainingState.looks`; None: they are not."""
        return None

    @property
    def transition_source(self) -> Literal["true", "estimate", "file"] | None:
        """Where ``TrainingState.memory["transition"]`` is to come from: true labels, cross-fitting, a file of the
        recipe, or nowhere."""
        return None

    def warmed_up(self, state: TrainingState) -> bool:
        """Whether the warm-up may end before epoch `state.epoch` (from 0), as far as epochs say."""
        return state.epoch >= self.warmup_epochs

    def not_yet(self, log_probs: Tensor, state: TrainingState) -> str | None:
        """Why the warm-up must go on all the same, by the peers' predictions [P, N, C]; None: it ends."""
        return None

    def warm_up_without(self, rows: Tensor) -> Tensor | None:
        """bool [B], which of these rows the warm-up does not learn from; None: it learns from all."""
        return None

    @abstractmethod
    def supervise(self, log_probs: Tensor, labels: Tensor, state: TrainingState) -> Supervision:
        """The supervision of one batch.

        Args:
            log_probs: [P, B, C] finite log-probabilities of each peer, with gradient.
            labels: [B] given classes (int64) or [B, C] given distributions.
            state: what is known of the training so far; never changed here, except for a method's own `memory`.
        """

    def prepare(self, log_probs: Tensor, labels: Tensor, state: TrainingState) -> None:
        """Takes from the warmed-up peers what the method needs, into `state.memory`.

        Once; of a method that `divides` the rows, before each of its epochs.

        Args:
            log_probs: [P, N, C] predictions over the training set, without gradient, in evaluation mode.
            labels: [N] or [N, C] given labels.
        """


method: Registry[Method] = Registry("method", "clc_text.methods")


def as_distribution(labels: Tensor, like: Tensor) -> Tensor:
    """Labels [..., B] or [..., B, C] as distributions [..., 1, B, C] that broadcast against `like` [..., P, B, C]."""
    if not labels.is_floating_point():
        labels = one_hot(labels, like)
    return labels.to(like.dtype).unsqueeze(-3)


def one_hot(classes: Tensor, like: Tensor) -> Tensor:
    """Classes [...] as distributions [..., C] of the type of `like` [..., C]; faster than `F.one_hot`."""
    zeros = torch.zeros(*classes.shape, like.shape[-1], dtype=like.dtype, device=like.device)
    return zeros.scatter_(-1, classes.unsqueeze(-1), 1.0)


def cross_entropy(targets: Tensor, log_probs: Tensor) -> Tensor:
    """CE(q, p) = -Σ_c q_c log p_c over the last dimension; [..., C] and [..., C] -> [...]."""
    return -(targets * log_probs).sum(-1)


def from_teacher(values: Tensor, dim: int) -> Tensor:
    """What each peer's teacher made, `dim` being the peers' dimension: peer k is taught by peer k-1, in a circle.

    With two peers each teaches the other; with one it teaches itself.
    """
    return values.roll(1, dim)


def row_mean(losses: Tensor) -> Tensor:
    """Weights 1/B that make the weighted sum over [..., B] the mean over the batch."""
    return torch.full_like(losses, 1.0 / losses.shape[-1], requires_grad=False)


def supervise_all(losses: Tensor, targets: Tensor, log_probs: Tensor) -> Supervision:
    """The supervision of a method in which every row counts the same: the mean over the batch, all rows selected."""
    return Supervision(
        losses=losses,
        weights=row_mean(losses),
        targets=targets.expand_as(log_probs),
        selected=torch.ones_like(losses, dtype=torch.bool),
    )

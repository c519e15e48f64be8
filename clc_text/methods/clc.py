"""CLC: collaborative label correction via entropy thresholding, the paper's method."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor

from clc_text.config.components import option
from clc_text.errors import InputError
from clc_text.methods.base import (
    Method,
    Supervision,
    TrainingState,
    as_distribution,
    from_teacher,
    method,
    one_hot,
)
from clc_text.methods.calibration import fit_temperature, held_out, tempered
from clc_text.methods.criteria import CRITERIA, Criterion, mean_threshold


@method("clc")
@dataclass(frozen=True)
class CLC(Method):
    """Each peer learns its peer's sure predictions, and the given labels where the peer is unsure.

    For a threshold Γ_f of each peer (its mean entropy over the training set when the warm-up ends),

        L(f) = [ Σ_{low(g)} CE(p_g, p_f)  +  α Σ_{low(f)} H(p_f)  +  β Σ_{high(g)} CE(y, p_f) ] / B

    where g is the peer of f, low(g) = {n : H(p_g,n) <= Γ_g} and high(g) the rest. The peer's prediction is a constant:
    no gradient flows through it. With one peer it is its own teacher (SLC); with more than two, each learns from the
    one before it, in a circle.

    Source: Wu et al., "Collaborative Label Correction via Entropy Thresholding", ICDM 2019, the objective of its
    method section. The paper leaves the divisor open; with the batch size (``reduction="batch"``) the third term
    shrinks as the low-entropy set grows, as the paper says it does.
    """

    citation: ClassVar[str] = "Wu et al., Collaborative Label Correction via Entropy Thresholding, ICDM 2019"
    weighs_classes: ClassVar[bool] = True
    multi_label: ClassVar[bool] = True
    default_peers: ClassVar[int] = 2

    warmup_epochs: int = option(
        10, "epochs of plain training before Γ is taken (the paper: 10, Clothing1M 2)", at_least=0
    )
    alpha: float = option(
        0.1, "α, the weight of entropy minimisation on a peer's own sure rows", at_least=0, at_most=1
    )
    beta: float = option(0.5, "β, the weight of the given labels where the peer is unsure", at_least=0, at_most=100)
    supervision: Literal["soft", "hard"] = option("soft", "teach the peer's whole prediction, or only its first class")
    reduction: Literal["batch", "subset"] = option("batch", "divide each sum by the batch, or by its own subset")
    criterion: Criterion = option("entropy", "what measures how unsure a prediction is")
    temperature: float | Literal["fit"] = option(
        1.0,
        "a peer's logits are divided by it before their doubt is measured (not in the losses); fit: by the given "
        "labels of rows that the warm-up leaves out",
        above=0,
        at_most=1_000_000,
        give="a number above 0, or fit",
    )
    held_out: float = option(
        0.1, "with temperature fit: share of the rows that the warm-up leaves out", at_least=0.01, at_most=0.5
    )
    threshold_scale: float = option(
        1.0, "Γ is multiplied by this; not with the energy, which has no zero", at_least=0, at_most=1_000_000
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.criterion == "energy" and self.threshold_scale != 1:
            raise InputError(
                f"method.threshold_scale is {self.threshold_scale} with criterion energy, whose zero means nothing; "
                "leave it at 1",
                key="method.threshold_scale",
            )
        if self.temperature == "fit" and not (self.warmup_epochs or self.cross_fits):
            raise InputError(
                "method.temperature is fit, but there is no warm-up to hold rows out of; set method.warmup_epochs",
                key="method.temperature",
            )

    def warm_up_without(self, rows: Tensor) -> Tensor | None:
        return held_out(rows, self.held_out) if self.temperature == "fit" else None

    def prepare(self, log_probs: Tensor, labels: Tensor, state: TrainingState) -> None:
        if self.temperature != 1:
            state.memory["temperature"] = self._temperature(log_probs, labels)
        state.memory["threshold"] = self.threshold_scale * mean_threshold(self.doubt(log_probs, state))

    def _temperature(self, log_probs: Tensor, labels: Tensor) -> Tensor:
        """[..., P] from predictions [..., P, N, C] over the training set."""
        *peers, rows, classes = log_probs.shape
        if self.temperature != "fit":
            return log_probs.new_full(peers, self.temperature)
        held = held_out(torch.arange(rows, device=log_probs.device), self.held_out)
        each = log_probs[..., held, :].reshape(-1, int(held.sum()), classes)
        if not labels.is_floating_point():
            of_rows = labels[..., held].unsqueeze(-2).expand(*peers, -1)
        else:
            of_rows = labels[..., held, :].unsqueeze(-3).expand(*peers, -1, -1)
        of_each = of_rows.reshape(len(each), *of_rows.shape[len(peers) :])
        temperatures = [fit_temperature(one, given) for one, given in zip(each, of_each, strict=True)]
        return log_probs.new_tensor(temperatures).view(peers)

    def doubt(self, log_probs: Tensor, state: TrainingState) -> Tensor:
        """How unsure each prediction is by `criterion`, at the temperature: [..., P, B, C] -> [..., P, B]."""
        temperature = state.memory.get("temperature")
        if temperature is not None:
            temperature = temperature.unsqueeze(-1)
        if self.criterion != "energy":
            if temperature is not None:
                log_probs = tempered(log_probs, temperature)
            return CRITERIA[self.criterion](log_probs)
        if state.logits is None:
            raise InputError(
                "the criterion energy needs logits in TrainingState.logits; log-probabilities have lost it",
                key="logits",
            )
        if temperature is None:
            return CRITERIA["energy"](state.logits)
        return temperature * CRITERIA["energy"](state.logits / temperature.unsqueeze(-1))

    @property
    def by_batch(self) -> bool:
        return self.reduction == "subset"

    def teach(self, values: Tensor, dim: int) -> Tensor:
        """What every peer's teacher made, given what every peer made; `dim` is the peers' dimension."""
        return from_teacher(values, dim)

    def supervise(self, log_probs: Tensor, labels: Tensor, state: TrainingState) -> Supervision:
        # Called at every step: the entropy is computed once for both its uses, and signs are turned once, at the end.
        threshold = state.memory["threshold"].unsqueeze(-1)
        probs = log_probs.exp()
        minus_entropy = (probs * log_probs).sum(-1)
        plain = self.criterion == "entropy" and self.temperature == 1
        own = -minus_entropy.detach() if plain else self.doubt(log_probs.detach(), state)
        low = own <= threshold
        peer_low = self.teach(low, -2)
        teaching = self.teach(probs.detach(), -3)
        if self.supervision == "hard":
            teaching = one_hot(teaching.argmax(-1), teaching)

        given = as_distribution(labels, log_probs)
        targets = weighed = torch.where(peer_low.unsqueeze(-1), teaching, given)
        if state.class_weights is not None:
            of_peer = state.weigh_predicted(teaching, given)
            weighed = torch.where(peer_low.unsqueeze(-1), of_peer, state.weigh(given))
        crossed = (weighed * log_probs).sum(-1)
        taught = torch.full_like(minus_entropy, self.beta).masked_fill_(peer_low, 1.0)
        sharpened = torch.zeros_like(minus_entropy).masked_fill_(low, self.alpha)
        weight = 1.0 / log_probs.shape[-2]
        if self.reduction == "subset":
            taught /= torch.where(peer_low, _count(peer_low), _count(~peer_low))
            sharpened /= _count(low)
            weight = 1.0
        losses = -(taught * crossed + sharpened * minus_entropy)
        return Supervision(losses, torch.full_like(taught, weight), targets, peer_low)


def _count(rows: Tensor) -> Tensor:
    """How many of the rows [..., B] are marked, at least 1: [..., 1]."""
    return rows.sum(-1, keepdim=True).clamp(min=1)

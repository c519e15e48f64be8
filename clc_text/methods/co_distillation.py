"""Co-distillation: each network learns the given labels and its peer's predictions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from clc_text.config.components import option
from clc_text.methods.base import (
    Method,
    Supervision,
    TrainingState,
    as_distribution,
    cross_entropy,
    from_teacher,
    method,
    supervise_all,
)


@method("co_distillation")
@dataclass(frozen=True)
class CoDistillation(Method):
    """L(f) = (1/B) Σ [ λ CE(y, p_f) + (1-λ) CE(p_g^T, p_f^T) ], p^T being the prediction at temperature T.

    The peer's prediction is a constant. The second term is not multiplied by T², as some distillation codes do. The
    row's target, for the training dynamics, is λ y + (1-λ) p_g^T. With more than two peers each learns from the one
    before it, in a circle.

    Source: Song & Chai, NeurIPS 2018; Anil et al., ICLR 2018, Algorithm 1 with a burn-in.
    """

    citation: ClassVar[str] = (
        "Song & Chai, Collaborative Learning for Deep Neural Networks, NeurIPS 2018; Anil et al., Large Scale "
        "Distributed Neural Network Training through Online Distillation, ICLR 2018"
    )
    weighs_classes: ClassVar[bool] = True
    default_peers: ClassVar[int] = 2

    warmup_epochs: int = option(0, "burn-in: epochs on the given labels alone before the peers are heard", at_least=0)
    lam: float = option(0.5, "λ, the weight of the given labels", at_least=0, at_most=1)
    temperature: float = option(1.0, "T, above 1 flattens what the peers compare", at_least=0.01, at_most=1_000_000)

    def supervise(self, log_probs: Tensor, labels: Tensor, state: TrainingState) -> Supervision:
        labelled = as_distribution(labels, log_probs)
        given = self.lam * labelled
        tempered = log_probs if self.temperature == 1 else (log_probs / self.temperature).log_softmax(-1)
        peer = (1 - self.lam) * from_teacher(tempered.detach().exp(), -3)
        targets = given + peer
        weighed, of_peer = state.weigh(given), state.weigh_predicted(peer, labelled)
        if self.temperature == 1:  # both terms meet the same prediction, so they are one
            losses = cross_entropy(weighed + of_peer, log_probs)
        else:
            losses = cross_entropy(weighed, log_probs) + cross_entropy(of_peer, tempered)
        return supervise_all(losses, targets, log_probs)

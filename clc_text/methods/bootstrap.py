"""Bootstrapping: the target is the given label mixed with the network's own prediction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from torch import Tensor

from clc_text.config.components import option
from clc_text.methods.base import (
    Method,
    Supervision,
    TrainingState,
    as_distribution,
    cross_entropy,
    method,
    one_hot,
    supervise_all,
)

_USUAL_B = {"soft": 0.95, "hard": 0.8}


@method("bootstrap")
@dataclass(frozen=True)
class Bootstrap(Method):
    """L(f) = (1/B) Σ CE(q, p_f), the target q being

        soft:  b y + (1-b) p_f
        hard:  b y + (1-b) onehot(argmax p_f)

    As in the original code, the gradient flows through the soft target too, which adds entropy minimisation; with
    ``target_gradient=False`` the target is a constant.

    Source: Reed et al., ICLR workshop 2015, the soft and the hard objective of its section on bootstrapping.
    """

    citation: ClassVar[str] = (
        "Reed et al., Training Deep Neural Networks on Noisy Labels with Bootstrapping, ICLR Workshop 2015"
    )
    weighs_classes: ClassVar[bool] = True

    kind: Literal["soft", "hard"] = option("soft", "mix in the whole prediction, or only its first class")
    b: float | None = option(
        None, "the share of the given label; null: 0.95 for soft, 0.8 for hard", at_least=0, at_most=1
    )
    target_gradient: bool = option(True, "let the gradient flow through the soft target, as the original code does")

    def supervise(self, log_probs: Tensor, labels: Tensor, state: TrainingState) -> Supervision:
        b = _USUAL_B[self.kind] if self.b is None else self.b
        if self.kind == "hard":
            own = one_hot(log_probs.detach().argmax(-1), log_probs)
        else:
            own = (log_probs if self.target_gradient else log_probs.detach()).exp()
        given = as_distribution(labels, log_probs)
        targets = b * given + (1 - b) * own
        weighed = state.weigh(b * given) + state.weigh_predicted((1 - b) * own, given)
        return supervise_all(cross_entropy(weighed, log_probs), targets.detach(), log_probs)

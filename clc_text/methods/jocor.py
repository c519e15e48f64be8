"""JoCoR: two networks learn the rows that both find easy, and learn to agree on them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from clc_text.config.components import option
from clc_text.methods.base import Supervision, TrainingState, as_distribution, cross_entropy, method
from clc_text.methods.small_loss import SmallLoss, smallest
from clc_text.noise.draws import whole


@method("jocor")
@dataclass(frozen=True)
class JoCoR(SmallLoss):
    """L = (1/K) Σ_{kept} ℓ,   ℓ = (1 - λ) [CE(y, p_f) + CE(y, p_g)] + λ [KL(p_f ‖ p_g) + KL(p_g ‖ p_f)]

    Kept are the K rows of each batch whose joint loss ℓ is smallest, the same for both; `SmallLoss` has K and R(t).
    Each network descends ℓ with the other held still, which is what descending ℓ by both at once is: a peer's losses
    hold half of the agreement's value and all of its gradient. Of more than two peers the agreement is the mean over
    the others; one alone has none.

    Source: Wei et al., CVPR 2020, equations 1 to 5 and Algorithm 1.
    """

    citation: ClassVar[str] = (
        "Wei et al., Combating Noisy Labels by Agreement: A Joint Training Method with Co-Regularization, CVPR 2020"
    )
    default_peers: ClassVar[int] = 2
    weighs_classes: ClassVar[bool] = False  # what is chosen and what is learnt are one loss

    lam: float = option(0.9, "λ, what agreement weighs beside the labels", at_least=0, at_most=1)

    def supervise(self, log_probs: Tensor, labels: Tensor, state: TrainingState) -> Supervision:
        targets = as_distribution(labels, log_probs)
        losses = (1 - self.lam) * cross_entropy(targets, log_probs)
        peers = log_probs.shape[-3]
        if peers > 1:
            agreement = divergence(log_probs) / (peers - 1)
            losses = losses + self.lam * (agreement - agreement.detach() / 2)
        joint = losses.detach().sum(-2, keepdim=True)
        count = whole((1 - self.left_out(state)) * losses.shape[-1])
        kept = smallest(joint, count).expand_as(losses)
        return Supervision(losses, kept.to(losses.dtype) / max(count, 1), targets.expand_as(log_probs), kept)


def divergence(log_probs: Tensor) -> Tensor:
    """[..., P, B], Σ_g KL(p_f ‖ p_g) + KL(p_g ‖ p_f) over the other peers g, which are held still."""
    own, others = log_probs.unsqueeze(-3), log_probs.detach().unsqueeze(-4)
    between = ((own.exp() - others.exp()) * (own - others)).sum(-1)  # [..., P, P, B], 0 on the diagonal
    return between.sum(-2)

"""Answered rows in the training itself: held fixed, whatever a method makes of other rows, and weighted."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from clc_text.data.trusted import TrustedLabels
from clc_text.methods.base import Supervision, TrainingState, cross_entropy, one_hot

SHARE = 0.1  # of the rows: what all answers weigh together
MOST = 3.0  # rows that one answer weighs as much as, at most


def weight_of_answers(rows: int, answers: int, share: float = SHARE, most: float = MOST) -> float:
    """How many rows each answer counts as, where all together weigh a share of the rows and each so many at most."""
    return max(1.0, min(most, share * rows / max(answers, 1)))


@dataclass(frozen=True)
class AnswerTargets:
    """Attributes: ``told`` int64 [N], the class that a person told, -1 where nobody has; of K classes of which several
    may hold [N, K] of 0, 1 and -1; ``weight``, in rows."""

    told: Tensor
    weight: float

    @classmethod
    def of(
        cls, trusted: TrustedLabels, rows: int, device: torch.device, asked: int = 1, most: float = MOST
    ) -> AnswerTargets:
        """Of so many rows, each asked of so many classes; `most`: as of `weight_of_answers`."""
        weight = weight_of_answers(rows * asked, len(trusted), most=most)
        told = torch.from_numpy(trusted.classes(rows * asked)).to(device)
        return cls(told if asked == 1 else told.view(rows, asked), weight)

    def held_in(self, supervision: Supervision, log_probs: Tensor, rows: Tensor, state: TrainingState) -> Supervision:
        """The supervision of the rows [B] of a batch, in which every peer learns each answered one as it was told.

        Args:
            log_probs: [P, B, C], or [K, P, B, 2].
        """
        told = self.told[rows]
        if told.dim() == 2:
            told = told.mT.unsqueeze(1)  # [K, 1, B]
        known = told >= 0
        targets = one_hot(told.clamp(min=0), log_probs).expand_as(log_probs)
        weight = self.weight / log_probs.shape[-2]
        return replace(
            supervision,
            losses=torch.where(known, cross_entropy(state.weigh(targets), log_probs), supervision.losses),
            weights=torch.where(known, torch.full_like(supervision.weights, weight), supervision.weights),
            targets=torch.where(known.unsqueeze(-1), targets, supervision.targets),
        )

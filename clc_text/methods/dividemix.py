"""DivideMix: two networks divide the rows for each other, guess labels together, and learn mixtures of all rows."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from clc_text.config.components import option
from clc_text.methods.base import (
    Looks,
    Supervision,
    TrainingState,
    as_distribution,
    cross_entropy,
    from_teacher,
    method,
    row_mean,
)
from clc_text.methods.division import MIXING, Division


@method("dividemix")
@dataclass(frozen=True)
class DivideMix(Division):
    """L(f) = L_X + λ_u(t) L_U + L_reg, of mixed rows x' = λ x_n + (1-λ) x_m and targets q' = λ q_n + (1-λ) q_m;
    see `Division` for X, the rows that keep their labels, and U, those whose labels are guessed. w is the peer's.

        q_n = sharpened(w_n y_n + (1 - w_n) p_f)    in X, the label refined by the network's own prediction
        q_n = sharpened((p_f + p_g) / 2)            in U, guessed by both
        L_X = (1/|X|) Σ_X CE(q', p_f(x'))
        L_U = (1/|U|) Σ_U ‖q' - p_f(x')‖² / C
        L_reg = Σ_c (1/C) log((1/C) / p̄_c),         p̄ the mean of p_f(x') over the batch

    λ_u(t) grows to λ_u in `ramp_epochs` epochs since the warm-up's end, λ ≥ 1/2 is drawn for each batch, a mixed row
    is in X if the row is of which it has more, and no gradient flows through a target. The paper averages predictions
    over augmented images; texts have none here, and frozen features neither: predictions are the mean of two draws of
    dropout, and without dropout one. The divisor C is the authors' code's, whose λ_u it belongs to; the confidence
    penalty that it adds to the warm-up for asymmetric noise is left out, since nobody tells the noise.

    Source: Li, Socher and Hoi, ICLR 2020, section 3 and Algorithm 1.
    """

    citation: ClassVar[str] = "Li et al., DivideMix: Learning with Noisy Labels as Semi-supervised Learning, ICLR 2020"
    default_peers: ClassVar[int] = 2

    alpha: float = option(4.0, MIXING, above=0, at_most=1000)
    # The paper: 0, 25, 50 or 150, by the noise. Without augmented rows and with little noise 25 teaches networks what
    # they have guessed until one class is gone; 5 by validation rows (recipes/results/real_noise.md).
    lam_u: float = option(5.0, "λ_u, what guessed rows weigh in the end", at_least=0, at_most=1_000_000)
    ramp_epochs: int = option(16, "epochs since the warm-up's end until they weigh so much", at_least=1)

    def comparable(self, losses: Tensor, labels: Tensor) -> Tensor:
        """Between 0 and 1, as the least variance of a Gaussian is meant."""
        least = losses.amin(-1, keepdim=True)
        return (losses - least) / (losses.amax(-1, keepdim=True) - least).clamp(min=1e-12)

    def supervise(self, log_probs: Tensor, labels: Tensor, state: TrainingState) -> Supervision:
        looks = state.looks or Looks.of(log_probs)
        clean = from_teacher(self.clean(log_probs, state), -2)
        labelled = clean >= self.threshold
        own = (log_probs.exp() + looks.again.exp()).detach() / 2
        kept = clean.unsqueeze(-1)
        refined = kept * as_distribution(labels, log_probs) + (1 - kept) * own
        guessed = own.mean(-3, keepdim=True)
        targets = self.sharpened(torch.where(labelled.unsqueeze(-1), refined, guessed))

        mixed, (rows, classes) = looks.mix(targets), log_probs.shape[-2:]
        shares = labelled.sum(-1, keepdim=True) / rows  # of X in the batch, for the mean over X or U in place of B
        grown = self.lam_u * min((state.epoch - state.began) / self.ramp_epochs, 1.0)
        of_labelled = cross_entropy(mixed, looks.mixed) / shares.clamp(min=1 / rows)
        of_guessed = (mixed - looks.mixed.exp()).square().mean(-1) * grown / (1 - shares).clamp(min=1 / rows)
        mean = looks.mixed.logsumexp(-2) - math.log(rows)
        even = -mean.mean(-1, keepdim=True) - math.log(classes)
        losses = torch.where(labelled, of_labelled, of_guessed) + even
        return Supervision(losses, row_mean(losses), targets, ~labelled)

"""SelfMix: one network divides the rows by their loss, guesses the labels of one part, and learns mixtures of both."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor

from clc_text.config.components import option
from clc_text.methods.base import Looks, Supervision, TrainingState, as_distribution, cross_entropy, method, row_mean
from clc_text.methods.division import MIXING, Division


@method("selfmix")
@dataclass(frozen=True)
class SelfMix(Division):
    """L(f) = L_mix + λ_p L_P + λ_r L_R, each peer for itself; see `Division` for X, the rows that keep their labels,
    and U, those whose labels are guessed.

        L_mix = (1/B) Σ CE(λ q_n + (1-λ) q_m, p_f(λ x_n + (1-λ) x_m)),   q = y in X, sharpened((p_f + p_f') / 2) in U
        L_P = -(1/|U|) Σ_U [log max p_f + log max p_f'] / 2
        L_R = (1/|U|) Σ_U [KL(p_f ‖ p_f') + KL(p_f' ‖ p_f)] / 2

    p_f and p_f' are two draws of dropout, without which L_R is 0: give the network some (the authors: 0.1). m is
    another row of the batch, x what the network reads of a row (the authors mix sentence embeddings, which frozen
    features are), λ ≥ 1/2 is drawn for each batch, and no gradient flows through a guess. The losses of each given
    class are centred and divided by their spread before the rows are divided, since a hard class is not a wrong one.

    From the authors' public code, not compared with the paper's equations, and other than it in four places: guesses
    are the mean of both draws and not made without dropout; the division goes by the cross-entropy of predictions,
    where the code takes a softmax of them once more; L_R is the mean of the rows of U and not their sum; and L_P is of
    the likeliest class, where the code has the least likely.

    Source: Qiao et al., COLING 2022.
    """

    citation: ClassVar[str] = (
        "Qiao et al., SelfMix: Robust Learning Against Textual Label Noise with Self-Mixup Training, COLING 2022"
    )

    alpha: float = option(0.75, MIXING, above=0, at_most=1000)
    lam_p: float = option(0.2, "λ_p, what sure predictions of guessed rows weigh", at_least=0, at_most=1_000_000)
    lam_r: float = option(
        0.3, "λ_r, what the agreement of two draws of dropout on guessed rows weighs", at_least=0, at_most=1_000_000
    )
    normalise: Literal["class", "all"] = option(
        "class", "losses are compared with those of the same given class, or all with all"
    )

    def comparable(self, losses: Tensor, labels: Tensor) -> Tensor:
        return within_class(losses, labels) if self.normalise == "class" else losses

    def supervise(self, log_probs: Tensor, labels: Tensor, state: TrainingState) -> Supervision:
        looks = state.looks or Looks.of(log_probs)
        labelled = self.clean(log_probs, state) >= self.threshold
        probs, again = log_probs.exp(), looks.again.exp()
        guesses = self.sharpened((probs + again).detach() / 2)
        targets = torch.where(labelled.unsqueeze(-1), as_distribution(labels, log_probs), guesses)

        unsure = -(log_probs.amax(-1) + looks.again.amax(-1)) / 2
        apart = ((probs - again) * (log_probs - looks.again)).sum(-1) / 2
        counted = (~labelled).to(log_probs.dtype)
        counted = counted * (counted.shape[-1] / counted.sum(-1, keepdim=True).clamp(min=1))  # the mean over U, not B
        losses = cross_entropy(looks.mix(targets), looks.mixed) + counted * (self.lam_p * unsure + self.lam_r * apart)
        return Supervision(losses, row_mean(losses), targets, ~labelled)


def within_class(losses: Tensor, labels: Tensor) -> Tensor:
    """Losses [..., P, N] less the mean of those of the same given class, by their variance as in the authors' code."""
    classes = labels if not labels.is_floating_point() else labels.argmax(-1)
    number = int(classes.max()) + 1
    of_class = torch.nn.functional.one_hot(classes, number).to(losses)  # [..., N, C]
    counts = of_class.sum(-2, keepdim=True).clamp(min=1)
    places = classes.unsqueeze(-2).expand(losses.shape)
    centred = losses - (losses @ of_class / counts).gather(-1, places)
    variances = (centred.square() @ of_class / counts).gather(-1, places)
    return centred / variances.clamp(min=1e-12)

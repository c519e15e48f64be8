"""Division by loss: wrong labels are learnt late, so the losses of all rows are a mixture of two kinds of rows."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from clc_text.config.components import option
from clc_text.errors import InputError
from clc_text.methods.base import Method, TrainingState, as_distribution, cross_entropy

ROUNDS = 10  # of 2-means, and after it of expectation-maximisation
MIXING = "α: rows are mixed by shares of Beta(α, α); the greater, the nearer to half and half"
LEAST_VARIANCE = 5e-4  # added to each Gaussian's, as in DivideMix's and SelfMix's code


@dataclass(frozen=True)
class Division(Method):
    """Base of the methods that divide the rows before every epoch: a mixture of two Gaussians is fitted to all rows'
    losses (`clean_probability`), rows that the one of smaller loss has made with w ≥ τ keep their labels, and the
    others have none; what the latter are taught is guessed, `sharpened`, and rows are mixed with one another.

    w is ``state.memory["clean"]`` [P, N], of each peer's own losses. Both parts are taken from the same batch: the
    authors' codes draw a batch of each, with as many rows without labels as there are with.
    """

    divides: ClassVar[bool] = True

    warmup_epochs: int = option(10, "epochs of plain training before the rows are divided", at_least=0)
    threshold: float = option(
        0.5, "τ, from which probability of being labelled right on a row keeps its label", at_least=0, at_most=1
    )
    temperature: float = option(
        0.5, "T, guesses are raised to 1/T: the lower, the surer they become", above=0, at_most=100
    )
    alpha: float = option(1.0, MIXING, above=0, at_most=1000)

    @property
    def mixing(self) -> float | None:
        return self.alpha

    @property
    def by_batch(self) -> bool:
        return True

    @abstractmethod
    def comparable(self, losses: Tensor, labels: Tensor) -> Tensor:
        """What the two Gaussians are fitted to, of losses [..., P, N] and given labels [..., N] or [..., N, C]."""

    def prepare(self, log_probs: Tensor, labels: Tensor, state: TrainingState) -> None:
        losses = cross_entropy(as_distribution(labels, log_probs), log_probs)
        clean = clean_probability(self.comparable(losses.double(), labels))
        state.memory["clean"] = clean.to(log_probs.dtype)

    def clean(self, log_probs: Tensor, state: TrainingState) -> Tensor:
        """w of the rows of a batch, [..., P, B], by each peer's own losses."""
        if state.rows is None:
            raise InputError(
                f"{self.name} has divided the rows by their numbers; give the batch a column `index` of row numbers",
                key="index",
            )
        return state.memory["clean"].gather(-1, state.rows[..., None, :].expand(log_probs.shape[:-1]))

    def sharpened(self, probs: Tensor) -> Tensor:
        """p^(1/T) / Σ p^(1/T), over the last dimension."""
        return (probs.clamp(min=torch.finfo(probs.dtype).tiny).log() / self.temperature).softmax(-1)


def clean_probability(losses: Tensor) -> Tensor:
    """How likely it is that the Gaussian of smaller mean made each loss, [..., N] -> [..., N].

    As scikit-learn's `GaussianMixture` finds it, but without a seed: it begins with the two means that 2-means finds
    from the smallest and the largest loss, so that the same losses give the same division to the bit, whether a
    training was interrupted or not; and any leading dimensions are fitted at once, on the losses' device. Where all
    losses are the same, every row is held to be labelled right.
    """
    values = losses.unsqueeze(-1)
    means = torch.stack([losses.amin(-1), losses.amax(-1)], -1)
    for _ in range(ROUNDS):
        near = (values - means.unsqueeze(-2)).abs().argmin(-1, keepdim=True)  # of two as near the first
        belongs = torch.zeros_like(values.expand(*losses.shape, 2)).scatter_(-1, near, 1.0)
        means = _means(values, belongs, means)
    for _ in range(ROUNDS):
        means = _means(values, belongs, means)
        counts = belongs.sum(-2)
        squares = (values - means.unsqueeze(-2)).square()
        variances = (belongs * squares).sum(-2) / counts.clamp(min=1e-12) + LEAST_VARIANCE
        scores = counts.log() - variances.log() / 2
        belongs = (scores.unsqueeze(-2) - squares / (2 * variances.unsqueeze(-2))).softmax(-1)
    lower = means.argmin(-1, keepdim=True).unsqueeze(-2)
    return belongs.gather(-1, lower.expand(*losses.shape, 1)).squeeze(-1)


def _means(values: Tensor, belongs: Tensor, before: Tensor) -> Tensor:
    """Of values [..., N, 1] that belong [..., N, 2] to one of two; `before` where nothing does: [..., 2]."""
    counts = belongs.sum(-2)
    return torch.where(counts > 0, (belongs * values).sum(-2) / counts.clamp(min=1e-12), before)

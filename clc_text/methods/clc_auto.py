"""CLC that needs no luck: on cross-fitted labels, beginning when the run itself says that it can."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from clc_text.config.components import option
from clc_text.methods.base import TrainingState, method
from clc_text.methods.clc import CLC
from clc_text.methods.criteria import entropy, share_of_maximum


@method("clc_auto")
@dataclass(frozen=True)
class CLCAuto(CLC):
    """`CLC` on labels that are distributions, with a warm-up that ends by itself.

    1. Cross-fitting (`clc_text.crossfit`) finds the noise matrix T, by networks that never saw the label y of the row
       that they judge. They and other such views of the row, of its words and features (`evidence.pool_of_views`),
       together believe p, and q takes the place of y: the mean of two posteriors, by noise of two kinds that the
       labels themselves tell apart, and by T with y half trusted (`clc_text.noise.estimation.targets`). A trainer that
       is given no other views has the networks alone. Where held-out labels say that the noise follows what the
       networks read, other networks learn through a noise matrix of each row, and q is the mean of this and of the
       posterior by such matrices, both of what is believed then (`crossfit.by_rows`); with people's answers they are
       found again by what all views believe of them.
    2. The warm-up trains on q. It ends when it has lasted as many epochs as the folds' held-out likelihood rose (of
       their second round, in which they learn at twice the rate, so that its networks know less), and the mean
       entropy of every peer, which becomes Γ, is below `unsure_share` of log C: measured on TREC, runs that began CLC
       above it collapsed to one class, and none below did. Where that never happens the run stays with plain training
       on q.
    3. From then on the paper's losses, with CE(q, ·) in the third term.

    Source: this project; the loss is the paper's (see `CLC`).
    """

    citation: ClassVar[str] = (
        "clc_text, on Wu et al., Collaborative Label Correction via Entropy Thresholding, ICDM 2019"
    )
    cross_fits: ClassVar[bool] = True

    warmup_epochs: int = option(0, "the warm-up's epochs at least; it ends by what the run sees", at_least=0)
    unsure_share: float = option(
        0.68, "the warm-up lasts while a peer's mean entropy is above this share of log C", at_least=0, at_most=1
    )
    folds: int = option(
        5, "networks of the cross-fitting, each blind to one part of the rows", at_least=2, at_most=1_000
    )
    fold_rounds: int | None = option(
        None,
        "rounds of the cross-fitting; more average over more networks; null: 2 where they read what a frozen "
        "pre-trained model made of the rows, else 3",
        at_least=2,
        at_most=1_000,
    )
    fold_epochs: int = option(20, "epochs of each round, at most", at_least=1)
    fold_patience: int = option(3, "rounds 1 and 2 end after so many epochs without a better likelihood", at_least=1)
    fold_epoch_rows: int | None = option(
        None, "rows of an epoch of the cross-fitting, at most, and others in the next; null: all rows", at_least=1
    )

    def warmed_up(self, state: TrainingState) -> bool:
        return state.epoch >= max(self.warmup_epochs, int(state.memory["cross_fit_epochs"]))

    def not_yet(self, log_probs: Tensor, state: TrainingState) -> str | None:
        doubts = entropy(log_probs).mean(-1).flatten()
        share = max(share_of_maximum(float(value), log_probs.shape[-1]) for value in doubts)
        if share < self.unsure_share:
            return None
        return f"the peers' mean entropy is {share:.0%} of log C, and CLC may begin below {self.unsure_share:.0%}"

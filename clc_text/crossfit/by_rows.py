"""Further rounds of cross-fitting, of networks that learn through a noise matrix of each row.

Networks that learn through the noise of the classes take what follows the rows for knowledge; through T(x)
(`noise.estimation.row_noise`) they take less of it. With instance-dependent noise 0.4 on TREC, GloVe, seeds 10 to 14,
70, 74, 78, 84 and 80 % of their posterior labels are right before, and 76, 82, 82, 85 and 83 after (further rounds
through the classes' noise: 71 for 70); of what all views together teach by T(x) 80, 86, 84, 86 and 85 for 77, 83, 82,
86 and 85. Repeating both, T(x) by what is believed then and two rounds more, adds nothing.

Networks gain less than their targets do, and not on each of these seeds, so what is taught is the mean of that and of
what is taught where noise follows the classes, both of what is believed then, by a T(x) that is fitted to it once more
(`recipes/results/real_noise.md`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from clc_text.artifacts.cross_fit import CrossFit
from clc_text.artifacts.run_files import CrossFitFacts, RoundFacts
from clc_text.crossfit.rounds import AfterEpoch, Round, Settings, in_words, mean_of, train_round
from clc_text.crossfit.seeds import seeds_of_rounds
from clc_text.data.beliefs import believed
from clc_text.data.best_classes import of_labels
from clc_text.data.folds import assign_folds
from clc_text.data.labels import Labels
from clc_text.methods.fold_forward import SMALLEST, FoldForward
from clc_text.noise.estimation.noise_fit import Explained, matrix_of
from clc_text.noise.estimation.row_noise import NoiseOfRows, sharpest, with_shares

if TYPE_CHECKING:
    from clc_text.training.trainer import PeersTrainer

ROUNDS = 2


def cross_fit_by_rows(
    fold_trainer: Callable[[FoldForward, int, AfterEpoch], PeersTrainer],
    found: CrossFit,
    labels: Labels,
    noise: NoiseOfRows,
    settings: Settings,
    seed: int,
    log: Callable[[str], None] = lambda _: None,
    firsts: np.ndarray | None = None,
) -> CrossFit:
    """What networks find that learn through T(x) from their first step.

    Args:
        fold_trainer: as `cross_fit` takes it.
        found: what `cross_fit` has found in the rows.
        labels: of the rows, of one given class each.
        noise: T(x).
        settings: of cross-fitting.
        seed: as `cross_fit` was given it; the rounds go on with its seeds.
        firsts: int64 [N], the first copy of each row; None: all rows differ.
    """
    given, columns = labels.learnt, noise.columns(labels.learnt)
    rounds: list[Round] = []
    dealt: list[np.ndarray] = []
    for number, (of_folds, of_networks) in enumerate(seeds_of_rounds(seed, settings.rounds + ROUNDS)[-ROUNDS:], 1):
        log(f"cross-fitting, round {number} of {ROUNDS} with noise that follows the rows: other networks again")
        dealt.append(assign_folds(labels.trained, settings.folds, of_folds, firsts))
        after = _AfterEpoch(torch.from_numpy(dealt[-1]), given, settings, columns, found.transition)
        rounds.append(train_round(fold_trainer, after, of_networks))
        log(in_words(rounds[-1]))
    likelihood, sharpness, probs = sharpest(mean_of(rounds), columns)
    probs = with_shares(probs, columns)
    posterior = believed(probs, columns)
    before: list[RoundFacts] = [{**one, "used": False} for one in found.facts["rounds"]]
    facts: CrossFitFacts = {
        **found.facts,
        "rate": float(1 - of_labels(posterior, labels.trained).mean()),
        "sharpness": sharpness,
        "log_likelihood": likelihood,
        "by_rows": True,
        "rounds": [*before, *(one.facts(given, True) for one in rounds)],
    }
    return replace(
        found, folds=np.concatenate([found.folds, np.stack(dealt)]), probs=probs, posterior=posterior, facts=facts,
        transition=matrix_of(posterior, given), of_rows=noise.matrices,
    )  # fmt: skip


class _AfterEpoch(AfterEpoch):
    """As `AfterEpoch`, where P(y | c, x) of each row is known and is not learnt."""

    def __init__(
        self, fold: torch.Tensor, labels: np.ndarray, settings: Settings, columns: np.ndarray, transition: np.ndarray
    ) -> None:
        super().__init__(fold, labels, settings, transition, known=True)
        self.columns = columns

    def on_train_begin(self, args: Any, state: Any, control: Any, **more: Any) -> None:
        super().on_train_begin(args, state, control, **more)
        self._remember("columns", torch.from_numpy(self.columns).float().clamp(min=SMALLEST).log())

    def _fit(self, log_probs: np.ndarray, rounds: int) -> Explained:
        assert self.transition is not None
        likelihood, sharpness, _ = sharpest(log_probs[self.looked_at], self.columns[self.looked_at])
        return Explained(likelihood, sharpness, self.transition)

"""Rounds of cross-fitting, and runs with neighbouring seeds, share no seed."""

from __future__ import annotations

from itertools import chain, combinations
from typing import Any

import numpy as np
import pytest

from clc_text.crossfit import cross_fit as module
from clc_text.crossfit.rounds import Round, Settings
from clc_text.crossfit.seeds import SCHEME, seeds_of_rounds
from clc_text.data.folds import assign_folds
from clc_text.data.labels import Labels
from clc_text.models.peers import peer_seeds
from clc_text.noise.estimation.noise_fit import fit_noise


def test_no_two_seeds_are_the_same() -> None:
    """Of 50 runs with eight rounds each: folds, networks, and the peers of the runs themselves."""
    of_rounds = [seeds_of_rounds(seed, 8) for seed in range(50)]
    drawn = [number for run in of_rounds for pair in run for number in pair]
    first_weights = [number for seed in range(50) for number in peer_seeds(seed, 2)]
    in_rounds = [number for run in of_rounds for _, networks in run for number in peer_seeds(networks, 5)]
    assert len(set(drawn) | set(range(50))) == 50 * 16 + 50
    assert len(set(chain(first_weights, in_rounds))) == 50 * 2 + 50 * 8 * 5
    assert all(0 <= number < 2**32 for number in drawn)  # as `transformers.set_seed` wants them


def test_a_round_more_leaves_the_others_as_they_are() -> None:
    assert seeds_of_rounds(3, 5)[:3] == seeds_of_rounds(3, 3)
    assert seeds_of_rounds(3, 3) == seeds_of_rounds(3, 3) != seeds_of_rounds(4, 3)


def test_no_round_deals_the_rows_as_that_of_another_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """What `cross_fit` hands to its networks, run by run: their folds, and the seeds that they begin with."""
    random = np.random.default_rng(0)
    given = random.integers(0, 3, 90)
    log_probs = np.log(0.1 + 0.7 * np.eye(3)[given])
    begun: list[tuple[int, tuple[int, ...]]] = []

    def train_round(fold_trainer: Any, after_epoch: Any, seed: int) -> Round:
        begun.append((seed, tuple(after_epoch.fold.tolist())))
        return Round(fit_noise(log_probs, given), log_probs, 1, 1)

    monkeypatch.setattr(module, "train_round", train_round)
    labels = Labels(given, given, None, np.zeros(90, bool))
    for seed in (0, 1, 2):
        found = module.cross_fit(lambda *_: None, labels, 3, Settings(), seed)  # type: ignore[arg-type,return-value]
        assert found.facts["seeds"] == SCHEME
        assert [tuple(fold) for fold in found.folds.tolist()] == [fold for _, fold in begun[-3:]]
    assert len(begun) == 9
    for (one, dealt), (other, dealt_there) in combinations(begun, 2):
        assert one != other and dealt != dealt_there
    # As it was: the second deal of run 0 is the first of run 1.
    assert np.array_equal(assign_folds(given, 5, 0 + 1), assign_folds(given, 5, 1 + 0))
    assert not {seed for seed, _ in begun} & {0, 1, 2}

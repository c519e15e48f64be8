"""The fit of votes against loops over rows and votes, and against noise that is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from drawn_votes import drawn_votes

from clc_text.data.votes import Votes
from clc_text.noise.estimation.noise_fit import shrunk
from clc_text.noise.votes.dawid_skene import dawid_skene
from clc_text.noise.votes.fit import LOOSE, ODDS, Rules, fit_votes
from clc_text.noise.votes.matrices import (
    ANCHOR,
    Shrinkage,
    counted,
    counted_by_others,
    log_likelihood,
    shrunk_matrices,
)


def entries(votes: Votes) -> list[tuple[int, int, int, float]]:
    return list(
        zip(votes.row.tolist(), votes.source.tolist(), votes.label.tolist(), votes.weight.tolist(), strict=True)
    )


def slow_matrices(counts: np.ndarray, shrinkage: Shrinkage) -> np.ndarray:
    """Cell by cell as the module's docstring says."""
    sources, classes, _ = counts.shape
    together = np.array([[sum(counts[:, c, k]) for k in range(classes)] for c in range(classes)])
    total = together.sum()
    pool = shrunk(together + np.diag([ANCHOR * total / classes] * classes))
    of_pool = sum(together[c, c] for c in range(classes)) / total
    found = np.empty_like(counts)
    for source in range(sources):
        right = sum(counts[source, c, c] for c in range(classes))
        accuracy = (right + shrinkage.accuracy * of_pool) / (counts[source].sum() + shrinkage.accuracy)
        for c in range(classes):
            errs = sum(pool[c, k] for k in range(classes) if k != c)
            share = min(errs * (1 - accuracy) / (1 - of_pool), 0.98)
            for k in range(classes):
                expected = 1 - share if k == c else share * pool[c, k] / errs
                said = counts[source, c].sum()
                found[source, c, k] = (counts[source, c, k] + shrinkage.row * expected) / (said + shrinkage.row)
    return found


def slow_fit(votes: Votes, log_probs: np.ndarray | None, rounds: int, trust: float = 1) -> np.ndarray:
    """q row by row and vote by vote; votes count for `trust` in the last round."""
    rows, classes, sources = votes.rows, votes.classes, len(votes.sources)
    said = entries(votes)
    counts = np.zeros((sources, classes, classes))
    for row, source, label, weight in said:
        if log_probs is None:
            belief = votes.majority[row]
        else:
            score = [log_probs[row, c] for c in range(classes)]
            for other, by, voted, much in said:
                if other == row and by != source:
                    score[voted] += math.log(ODDS) * much
            belief = np.exp(score) / np.exp(score).sum()
        counts[source, :, label] += weight * belief
    posterior = np.empty((rows, classes))
    matrices, shares = np.ones_like(counts), np.ones(classes)
    for number in range(rounds):
        if number:
            counts = np.zeros_like(counts)
            for row, source, label, weight in said:
                here = [(k, much) for other, by, k, much in said if (other, by) == (row, source)]
                likely = sum(much * matrices[source, :, k] for k, much in here)  # [C], of what it may be
                counts[source, :, label] += posterior[row] * weight * matrices[source, :, label] / likely
            even = 0.1 * rows / classes
            shares = posterior.sum(0) + even
            if log_probs is not None:
                shares = shares / (np.exp(log_probs).sum(0) + even)
        matrices = slow_matrices(counts, LOOSE)
        for row in range(rows):
            score = np.log(shares) + (0 if log_probs is None else log_probs[row])
            power = trust if number == rounds - 1 else 1
            for by in {source for other, source, _, _ in said if other == row}:
                here = [(k, much) for other, source, k, much in said if (other, source) == (row, by)]
                score = score + power * np.log(sum(much * matrices[by, :, k] for k, much in here))
            posterior[row] = np.exp(score - score.max())
            posterior[row] /= posterior[row].sum()
    return posterior


@pytest.mark.parametrize("with_classifier", [False, True])
def test_against_loops(with_classifier: bool) -> None:
    drawn = drawn_votes(40, [0.9, 0.6, 0.7, 0.5], 3, 0.6, seed=3)
    log_probs = drawn.log_probs if with_classifier else None
    found = fit_votes(drawn.votes, Rules.of(drawn.votes), log_probs, LOOSE, 4).posterior
    assert found == pytest.approx(slow_fit(drawn.votes, log_probs, 4), abs=1e-9)


def test_votes_that_are_half_trusted_against_loops() -> None:
    drawn = drawn_votes(40, [0.9, 0.6, 0.7, 0.5], 3, 0.6, seed=3)
    whole, half = (
        fit_votes(drawn.votes, Rules.of(drawn.votes), drawn.log_probs, LOOSE, 4, trust=trust) for trust in (1, 0.5)
    )
    assert half.posterior == pytest.approx(slow_fit(drawn.votes, drawn.log_probs, 4, 0.5), abs=1e-9)
    assert (half.matrices == whole.matrices).all()


def test_soft_votes_against_loops() -> None:
    random = np.random.default_rng(4)
    table = random.dirichlet(np.ones(3), (30, 4))
    table[random.random((30, 4)) < 0.3] = np.nan
    votes = Votes.of_table(table, 3)
    found = fit_votes(votes, Rules.of(votes), None, LOOSE, 3).posterior
    assert found == pytest.approx(slow_fit(votes, None, 3), abs=1e-9)


def test_counts_in_blocks_are_those_of_one(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = drawn_votes(50, [0.8, 0.6, 0.7], 3, 0.7)
    whole = counted_by_others(drawn.votes, drawn.log_probs, 3.0)
    monkeypatch.setattr("clc_text.data.votes._CELLS_AT_ONCE", 7 * 3)
    assert counted_by_others(drawn.votes, drawn.log_probs, 3.0) == pytest.approx(whole)
    assert whole.sum() == pytest.approx(len(drawn.votes))


def test_matrices_are_distributions_and_a_rare_source_is_like_the_pool() -> None:
    counts = counted(drawn_votes(200, [0.9, 0.9, 0.6], 3, 0.9).votes, np.eye(3)[np.zeros(200, int)])
    counts[2] /= 1e4
    found = shrunk_matrices(counts, LOOSE)
    assert found.sum(2) == pytest.approx(np.ones((3, 3)))
    together = counts.sum(0)
    pool = shrunk(together + ANCHOR * together.sum() / 3 * np.eye(3))
    assert found[2] == pytest.approx(pool, abs=0.01)


def test_known_noise_is_found() -> None:
    drawn = drawn_votes(3000, [0.95, 0.6, 0.8, 0.7, 0.5], 3, 0.8, seed=5)
    found = fit_votes(drawn.votes, Rules.of(drawn.votes), drawn.log_probs)
    assert np.abs(found.matrices - drawn.matrices).max() < 0.08
    right = (found.posterior.argmax(1) == drawn.true).mean()
    assert right > (drawn.votes.majority.argmax(1) == drawn.true).mean() + 0.03
    best = log_likelihood(drawn.votes, drawn.matrices) + drawn.log_probs
    assert right > (best.argmax(1) == drawn.true).mean() - 0.01


def test_one_vote_a_row_without_a_classifier_stays() -> None:
    random = np.random.default_rng(6)
    source, label = random.integers(0, 50, 600), (random.random(600) < 0.6).astype(np.int64)
    votes = Votes.of(np.arange(600), source, label, 600, [str(one) for one in range(50)], 2)
    assert (fit_votes(votes, Rules.of(votes)).posterior.argmax(1) == label).all()


def test_dawid_skene_finds_known_noise() -> None:
    drawn = drawn_votes(3000, [0.95, 0.6, 0.8, 0.7, 0.5], 3, 0.8, seed=7)
    found = dawid_skene(drawn.votes)
    assert np.abs(found.matrices - drawn.matrices).max() < 0.08
    assert found.posterior.sum(1) == pytest.approx(np.ones(3000))

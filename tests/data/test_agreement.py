"""How far sources agree, against loops over pairs of votes."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import beta

from clc_text.data.agreement import (
    accuracies,
    agreement_with_others,
    alpha_in_words,
    krippendorff_alpha,
    votes_facts,
)
from clc_text.data.votes import Votes


def drawn(rows: int = 30, sources: int = 4, classes: int = 3, seed: int = 0) -> np.ndarray:
    random = np.random.default_rng(seed)
    true = random.integers(0, classes, (rows, 1))
    said = np.where(random.random((rows, sources)) < 0.6, true, random.integers(0, classes, (rows, sources)))
    return np.where(random.random((rows, sources)) < 0.7, said, -1)


def test_alpha_pair_by_pair() -> None:
    """Do: disagreeing ordered pairs of a row, each row's over its votes less one; De: pairs of all values."""
    table = drawn()
    observed, values = 0.0, []
    for row in table:
        said = row[row >= 0].tolist()
        if len(said) > 1:
            values += said
            observed += sum(a != b for i, a in enumerate(said) for j, b in enumerate(said) if i != j) / (len(said) - 1)
    n = len(values)
    expected = sum(a != b for i, a in enumerate(values) for j, b in enumerate(values) if i != j) / (n - 1)
    assert krippendorff_alpha(Votes.of_table(table, 3)) == pytest.approx(1 - observed / expected)


def test_alpha_of_krippendorffs_own_example() -> None:
    """Part B of the source: two observers, ten units, values 0 and 1; alpha is 0.095."""
    first, second = [0, 1, 0, 0, 0, 0, 0, 0, 1, 0], [1, 1, 1, 0, 0, 1, 0, 0, 0, 0]
    found = krippendorff_alpha(Votes.of_table(np.array([first, second]).T, 2))
    assert found == pytest.approx(0.095, abs=5e-4)


def test_alpha_without_pairs_is_not_known() -> None:
    assert krippendorff_alpha(Votes.of_table(np.array([[0, -1], [-1, 1]]), 2)) is None
    assert krippendorff_alpha(Votes.of_table(np.array([[1, 1], [1, 1]]), 2)) is None


def test_agreement_vote_by_vote() -> None:
    table = drawn(seed=1)
    found = agreement_with_others(Votes.of_table(table, 3))
    for source in range(table.shape[1]):
        agrees = []
        for row in table:
            others = [said for other, said in enumerate(row) if other != source and said >= 0]
            if row[source] >= 0 and others:
                counts = np.bincount(others, minlength=3)
                best = counts == counts.max()
                agrees.append(best[row[source]] / best.sum())
        assert found[source] == pytest.approx(np.mean(agrees))


def test_accuracy_and_its_interval() -> None:
    votes = Votes.of_table(np.array([[0], [0], [1], [-1]]), 2)
    belief = np.array([[0.9, 0.1], [0.4, 0.6], [0.5, 0.5], [1.0, 0.0]])
    share, low, high = accuracies(votes, belief)[0]
    assert share == pytest.approx((0.9 + 0.4 + 0.5) / 3)
    assert (low, high) == pytest.approx((beta.ppf(0.025, 2.3, 1.7), beta.ppf(0.975, 2.3, 1.7)))


def test_facts() -> None:
    found = votes_facts(Votes.of_table(np.array([[0, -1], [1, 1], [1, -1]]), 2, ["a", "b"]))
    assert found["rows_by_votes"] == {"1": 2, "2": 1}
    assert [source["votes"] for source in found["sources"]] == [3, 1]
    assert [source["agreement"] for source in found["sources"]] == [1.0, 1.0]


def test_a_distribution_is_one_vote(monkeypatch: pytest.MonkeyPatch) -> None:
    """None of it is what others say; and no block of votes is cut through one."""
    table = np.full((3, 2, 2), np.nan)
    table[:, 0] = [[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]]
    table[:2, 1] = [[1.0, 0.0], [1.0, 0.0]]
    votes = Votes.of_table(table, 2)
    found = agreement_with_others(votes)
    assert found == pytest.approx([(0.9 + 0.2) / 2, 0.5])
    for size in (2, 4, 6):
        monkeypatch.setattr("clc_text.data.votes._CELLS_AT_ONCE", size)
        assert agreement_with_others(votes) == pytest.approx(found)
        assert sum(len(row) for _, row, _ in votes.blocks()) == 5


def test_alpha_of_probabilities_is_that_of_their_likeliest_classes() -> None:
    """By shares, a source that is never sure would disagree with itself: all agree here, and alpha is 1."""
    said = np.random.default_rng(0).integers(0, 3, 50)
    soft = np.full((50, 2, 3), 0.2)
    soft[np.arange(50), :, said] = 0.6
    votes = Votes.of_table(soft, 3)
    assert krippendorff_alpha(votes) == pytest.approx(1)
    facts = votes_facts(votes)
    assert facts["soft"] == 100 and "likeliest classes (100 labels" in alpha_in_words(facts["alpha"], facts["soft"])
    hard = Votes.of_table(np.stack([said, said], 1), 3)
    assert votes_facts(hard)["soft"] == 0 and hard.likeliest is hard
    one = votes.likeliest
    for name in ("row", "source", "label", "weight"):
        assert (getattr(one, name) == getattr(hard, name)).all()
    assert alpha_in_words(None, 0) == "no row has two" and alpha_in_words(0.5, 0) == "Krippendorff's alpha 0.500"

from __future__ import annotations

import numpy as np
import pytest
from refusals import refused

from clc_text.noise.canaries import after_flips, apportion, before_flips, plant


def labels(count: int = 1000, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).choice(5, size=count, p=[0.5, 0.3, 0.15, 0.05, 0.0])


@pytest.mark.parametrize("share", [0.0, 0.0001, 0.01, 0.02, 0.0333, 0.2])
@pytest.mark.parametrize("count", [1, 7, 1000])
def test_as_many_as_asked_all_wrong_and_spread_over_the_classes(share: float, count: int) -> None:
    given = labels(count)
    before = given.copy()
    trained, canary = plant(given, share, seed=3, num_classes=5)
    assert trained.dtype == np.int64
    assert canary.dtype == bool
    np.testing.assert_array_equal(given, before)
    expected = max(1, round(share * count)) if share > 0 else 0
    assert canary.sum() == expected
    np.testing.assert_array_equal(trained != given, canary)
    assert trained.min() >= 0
    assert trained.max() < 5
    for given_class in range(5):
        quota = expected * (given == given_class).sum() / count
        assert abs(canary[given == given_class].sum() - quota) < 1


def test_every_other_class_is_as_likely() -> None:
    """20,000 flips of class 2 to four others: 5,000 each, give or take 5 sd of 61."""
    given = np.full(100_000, 2)
    trained, canary = plant(given, 0.2, seed=1, num_classes=5)
    counts = np.bincount(trained[canary], minlength=5)
    assert counts[2] == 0
    assert np.abs(np.delete(counts, 2) - 5000).max() < 306


def test_every_row_is_as_likely() -> None:
    """200 draws of 20 of 100 rows: each row 40 times, give or take 5 sd of 5.7."""
    times = sum(plant(np.zeros(100, np.int64), 0.2, seed, 2)[1].astype(int) for seed in range(200))
    assert np.abs(times - 40).max() < 29


def test_seed_decides() -> None:
    given = labels()
    first, again, other = (plant(given, 0.02, seed, 5) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first[0], again[0])
    assert (first[1] != other[1]).any()


def test_largest_remainders_by_hand() -> None:
    """10 seats over 50, 33, 17: exact 5, 3.3, 1.7; the seat left over goes to the largest remainder, 0.7."""
    assert apportion(np.array([50, 33, 17]), 10).tolist() == [5, 3, 2]
    assert apportion(np.array([0, 1, 0]), 1).tolist() == [0, 1, 0]


@pytest.mark.parametrize("share", [-0.01, 0.21, float("nan")])
def test_share_out_of_range(share: float) -> None:
    with refused(key="canaries"):
        plant(labels(), share, 0, 5)


def test_nothing_to_flip() -> None:
    with refused(key="canaries"):
        plant(np.zeros(5, np.int64), 0.1, 0, 1)
    with refused(key="canaries"):
        plant(np.zeros(0, np.int64), 0.1, 0, 2)
    assert plant(np.zeros(5, np.int64), 0, 0, 1)[0].tolist() == [0] * 5


def test_the_noise_before_the_flips_is_found_from_that_after_them() -> None:
    transition = np.random.default_rng(0).dirichlet(np.ones(4), 4)
    trained, canary = plant(np.repeat(np.arange(4), 50_000), 0.1, seed=1, num_classes=4)
    flips = np.stack(
        [np.bincount(trained[part : part + 50_000], minlength=4) / 50_000 for part in range(0, 200_000, 50_000)]
    )
    assert np.allclose(before_flips(transition @ flips, canary.mean()), transition, atol=0.01)
    assert np.allclose(after_flips(transition, canary.mean()), transition @ flips, atol=0.01)
    assert np.allclose(before_flips(after_flips(transition, 0.1), 0.1), transition)
    less = before_flips(np.eye(4), 0.1)  # less noise than the flips alone make: a matrix all the same
    assert (less >= 0).all() and np.allclose(less.sum(1), 1)


def test_without_copies_the_choice_is_what_it_always_was() -> None:
    given = labels()
    for one, other in zip(plant(given, 0.02, 3, 5), plant(given, 0.02, 3, 5, np.arange(1000)), strict=True):
        np.testing.assert_array_equal(one, other)
    assert np.flatnonzero(plant(np.arange(40) % 4, 0.1, 0, 4)[1]).tolist() == [7, 29, 30, 32]


def test_a_row_with_a_copy_is_no_canary_where_there_are_others() -> None:
    """Its copy would show the label before the flip."""
    given = labels()
    before = plant(given, 0.02, 3, 5)[1]
    first = np.arange(1000)
    canary = int(np.flatnonzero(before)[4])
    twin = next(row for row in range(1000) if row > canary and given[row] == given[canary] and not before[row])
    first[twin] = canary
    after = plant(given, 0.02, 3, 5, first)[1]
    assert not after[canary] and not after[twin]
    assert after.sum() == before.sum() and (before & after).sum() == before.sum() - 1


def test_where_every_row_has_copies_all_of_a_row_are_flipped() -> None:
    given, first = np.tile(labels(), 3), np.tile(np.arange(1000), 3)
    trained, canary = plant(given, 0.1, 3, 5, first)
    assert (canary == canary[first]).all() and (trained == trained[first]).all()
    assert 300 <= canary.sum() <= 300 + 2 * 5


def test_no_class_loses_half_of_its_rows_to_copies_that_are_flipped_together() -> None:
    for groups, flipped in ((1, 0), (2, 0), (3, 100)):  # a class of 300 rows, 5 to be flipped, of one text or a few
        given = np.repeat([0, 1], [300, 700])
        first = np.arange(1000)
        first[:300] = np.arange(300) // (300 // groups) * (300 // groups)
        canary = plant(given, 0.0167, 0, 2, first)[1]
        assert canary[:300].sum() == flipped and canary[300:].sum() == 12
    assert not plant(np.zeros(10, np.int64), 0.1, 0, 3, np.zeros(10, np.int64))[1].any()


def test_of_a_class_full_of_copies_the_canaries_are_no_strangers() -> None:
    """Two classes with few texts, each given many times; what is given as one of them without a copy is mostly a slip
    from a class of many texts."""
    random = np.random.default_rng(0)
    true = random.integers(4, size=20_000)
    text = np.where(
        true < 2, random.integers(10**9, size=len(true)), true * 10**9 + random.integers(1_000, size=len(true))
    )
    given = np.where(random.random(len(true)) < 0.15, (true + random.integers(1, 4, len(true))) % 4, true)
    _, begins, group = np.unique(text, return_index=True, return_inverse=True)
    first = begins[group]
    alone = np.bincount(first, minlength=len(first))[first] == 1
    wrong = given != true
    assert wrong[alone & (given > 1)].mean() > 0.5 > 0.2 > wrong.mean()
    canaries = [plant(given, 0.05, seed, 4, first)[1] for seed in range(20)]
    assert abs(np.mean([wrong[canary].mean() for canary in canaries]) - wrong.mean()) < 0.02
    for canary in canaries:
        assert (canary == canary[first]).all()
        assert abs(canary.sum() - 1000) < 40
        assert alone[canary & (given < 2)].mean() > 0.9  # a text of many others is taken alone
    few = plant(given, 0.0004, 0, 4, first)[1]
    assert few.sum() == 8 and alone[few].all()  # no two of them are one text

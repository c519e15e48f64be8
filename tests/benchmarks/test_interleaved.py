"""What the interleaved benchmark says of slices whose times are made up."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest
import torch

from benchmarks.interleaved import Over, Ratio, in_turns, interleave, ratio
from benchmarks.matrix_products import products_of, replay


class Machine:
    """A machine with a neighbour that comes and goes: the wall's clock runs on while it computes, and its caches slow
    this process's own time a little."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.cpu = self.wall = 0.0
        self.busy = 1.0

    def clock(self) -> tuple[float, float]:
        return self.cpu, self.wall

    def works(self, cost: float) -> Iterator[None]:
        while True:
            if self.random.random() < 0.1:
                self.busy = self.random.choice([1.0, 2.0, 5.0])
            took = cost * (1 + 0.05 * (self.busy - 1)) * self.random.lognormvariate(0, 0.02)
            self.cpu += took
            self.wall += took * self.busy * self.random.lognormvariate(0, 0.05)
            yield


def measured(costs: dict[str, float], seed: int, rounds: int = 21) -> tuple[Ratio, Ratio]:
    """How many times as fast as `other` the contestant `own` is, by the processor's time and by the wall's."""
    machine = Machine(seed)
    _, slices = interleave({name: machine.works(cost) for name, cost in costs.items()}, rounds, machine.clock)
    own, other = slices["own"], slices["other"]
    cpu = ratio([one.cpu for one in own], [one.cpu for one in other])
    return cpu, ratio([one.wall for one in own], [one.wall for one in other])


@pytest.mark.parametrize("seed", range(5))
def test_double_work_is_told_on_both_clocks(seed: int) -> None:
    for found in measured({"own": 2.0, "third": 3.0, "other": 1.0}, seed):
        assert found.verdict(0.9) == "fails" and found.low <= 0.5 * 1.3 and found.high >= 0.5 / 1.3
    for found in measured({"own": 1.0, "third": 3.0, "other": 2.0}, seed):
        assert found.verdict(1.0) == "holds"


def test_equals_cannot_be_told_apart_and_are_close() -> None:
    found = [measured({"own": 1.0, "third": 3.0, "other": 1.0}, seed)[0] for seed in range(40)]
    told = sum(one.verdict(1.0) != "cannot tell" for one in found)
    assert told <= 6, "an interval of 95 % leaves out the truth in one of twenty"
    assert all(0.95 < one.median < 1.05 for one in found)
    assert {one.verdict(0.9) for one in found} == {"holds"}


def test_an_interval_has_its_confidence_and_needs_enough_rounds() -> None:
    ones = [1.0] * 5
    assert ratio(ones, ones) == Ratio(1.0, 0.0, float("inf"))
    assert ratio(ones, ones).verdict(0.5) == "cannot tell"
    six = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]
    assert ratio([1.0] * 6, six) == Ratio(3.5, 1.0, 6.0)  # 2 / 2^6 = 0.031 is left out, and 14 / 2^6 would be
    assert ratio([1.0] * 9, [*six, 7.0, 8.0, 9.0]) == Ratio(5.0, 2.0, 8.0)


def test_turns_alternate_and_preparations_and_warm_up_do_not_count() -> None:
    order: list[str] = []
    now = 0.0

    def works(name: str) -> Iterator[None]:
        nonlocal now
        for cost in (100.0, 50.0, *[1.0] * 4):
            order.append(name)
            now += cost
            yield

    start, found = interleave({name: works(name) for name in "abc"}, 4, lambda: (now, now))
    assert {one.cpu for one in start.values()} == {100.0}
    assert {one.wall for slices in found.values() for one in slices} == {1.0}
    turns = ["".join(order[at : at + 3]) for at in range(0, 18, 3)]
    assert len(set(turns)) > 2 and all(sorted(turn) == ["a", "b", "c"] for turn in turns)
    for first, second in ("ab", "bc", "ac"):
        before = sum(turn.index(first) < turn.index(second) for turn in turns)
        assert 2 <= before <= 4, "neither is always the first of two"


def test_a_training_stands_still_between_its_turns() -> None:
    done: list[int] = []
    ended: list[bool] = []

    def train(pause) -> None:
        try:
            for number in range(100):
                pause()
                done.append(number)
        except Over:
            ended.append(True)
            raise

    turns = in_turns(train)
    next(turns)
    assert done == []
    next(turns)
    next(turns)
    assert done == [0, 1]
    turns.close()
    assert ended == [True] and done == [0, 1]


def test_what_goes_wrong_in_a_training_is_raised() -> None:
    def fails(pause) -> None:
        pause()
        raise ValueError("no")

    turns = in_turns(fails)
    next(turns)
    with pytest.raises(ValueError, match="no"):
        next(turns)
    with pytest.raises(RuntimeError, match="ended before"):
        next(in_turns(lambda pause: None))


def test_the_bound_has_every_product_forward_and_backward() -> None:
    layers = torch.nn.Sequential(torch.nn.Linear(5, 4), torch.nn.ReLU(), torch.nn.Linear(4, 3))
    inputs = torch.randn(7, 5)
    products = products_of(lambda: layers(inputs).sum().backward())
    shapes = sorted(tuple(tuple(one.shape) for one in args if one.dim() == 2) for _, args, _ in products)
    # two forwards, two for the weights, one for what the first layer gave: nobody asks for the inputs' gradient
    assert shapes == sorted([((7, 5), (5, 4)), ((7, 4), (4, 3)), ((3, 7), (7, 4)), ((7, 3), (3, 4)), ((4, 7), (7, 5))])
    replay(products)

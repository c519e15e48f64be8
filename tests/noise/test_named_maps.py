"""The maps of asymmetric noise that are known by a name, against their definitions."""

from __future__ import annotations

import numpy as np
import pytest

from clc_text.data.cifar100 import CLASSES, SUPERCLASSES
from clc_text.noise.asymmetric import NAMED_MAPS, Asymmetric
from clc_text.vision.datasets.cifar import CIFAR10_CLASSES


def test_cifar10() -> None:
    matrix = Asymmetric(map="cifar10", rate=0.45).matrix(CIFAR10_CLASSES)
    wrong = {(CIFAR10_CLASSES[i], CIFAR10_CLASSES[j]) for i, j in np.argwhere(matrix > 0) if i != j}
    assert wrong == {
        ("truck", "automobile"), ("bird", "airplane"), ("deer", "horse"), ("cat", "dog"), ("dog", "cat"),
    }  # fmt: skip
    assert np.allclose(matrix.diagonal(), [1, 1, 0.55, 0.55, 0.55, 0.55, 1, 1, 1, 0.55])


def test_the_superclasses_part_the_classes() -> None:
    assert len(SUPERCLASSES) == 20
    assert all(len(group) == 5 for group in SUPERCLASSES.values())
    assert len(CLASSES) == 100 and len(set(CLASSES)) == 100
    assert [CLASSES[number] for number in (0, 26, 48, 58, 99)] == [
        "apple",
        "crab",
        "motorcycle",
        "pickup_truck",
        "worm",
    ]


def test_cifar100_superclass() -> None:
    """Each class goes to the next higher number of its superclass, the highest to the lowest."""
    matrix = Asymmetric(map="cifar100_superclass", rate=0.2).matrix(CLASSES)
    for group in SUPERCLASSES.values():
        numbers = sorted(CLASSES.index(name) for name in group)
        for at, number in enumerate(numbers):
            expected = np.zeros(100)
            expected[number], expected[numbers[(at + 1) % 5]] = 0.8, 0.2
            assert np.allclose(matrix[number], expected)


def test_cifar100_blocks() -> None:
    """5 k + j goes to 5 k + (j + 1) mod 5."""
    matrix = Asymmetric(map="cifar100_blocks", rate=0.45).matrix(CLASSES)
    for number in range(100):
        expected = np.zeros(100)
        expected[number], expected[number - number % 5 + (number + 1) % 5] = 0.55, 0.45
        assert np.allclose(matrix[number], expected)


def test_the_two_conventions_differ() -> None:
    assert NAMED_MAPS["cifar100_superclass"] != NAMED_MAPS["cifar100_blocks"]
    assert NAMED_MAPS["cifar100_superclass"]["apple"] == "mushroom"
    assert NAMED_MAPS["cifar100_blocks"]["apple"] == "aquarium_fish"


@pytest.mark.parametrize("name", sorted(NAMED_MAPS))
def test_every_target_is_hit_by_its_class_alone(name: str) -> None:
    pairs = NAMED_MAPS[name]
    assert len(set(pairs.values())) == len(pairs)
    assert all(source != target for source, target in pairs.items())

"""Which class of CIFAR-100 is mistaken for which: two conventions that the literature calls by one name."""

from __future__ import annotations

from collections.abc import Sequence

# The twenty superclasses of CIFAR-100 (Krizhevsky 2009), the classes of each by their number, which is alphabetical.
SUPERCLASSES: dict[str, list[str]] = {
    "aquatic_mammals": ["beaver", "dolphin", "otter", "seal", "whale"],
    "fish": ["aquarium_fish", "flatfish", "ray", "shark", "trout"],
    "flowers": ["orchid", "poppy", "rose", "sunflower", "tulip"],
    "food_containers": ["bottle", "bowl", "can", "cup", "plate"],
    "fruit_and_vegetables": ["apple", "mushroom", "orange", "pear", "sweet_pepper"],
    "household_electrical_devices": ["clock", "keyboard", "lamp", "telephone", "television"],
    "household_furniture": ["bed", "chair", "couch", "table", "wardrobe"],
    "insects": ["bee", "beetle", "butterfly", "caterpillar", "cockroach"],
    "large_carnivores": ["bear", "leopard", "lion", "tiger", "wolf"],
    "large_man-made_outdoor_things": ["bridge", "castle", "house", "road", "skyscraper"],
    "large_natural_outdoor_scenes": ["cloud", "forest", "mountain", "plain", "sea"],
    "large_omnivores_and_herbivores": ["camel", "cattle", "chimpanzee", "elephant", "kangaroo"],
    "medium_mammals": ["fox", "porcupine", "possum", "raccoon", "skunk"],
    "non-insect_invertebrates": ["crab", "lobster", "snail", "spider", "worm"],
    "people": ["baby", "boy", "girl", "man", "woman"],
    "reptiles": ["crocodile", "dinosaur", "lizard", "snake", "turtle"],
    "small_mammals": ["hamster", "mouse", "rabbit", "shrew", "squirrel"],
    "trees": ["maple_tree", "oak_tree", "palm_tree", "pine_tree", "willow_tree"],
    "vehicles_1": ["bicycle", "bus", "motorcycle", "pickup_truck", "train"],
    "vehicles_2": ["lawn_mower", "rocket", "streetcar", "tank", "tractor"],
}
CLASSES: list[str] = sorted(name for group in SUPERCLASSES.values() for name in group)


def circle(groups: Sequence[Sequence[str]]) -> dict[str, str]:
    """Every class to the next one of its group, the last to the first."""
    return {name: group[(at + 1) % len(group)] for group in groups for at, name in enumerate(group)}


def superclass_circle() -> dict[str, str]:
    """The next class in the circle of its superclass, as Patrini et al. 2017 describe it."""
    return circle(list(SUPERCLASSES.values()))


def block_circle() -> dict[str, str]:
    """The next class in its block of five consecutive numbers, which are not the superclasses: what codes often do."""
    return circle([CLASSES[start : start + 5] for start in range(0, len(CLASSES), 5)])

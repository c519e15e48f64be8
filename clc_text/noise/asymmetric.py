"""Asymmetric noise: named classes are mistaken for named others, the rest is clean."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from clc_text.config.components import option
from clc_text.errors import InputError, nearest
from clc_text.noise.base import RatedNoise, noise
from clc_text.noise.cifar100 import block_circle, superclass_circle

# Maps that the literature refers to by a dataset's name; a recipe writes `map: cifar10`.
NAMED_MAPS: dict[str, dict[str, str]] = {
    "cifar10": {  # Patrini et al. 2017
        "truck": "automobile",
        "bird": "airplane",
        "deer": "horse",
        "cat": "dog",
        "dog": "cat",
    },
    "cifar100_superclass": superclass_circle(),
    "cifar100_blocks": block_circle(),
}


@noise("asymmetric")
@dataclass(frozen=True, kw_only=True)
class Asymmetric(RatedNoise):
    """r from each class of the map to the class it is mapped to; all other classes keep their labels.

    So the rate over all rows is r times the share of the mapped classes. With `draw: exact`, exactly
    int(r * rows of the mapped classes) of those rows are flipped.
    """

    map: dict[str, str] | str = option(
        help="which class is mistaken for which, by their names (`cat: dog`), or the name of a known map (`cifar10`)"
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if isinstance(self.map, str) and self.map not in NAMED_MAPS:
            raise InputError(
                f"noise.map is '{self.map}', and there is no such map{nearest(self.map, NAMED_MAPS)}", key="noise.map"
            )
        if not self.map:
            raise InputError(
                "noise.map is empty; write at least one `class: class it is mistaken for`", key="noise.map"
            )

    def matrix(self, label_names: list[str]) -> np.ndarray:
        transition = np.eye(len(label_names))
        for source, target in self.named_map().items():
            for name in (source, target):
                if name not in label_names:
                    raise InputError(
                        f"noise.map names the class '{name}', which is none{nearest(name, label_names)}",
                        key="noise.map",
                    )
            if source == target:
                raise InputError(
                    f"noise.map maps the class '{source}' to itself; leave it out to keep it clean", key="noise.map"
                )
            row = label_names.index(source)
            transition[row, row] = 1 - self.rate
            transition[row, label_names.index(target)] = self.rate
        return transition

    def named_map(self) -> dict[str, str]:
        """Class name -> class name."""
        return NAMED_MAPS[self.map] if isinstance(self.map, str) else self.map

    def convention(self, label_names: list[str]) -> str:
        pairs = ", ".join(f"'{source}' to '{target}'" for source, target in self.named_map().items())
        return f"Asymmetric: a label goes with probability {self.rate} from {pairs}; the other classes are clean."

"""What an image dataset is: a dataclass of options with a `load`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from clc_text.components import Options, Registry, option
from clc_text.task import Task
from clc_text.where import Place


@dataclass(frozen=True)
class ImageDataset(Options, ABC):
    """Base of all image datasets; the fields of a subclass are what a recipe's `data:` section may set.

    The input column of the task is an `Image` feature: encoded images, in the rows themselves or as files beside them.
    """

    section: ClassVar[str] = "data"
    name: ClassVar[str]

    rows: int | None = option(None, "training rows to draw, of each class as many; null: all", at_least=1)
    test_rows: int | None = option(None, "test rows to draw, of each class as many; null: all", at_least=1)

    @abstractmethod
    def load(self, seed: int) -> Task:
        """Reads the rows.

        Args:
            seed: the recipe's data seed, for what is drawn (`rows`, `test_rows`).

        Raises:
            InputError: a file is missing, damaged or not what its name says.
        """

    def places(self) -> list[Place]:
        """Where the rows are looked for, in order."""
        return []


dataset: Registry[ImageDataset] = Registry("dataset", "clc_text.vision.datasets")

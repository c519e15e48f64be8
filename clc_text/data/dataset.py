"""What a dataset is, of texts or of images: a dataclass of options with a `load`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from clc_text.config.components import Options
from clc_text.data.task import Task
from clc_text.data.where import Place


@dataclass(frozen=True)
class Dataset(Options, ABC):
    """Base of all datasets; the fields of a subclass are what a recipe's `data:` section may set.

    Attributes:
        default_encoder: of recipes that name none; "": what their modality has.
    """

    section: ClassVar[str] = "data"
    name: ClassVar[str]
    default_encoder: ClassVar[str] = ""

    @abstractmethod
    def load(self, seed: int) -> Task:
        """Reads the rows.

        Args:
            seed: the recipe's data seed, for what is drawn (a held-out part, a sample, a generated corpus).

        Raises:
            InputError: a file is missing, empty, damaged, wrongly encoded, or holds labels that make no task.
        """

    def places(self) -> list[Place]:
        """Where the rows are looked for, in order; nothing for a dataset that the package makes itself."""
        return []

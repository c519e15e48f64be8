"""What a text dataset is: a dataclass of options with a `load`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from clc_text.components import Options, Registry
from clc_text.task import Task
from clc_text.where import Place


@dataclass(frozen=True)
class TextDataset(Options, ABC):
    """Base of all text datasets; the fields of a subclass are what a recipe's `data:` section may set."""

    section: ClassVar[str] = "data"
    name: ClassVar[str]
    default_encoder: ClassVar[str] = "word_vectors"  # of recipes that name none

    @abstractmethod
    def load(self, seed: int) -> Task:
        """Reads the rows.

        Args:
            seed: the recipe's data seed, for what is drawn (a held-out part, a generated corpus).

        Raises:
            InputError: a file is missing, empty, truncated, wrongly encoded, or holds labels that make no task.
        """

    def places(self) -> list[Place]:
        """Where the rows are looked for, in order; nothing for a dataset that the package makes itself."""
        return []


dataset: Registry[TextDataset] = Registry("dataset", "clc_text.text.datasets")

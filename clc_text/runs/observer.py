"""Who wants to know how a run is going."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from clc_text.artifacts.run_files import Environment, Epoch
from clc_text.config.recipe import Recipe
from clc_text.training.notices import Notice


class Observer(Protocol):
    """Who wants to know how a run is going, such as a progress bar."""

    def stage(self, sentence: str) -> None:
        """A new part of the work begins."""

    def begins(self, recipe: Recipe, environment: Environment, manifest: Mapping[str, Any], done: int) -> None:
        """Training begins; `done` epochs were completed before."""

    def epoch(self, entry: Epoch, notices: list[Notice]) -> None:
        """An epoch has ended; `entry` is its line of metrics.jsonl."""


class Silent:
    """An observer that does not look."""

    def stage(self, sentence: str) -> None: ...

    def begins(self, recipe: Recipe, environment: Environment, manifest: Mapping[str, Any], done: int) -> None: ...

    def epoch(self, entry: Epoch, notices: list[Notice]) -> None: ...

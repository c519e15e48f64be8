"""A sweep of two tiny recipes."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import pytest

from clc_text.utils import workers


@pytest.fixture
def tiny_sweep(tiny_recipe: Path) -> Path:
    """Eight cells: two recipes, two variants, two seeds."""
    text = tiny_recipe.read_text()
    (tiny_recipe.parent / "other.yaml").write_text(text.replace("symmetric", "pairwise"))
    path = tiny_recipe.parent / "sweep.yaml"
    path.write_text(
        "recipes: [tiny.yaml, other.yaml]\n"
        "seeds: [3, 5]\n"
        "set: {keep_data: false, training.epochs: 3}\n"
        "variants:\n"
        "  plain: {method.name: standard}\n"
        "  clc: {method.alpha: 0.2}\n"
    )
    return path


class Forks:
    """What `in_processes` needs of a multiprocessing context, by forks of this process, which has imported all."""

    context = multiprocessing.get_context("fork")

    def Pipe(self) -> tuple[Connection, Connection]:
        self.ours, theirs = self.context.Pipe()
        return self.ours, theirs

    def Process(self, target: Callable[..., Any], args: tuple[Any, ...], daemon: bool) -> BaseProcess:
        return self.context.Process(target=self.begin, args=(self.ours, target, *args), daemon=daemon)

    @staticmethod
    def begin(ours: Connection, target: Callable[..., Any], *args: Any) -> None:
        ours.close()  # a spawned process does not have it; while it is open, the pipe does not end
        target(*args)


@pytest.fixture
def warm_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    """One worker at a time that is there at once, where a new Python imports for many seconds."""
    monkeypatch.setattr(workers.multiprocessing, "get_context", lambda method: Forks())

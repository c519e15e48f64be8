"""Functions in processes forked from this one: a new Python would import everything anew, which takes seconds."""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any


class Forked:
    """A process under way that calls a function, and the file that it prints into."""

    def __init__(self, output: Path, function: Callable[..., Any], *arguments: Any) -> None:
        self.output = output
        self.process = multiprocessing.get_context("fork").Process(
            target=_call, args=(output, function, arguments), daemon=True
        )
        self.process.start()

    def printed(self) -> str:
        """All that it printed, when it has ended well."""
        self.process.join()
        text = self.output.read_text(encoding="utf-8")
        assert self.process.exitcode == 0, text[-3000:]
        return text


def _call(output: Path, function: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    handle = open(output, "w", encoding="utf-8")  # noqa: SIM115 - until the process ends
    for descriptor in (1, 2):
        os.dup2(handle.fileno(), descriptor)
    sys.stdout = sys.stderr = handle
    function(*arguments)
    handle.flush()

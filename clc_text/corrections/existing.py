"""The corrected dataset of a run directory, for commands that need one."""

from __future__ import annotations

from pathlib import Path

from clc_text.artifacts.run_directory import RunDirectory
from clc_text.corrections.store import Corrected, has_corrected


def corrected_in(run: Path) -> Corrected:
    """The corrected dataset of a run.

    Raises:
        InputError: there is none. Of a run that has not ended `correct` would make none either, so that is said first.
    """
    directory = RunDirectory(run)
    if not has_corrected(directory):
        directory.result()
    return Corrected(directory)

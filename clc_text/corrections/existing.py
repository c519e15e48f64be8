"""The corrected dataset of a run directory, for commands that need one."""

from __future__ import annotations

import shlex
from pathlib import Path

from clc_text.artifacts.run_directory import RunDirectory
from clc_text.corrections.store import Corrected, has_corrected, materialise_if_small
from clc_text.utils.shown import echo


def corrected_in(run: Path) -> Corrected:
    """The corrected dataset of a run.

    Raises:
        InputError: there is none. Of a run that has not ended `correct` would make none either, so that is said first.
    """
    directory = RunDirectory(run)
    if not has_corrected(directory):
        directory.result()
    corrected = Corrected(directory)
    if corrected.torn:
        echo(
            f"{corrected.path}: the last step was not written to its end when the machine stopped ({corrected.torn:,} "
            "bytes); it is left out, and may be done again",
            err=True,
        )
    return corrected


def say_where_the_labels_are(run: Path) -> None:
    """After a step: a small dataset is written at once, and of a large one people are told when that will be."""
    directory = RunDirectory(run)
    if not materialise_if_small(directory):
        echo(
            f"{directory.file('corrected')} is written when it is read next, or by: clc-text export "
            f"{shlex.quote(str(run))} --format dataset"
        )

"""What a run that is still going, or was cut short, does not have yet: in sentences, for whoever looks at it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from clc_text.artifacts.run_directory import RunDirectory
from clc_text.errors import InputError


def epochs_planned(run: RunDirectory) -> int | None:
    """The number of epochs that the recipe asks for."""
    training = run.recipe().get("training") or {}
    epochs = training.get("epochs")
    return int(epochs) if isinstance(epochs, int) else None


def not_ended(run: RunDirectory, called: str | None = None) -> str | None:
    """One sentence, without its full stop, if the run has not ended; otherwise None.

    Args:
        called: what the sentence calls the run; its path without it.
    """
    if run.complete:
        return None
    done = run.metrics()[-1]["epoch"] if run.file("metrics.jsonl").is_file() and run.metrics() else 0
    planned = epochs_planned(run)
    of = f" of {planned}" if planned else ""
    return f"{called or run.path} has not ended: {done}{of} epochs so far (it is still going, or was cut short)"


def newest_checkpoint(run: RunDirectory) -> Path | None:
    """The folder of the newest checkpoint that was written to its end; None without any."""
    folders = [path.parent for path in run.file("checkpoints").glob("checkpoint-*/complete.json")]
    return max(folders, key=lambda folder: int(folder.name.removeprefix("checkpoint-")), default=None)


def begun(runs: Sequence[RunDirectory]) -> tuple[list[RunDirectory], list[str]]:
    """The runs in which an epoch has ended, each only once, and sentences about those left out.

    Raises:
        InputError: none is left.
    """
    kept: list[RunDirectory] = []
    remarks: list[str] = []
    seen: dict[str, RunDirectory] = {}
    for run in runs:
        if not run.file("metrics.jsonl").is_file() or not run.metrics():
            remarks.append(f"{run.path} is left out: no epoch has ended yet")
        elif run.run_id in seen:
            remarks.append(f"{run.path} is left out: it repeats {seen[run.run_id].path} (recipe, seeds and data)")
        else:
            seen[run.run_id] = run
            kept.append(run)
    if not kept:
        raise InputError(f"there is nothing to show: {'; '.join(remarks) or 'no run directory was given'}")
    return kept, remarks

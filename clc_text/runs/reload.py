"""The rows of a run whose directory does not keep them: read again from where they came from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import Any

from clc_text.artifacts.run_directory import RunDirectory
from clc_text.corrections.source import SourceRows, from_dataset, kept_rows
from clc_text.data.labels import sha256_of_labels
from clc_text.data.task import Task
from clc_text.errors import InputError
from clc_text.runs.load import load_task


def source_rows(run: RunDirectory) -> SourceRows:
    """The run's training rows: those that it keeps, otherwise the dataset of its recipe, if that is still the same.

    Raises:
        InputError: the kept rows, or the dataset's files, are not those that the run was trained on.
    """
    kept = kept_rows(run)
    if kept is not None:
        return kept
    recipe = run.typed_recipe()
    task = load_task(recipe)
    check_sources(run, task)
    return from_dataset(task.train)


def check_sources(run: RunDirectory, task: Task) -> None:
    """Refuses rows of the recipe that are no longer those that the run was trained on.

    Raises:
        InputError: one of their files has changed, or the labels that they give.
    """
    recorded: Sequence[Mapping[str, Any]] = run.environment()["sources"]
    sources = list(task.sources)
    nothing: Mapping[str, Any] = {}
    # By their places: the files of training and test rows may share a name, which is all that is recorded of a path.
    for number, (before, now) in enumerate(zip_longest(recorded, sources, fillvalue=nothing), start=1):
        if any(before.get(key) != now.get(key) for key in ("path", "sha256")):
            name = before.get("path") or now.get("path")
            files = max(len(recorded), len(sources))
            of = f" (file {number} of {files})" if files > 1 else ""
            raise InputError(
                f"{name}{of} has changed since {run.path} was trained on it (its sha256 is not the recorded one); "
                "bring the file back or train again",
                where=run.path,
                key=name,
            )
    # Not all that rows come from is a file with a recorded sha256.
    labels = run.noise_manifest().get("sha256", {}).get("true_labels")
    if labels is not None and labels != sha256_of_labels(task.given_labels):
        raise InputError(
            f"the data of {run.path} gives other labels than when it was trained; bring the data back or train again",
            where=run.path,
            key="labels",
        )

"""The rows of a run whose directory does not keep them: read again from where they came from."""

from __future__ import annotations

from clc_text.corrections.source import SourceRows, from_dataset, kept_rows
from clc_text.errors import InputError
from clc_text.recipe import load
from clc_text.run_directory import RunDirectory
from clc_text.task import Task


def source_rows(run: RunDirectory) -> SourceRows:
    """The run's training rows: those that it keeps, otherwise the dataset of its recipe, if that is still the same.

    Raises:
        InputError: the kept rows, or the dataset's files, are not those that the run was trained on.
    """
    kept = kept_rows(run)
    if kept is not None:
        return kept
    recipe = load(run.file("recipe.yaml"))
    task = recipe.data.load(recipe.seeds.data)
    check_sources(run, task)
    return from_dataset(task.train)


def check_sources(run: RunDirectory, task: Task) -> None:
    """Refuses files of the recipe that are no longer those that the run was trained on.

    Raises:
        InputError: one of them has changed.
    """
    recorded = {source["path"]: source.get("sha256") for source in run.environment()["sources"]}
    found = {source["path"]: source.get("sha256") for source in task.sources}
    for path in recorded.keys() | found.keys():
        if recorded.get(path) != found.get(path):
            raise InputError(
                f"{path} has changed since {run.path} was trained on it (its sha256 is not the recorded one); bring "
                "the file back or train again"
            )

"""The data of a recipe, read."""

from __future__ import annotations

from pathlib import Path

from clc_text.config.recipe import Recipe
from clc_text.corrections.store import materialise_at
from clc_text.data.task import Task
from clc_text.utils.files import expanded


def load_task(recipe: Recipe) -> Task:
    """Where the rows are a run's corrected dataset, that is first written as its labels are now."""
    for place in recipe.data.places():
        if place.path:
            materialise_at(Path(expanded(place.path)))
    task: Task = recipe.data.load(recipe.seeds.data)
    return task

"""The recipe of a run as it may be passed on: without the folders of this machine."""

from __future__ import annotations

from clc_text.artifacts.folders import without_folders
from clc_text.artifacts.run_directory import RunDirectory
from clc_text.utils.printable_yaml import printable_yaml


def public_recipe(run: RunDirectory) -> str:
    """The recipe's YAML; of a path only its last part, which is all that another machine could use."""
    recipe = run.recipe()
    for section, options in recipe.items():
        if isinstance(options, dict):
            recipe[section] = without_folders(options)
    return printable_yaml(recipe, width=110) + "\n"

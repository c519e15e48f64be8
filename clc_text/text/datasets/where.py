"""Which places a text dataset looks in."""

from __future__ import annotations

import dataclasses
from typing import Any

from clc_text.data.where import Place
from clc_text.errors import InputError


def places(name: str, **options: Any) -> list[Place]:
    """Where the dataset `name` is looked for, in the order in which it looks.

    Args:
        name: a dataset's name.
        options: the dataset's options, as a recipe's `data:` section sets them.

    Raises:
        InputError: there is no such dataset, or one of its files must be named and is not.
    """
    from clc_text.text.datasets.base import dataset

    part = dataset.get(name)
    for field in dataclasses.fields(part):
        required = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        if required and field.name not in options:
            raise InputError(
                f"the dataset '{name}' reads what the recipe names: say data.{field.name}", key=f"data.{field.name}"
            )
    return part(**options).places()

"""Where datasets are looked for, whatever their modality."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from clc_text.errors import InputError

DATA_VARIABLE = "CLC_TEXT_DATA"
NO_DOWNLOAD = "`recipes/quickstart.yaml` needs no download"


class Place(NamedTuple):
    """One place a dataset looks in; `what` says what must lie there."""

    path: str
    found: bool
    what: str


def data_folder(name: str) -> Path | None:
    """``$CLC_TEXT_DATA/name``, or None when the variable is not set."""
    root = os.environ.get(DATA_VARIABLE)
    return Path(root).expanduser() / name if root else None


def unset_folder(name: str, what: str) -> list[Place]:
    """The folder that `data_folder` would give, as a place that cannot be, while the variable is not set."""
    if os.environ.get(DATA_VARIABLE):
        return []
    return [Place(f"${DATA_VARIABLE}/{name} (the variable is not set)", False, what)]


def nothing_found(title: str, looked: Iterable[Place]) -> InputError:
    """The sentence for a dataset of which no copy is found."""
    places = "; ".join(f"{place.what} in {place.path}" for place in looked)
    return InputError(f"{title} is missing; looked for {places}; {NO_DOWNLOAD}", key=title)

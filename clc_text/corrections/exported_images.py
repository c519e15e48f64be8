"""Images of exported rows, as files that a person can open beside the table."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

Draw = Callable[[Any, str, Path], None]
"""Writes an image, so called in messages, to a .png file."""


def is_image(feature: Any) -> bool:
    """Whether a column of a dataset holds images."""
    return type(feature).__name__ == "Image"


def are_images(values: Sequence[Any]) -> bool:
    return all(isinstance(value, dict) and {"bytes", "path"} <= value.keys() for value in values)


def written_beside(images: Sequence[Any], rows: np.ndarray, table: Path, draw: Draw) -> list[str]:
    """What the table calls each image: the path of its own file, or of a .png drawn here, as seen from it.

    Args:
        images: ``{"bytes", "path"}``, as a dataset holds them.
        rows: their row numbers.
    """
    folder = table.with_name(f"{table.stem}_images")
    here = table.parent.resolve()
    names = []
    for image, row in zip(images, rows.tolist(), strict=True):
        if image["bytes"] is None:
            names.append(_seen_from(here, image["path"]))
            continue
        name = f"row-{row:06d}.png"
        draw(image, f"the image of row {row}", folder / name)
        names.append(f"{folder.name}/{name}")
    return names


def _seen_from(folder: Path, path: str) -> str:
    """The path of a file as seen from a folder."""
    file = Path(path).resolve()
    try:
        return Path(os.path.relpath(file, folder)).as_posix()
    except ValueError:  # on Windows there is no way from one drive to another
        return str(file)

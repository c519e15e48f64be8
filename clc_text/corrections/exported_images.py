"""Images of exported rows, as files that a person can open beside the table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from clc_text.files import write_with


def are_images(values: Sequence[Any]) -> bool:
    return all(isinstance(value, dict) and {"bytes", "path"} <= value.keys() for value in values)


def written_beside(images: Sequence[Any], rows: np.ndarray, table: Path) -> list[str]:
    """What the table calls each image: the path of its own file, or of a PNG that is written here, seen from it.

    Args:
        images: ``{"bytes", "path"}``, as a dataset holds them.
        rows: their row numbers.

    Raises:
        InputError: an image is unreadable.
    """
    folder = table.with_name(f"{table.stem}_images")
    return [_name(image, int(row), folder) for image, row in zip(images, rows, strict=True)]


def _name(image: dict[str, Any], row: int, folder: Path) -> str:
    if image["bytes"] is None:
        return str(image["path"])
    from PIL import Image

    from clc_text.vision.images import decode

    # Drawn anew: the bytes are the source's, and may be anything.
    picture = Image.fromarray(decode(image, f"the image of row {row}", None))
    name = f"row-{row:06d}.png"
    write_with(folder / name, lambda aside: picture.save(aside, "PNG"))
    return f"{folder.name}/{name}"

"""One image of a dataset as a file that a person can open."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from clc_text.utils.files import write_with
from clc_text.vision.images import decode


def write_png(image: Any, where: str, path: Path) -> None:
    """Draws the image anew: its bytes are the source's, and may be anything.

    Args:
        where: what a message calls it.

    Raises:
        InputError: it is no readable image.
    """
    from PIL import Image

    picture = Image.fromarray(decode(image, where, None))
    write_with(path, lambda aside: picture.save(aside, "PNG"))

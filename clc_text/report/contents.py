"""What the listed rows hold: texts, cut so that the page stays small, or thumbnails of images."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from clc_text.artifacts.run_directory import RunDirectory
from clc_text.corrections.source import TRAIN_FILE, asked_of, kept_rows, values_of
from clc_text.errors import InputError
from clc_text.report.page import json_in_html
from clc_text.utils.shown import printable, printable_lines

TEXT_LENGTHS = (4000, 2000, 1000, 700, 500, 350, 250, 180, 120, 80)
THUMBNAIL = 96  # pixels of the longer side, at most
MOST_THUMBNAILS = 1500
SMALL = 48  # pixels up to which an image is kept without loss


@dataclass(frozen=True)
class Contents:
    """One entry a listed row.

    Attributes:
        texts: printable, with their lines; None where the rows are not texts.
        images: data URIs, None for a row without one; None where the rows are not images.
        remark: what is left out, as a sentence; empty if nothing is.
    """

    texts: list[str] | None = None
    images: list[str | None] | None = None
    remark: str = ""


def read_contents(run: RunDirectory, rows: np.ndarray, budget: int) -> Contents:
    """Reads the rows' inputs from the run directory.

    Args:
        rows: int [n], row numbers.
        budget: bytes that they may take on the page.
    """
    if not len(rows):
        return Contents()
    values = _values(run, rows)
    if values is None:
        return Contents(remark="The run keeps no rows (`keep_data: false`), so they are listed by their numbers only.")
    contents = contents_of(values, budget, THUMBNAIL)
    if contents.texts is None and contents.images is None:
        column = printable(run.environment()["input_column"])
        return Contents(remark=f"The rows' '{column}' is neither text nor image; see their numbers.")
    return contents


def contents_of(values: Sequence[Any], budget: int, side: int) -> Contents:
    """Of texts or images as a dataset holds them; neither texts nor images of anything else.

    Args:
        budget: bytes that they may take on the page.
        side: pixels of an image's longer side, at most.
    """
    if isinstance(values[0], str):
        return _texts(values, budget)
    if isinstance(values[0], dict) and "bytes" in values[0]:
        return _images(values, budget, side)
    return Contents()


def _values(run: RunDirectory, rows: np.ndarray) -> list[Any] | None:
    from clc_text.corrections.store import Corrected

    if kept_rows(run) is not None:
        return asked_of(values_of([run.file(TRAIN_FILE)], run.environment()["input_column"], rows), rows, run.asked)
    if run.file("corrected/corrected.json").is_file():
        return Corrected(run).inputs(rows)
    return None


def _texts(values: Sequence[Any], budget: int) -> Contents:
    texts = [str(value) for value in values]
    for length in TEXT_LENGTHS:
        cut = [text if len(text) <= length else text[: length - 1] + "…" for text in texts]
        if len(json_in_html(cut).encode()) <= budget:
            break
    shortened = sum(len(text) > length for text in texts)
    told = "1 text is" if shortened == 1 else f"{shortened:,} texts are"
    remark = f"{told} cut after {length:,} letters, so search finds the beginning only."
    return Contents(texts=[printable_lines(text) for text in cut], remark=remark if shortened else "")


def _images(values: Sequence[Any], budget: int, side: int) -> Contents:
    """Thumbnails of the first rows, as many as fit."""
    images: list[str | None] = []
    unreadable = 0
    for value in values[:MOST_THUMBNAILS]:
        try:
            thumbnail = _thumbnail(value, side)
        except InputError:
            unreadable += 1
            images.append(None)
            continue
        budget -= len(thumbnail)
        if budget < 0:
            break
        images.append(thumbnail)
    remarks = []
    if len(images) < len(values):
        remarks.append(
            f"The first {len(images):,} of {len(values):,} rows have thumbnails, so that the page stays small."
        )
    if unreadable:
        remarks.append(f"{unreadable:,} images could not be read: their files are elsewhere or gone.")
    return Contents(images=images + [None] * (len(values) - len(images)), remark=" ".join(remarks))


def _thumbnail(value: Any, side: int) -> str:
    """A data URI; small images keep their pixels, larger ones are scaled down.

    Raises:
        InputError: it is no readable image.
    """
    from PIL import Image

    from clc_text.vision.images import decode

    picture = Image.fromarray(decode(value, "an image", None))
    buffer = io.BytesIO()
    if max(picture.size) <= SMALL:
        picture.save(buffer, "PNG", optimize=True)
        kind = "png"
    else:
        picture.thumbnail((side, side))
        picture.save(buffer, "JPEG", quality=80)
        kind = "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(buffer.getvalue()).decode()}"

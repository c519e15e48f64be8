"""Images as tensors: decoded once into memory, or each time they are asked for."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from clc_text.errors import InputError

if TYPE_CHECKING:
    from PIL.Image import Image


def undecoded(images: Sequence[Any]) -> Sequence[Any]:
    """A column of a `datasets.Dataset` without the decoding that it would do row by row; anything else as it is."""
    import datasets

    if not isinstance(images, datasets.arrow_dataset.Column) or not isinstance(images.source, datasets.Dataset):
        return images
    rows = images.source.select_columns([images.column_name])
    return rows.cast_column(images.column_name, datasets.Image(decode=False))[images.column_name]


def decode(value: Any, where: str, size: int | None) -> np.ndarray:
    """uint8 [H, W, 3]: one image in RGB, upright, its shorter side scaled to `size` and the middle square kept.

    Args:
        value: encoded bytes, a path, ``{"bytes", "path"}``, a PIL image, or uint8 [H, W] or [H, W, 3].
        where: what a message calls the image.
        size: None keeps the image as large as it is.

    Raises:
        InputError: it is no readable image.
    """
    from PIL import Image, ImageOps, UnidentifiedImageError

    try:
        picture = _opened(value)
        picture = ImageOps.exif_transpose(picture).convert("RGB")
    except (OSError, UnidentifiedImageError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        named = value.get("path") if isinstance(value, dict) else value if isinstance(value, (str, Path)) else None
        reason = (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
        raise InputError(
            f"{where}{f' ({named})' if named else ''} is no readable image: {reason}; replace it, or take it off the "
            "list",
            where=where,
        ) from None
    if size is not None and picture.size != (size, size):
        scale = size / min(picture.size)
        width, height = (max(size, round(side * scale)) for side in picture.size)
        picture = picture.resize((width, height), Image.Resampling.BILINEAR)
        left, top = (width - size) // 2, (height - size) // 2
        picture = picture.crop((left, top, left + size, top + size))
    return np.array(picture, dtype=np.uint8)


def _opened(value: Any) -> Image:
    from PIL import Image

    if isinstance(value, dict):
        value = value["bytes"] if value.get("bytes") is not None else value.get("path")
    if isinstance(value, Image.Image):
        return value
    if isinstance(value, np.ndarray):
        return Image.fromarray(value)
    if isinstance(value, bytes):
        return Image.open(io.BytesIO(value))
    if isinstance(value, (str, Path)):
        return Image.open(value)
    raise ValueError(f"it is {type(value).__name__}, not an image, a path or encoded bytes")


def numbered_among_all(error: InputError, before: int) -> InputError:
    """What is said of an image of a part, said of it among all; the part comes after so many others."""

    def among_all(told: str) -> str:
        return re.sub(r"^image (\d+)", lambda number: f"image {before + int(number[1])}", told)

    return InputError(
        among_all(str(error)),
        where=None if error.where is None else among_all(error.where),
        key=error.key,
        row=None if error.row is None else error.row + before,
    )


def decode_all(images: Sequence[Any], size: int | None) -> Tensor:
    """uint8 [N, 3, H, W].

    Raises:
        InputError: an image is not readable, or the images differ in size and `size` is None.
    """
    raw = undecoded(images)
    pixels: Tensor | None = None
    for row, value in enumerate(raw):
        image = torch.from_numpy(decode(value, f"image {row + 1}", size)).permute(2, 0, 1)
        if pixels is None:
            pixels = torch.empty((len(raw), *image.shape), dtype=torch.uint8)
        if pixels.shape[1:] != image.shape:
            raise InputError(
                f"image {row + 1} has {image.shape[2]} x {image.shape[1]} pixels and the first {pixels.shape[3]} x "
                f"{pixels.shape[2]}; set encoder.size to bring all to one size",
                key="encoder.size",
                row=row + 1,
            )
        pixels[row] = image
    if pixels is None:
        raise InputError("there are no images", key="images")
    return pixels


class LazyImages:
    """Images that stay encoded, or in their files, until they are asked for: a tensor's indexing, little memory.

    What is indexed is decoded by several threads, or by one inside a worker of a `DataLoader`, where each batch has a
    process to itself.

    Args:
        images: a column of images, or paths.
        size: see `decode`; every image must come out as large as the others.
    """

    dtype = torch.uint8

    def __init__(self, images: Sequence[Any], size: int) -> None:
        self._raw = undecoded(images)
        self.size = size

    def __len__(self) -> int:
        return len(self._raw)

    @property
    def shape(self) -> torch.Size:
        return torch.Size((len(self), 3, self.size, self.size))

    def __getitem__(self, index: slice | Tensor | Sequence[int]) -> Tensor:
        rows = list(range(len(self))[index]) if isinstance(index, slice) else [int(row) for row in index]
        values = [self._raw[row] for row in rows]

        def one(at: int) -> np.ndarray:
            return decode(values[at], f"image {rows[at] + 1}", self.size)

        if torch.utils.data.get_worker_info() is not None or len(rows) < 8:
            arrays = [one(at) for at in range(len(rows))]
        else:
            with ThreadPoolExecutor(min(16, os.cpu_count() or 1)) as pool:
                arrays = list(pool.map(one, range(len(rows))))
        if not arrays:
            return torch.empty((0, 3, self.size, self.size), dtype=torch.uint8)
        return torch.from_numpy(np.stack(arrays)).permute(0, 3, 1, 2).contiguous()

    def flatten(self, start_dim: int = 0) -> Tensor:
        raise InputError(
            "noise that looks at the images needs them all in memory; set encoder.in_memory=true, or a smaller "
            "encoder.size",
            key="encoder.in_memory",
        )

"""Images as bytes, normalised and augmented only when a network reads them."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d

from clc_text.config.components import option
from clc_text.errors import InputError
from clc_text.models.encoder import Encoder, FittedEncoder
from clc_text.utils.files import write_json
from clc_text.utils.memory import check_memory
from clc_text.vision.augmentation import Augmentation
from clc_text.vision.encoders.base import encoder
from clc_text.vision.images import LazyImages, decode, decode_all, undecoded

BLOCK = 512  # images whose colours are averaged at once
GRID = 8
MEMORY = 2 << 30  # bytes of decoded images that `in_memory: null` takes to be little


class FittedPixels(FittedEncoder):
    """Images of one size as bytes.

    Args:
        size: side of the square that images are brought to; None: they have one size already.
        in_memory: decode all images once; None: where they need at most 2 GiB.
        augmentation: what training does to them.
    """

    def __init__(self, size: int | None, in_memory: bool | None, augmentation: Augmentation) -> None:
        self.size, self.in_memory, self.augmentation = size, in_memory, augmentation
        self.facts: dict[str, Any] = {}

    def encode(self, images: Sequence[Any]) -> dict[str, Any]:
        """``pixels``: uint8 [N, 3, H, W], or a `LazyImages` of that shape."""
        if not len(images):
            raise InputError("there are no images", key="images")
        if self.in_memory is True or (self.in_memory is None and self._bytes(images) <= MEMORY):
            lower = "encoder.size, or leave out encoder.in_memory"
            check_memory(self._bytes(images), f"{len(images):,} decoded images", lower)
            return {"pixels": decode_all(images, self.size)}
        if self.size is None:
            raise InputError(
                "images that are decoded when they are needed must have one size; set encoder.size", key="encoder.size"
            )
        return {"pixels": LazyImages(images, self.size)}

    def frozen(self, images: Sequence[Any]) -> Tensor:
        """The mean colours of a grid of `GRID` × `GRID` parts, -1 … 1."""
        pixels = self.encode(images)["pixels"]
        blocks = [pixels[start : start + BLOCK].float() for start in range(0, len(pixels), BLOCK)]
        return torch.cat([adaptive_avg_pool2d(block / 127.5 - 1, GRID).flatten(1) for block in blocks])

    def _bytes(self, images: Sequence[Any]) -> int:
        side = self.size
        first = decode(undecoded(images)[0], "image 1", None).size if side is None else 3 * side * side
        return len(images) * int(first)

    def augment(self, inputs: dict[str, Tensor], rows: Tensor, epoch: int) -> dict[str, Tensor]:
        return {**inputs, "pixels": self.augmentation(inputs["pixels"], rows, epoch)}

    def save(self, directory: Path) -> None:
        write_json(
            directory / "encoder.json",
            {
                "encoder": "pixels",
                "size": self.size,
                "in_memory": self.in_memory,
                "augmentation": dataclasses.asdict(self.augmentation),
            },
        )

    @classmethod
    def load(cls, directory: Path) -> FittedPixels:
        path = directory / "encoder.json"
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
            augmentation = Augmentation(**values["augmentation"])
            return cls(values["size"], values["in_memory"], augmentation)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(
                f"{path} is missing or was changed after the run wrote it ({error})", where=path
            ) from None


@encoder("pixels")
@dataclass(frozen=True)
class Pixels(Encoder):
    """The images themselves, as bytes; crop, flip and jitter are drawn from (seed, epoch, row) while training.

    Two steps bring images of any size to a network: `size` scales the shorter side and keeps the middle square, `crop`
    cuts a random square out of that for training. In evaluation the network cuts the middle (`network.image_size`).
    """

    size: int | None = option(
        None,
        "scale the shorter side to so many pixels, keep the middle square; null: as it is",
        at_least=1,
        at_most=16_384,
    )
    crop: int | None = option(
        None, "side of the random square that training cuts out; null: all of the image", at_least=1, at_most=16_384
    )
    pad: int = option(
        0, "black pixels at each side before the random crop (4 is usual for CIFAR)", at_least=0, at_most=16_384
    )
    flip: bool = option(False, "mirror half of the training images")
    jitter: float = option(
        0.0,
        "brightness, contrast and saturation change by up to this share while training",
        at_least=0,
        below=1,
        give="a share in [0, 1)",
    )
    in_memory: bool | None = option(None, "decode all images once; null: where they need at most 2 GiB")

    fitted = FittedPixels

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.crop and self.size and self.crop > self.size + 2 * self.pad:
            raise InputError(
                f"encoder.crop is {self.crop}, but the images have {self.size + 2 * self.pad} pixels",
                key="encoder.crop",
            )

    def fit(self, train: Sequence[Any], test: Sequence[Any], seed: int) -> FittedPixels:
        fitted = FittedPixels(
            self.size, self.in_memory, Augmentation(self.pad, self.crop, self.flip, self.jitter, seed)
        )
        if self.size is None and len(train):
            height, width, _ = decode(undecoded(train)[0], "image 1", None).shape
            if self.crop and self.crop > min(height, width) + 2 * self.pad:
                raise InputError(
                    f"encoder.crop is {self.crop}, but the images have {width} x {height} pixels and encoder.pad is "
                    f"{self.pad}; lower it",
                    key="encoder.crop",
                )
            fitted.facts["image_size"] = f"{width} x {height}"
        else:
            fitted.facts["image_size"] = f"{self.size} x {self.size}"
        return fitted

"""What an image dataset is: a dataset of which so many rows may be drawn."""

from __future__ import annotations

from dataclasses import dataclass

from clc_text.config.components import Registry, option
from clc_text.data.dataset import Dataset


@dataclass(frozen=True)
class ImageDataset(Dataset):
    """Base of all image datasets; the fields of a subclass are what a recipe's `data:` section may set.

    The input column of the task is an `Image` feature: encoded images, in the rows themselves or as files beside them.
    """

    rows: int | None = option(None, "training rows to draw, of each class as many; null: all", at_least=1)
    test_rows: int | None = option(None, "test rows to draw, of each class as many; null: all", at_least=1)


dataset: Registry[ImageDataset] = Registry("dataset", "clc_text.vision.datasets")

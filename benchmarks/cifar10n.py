"""Labels that people got wrong, of which every true one is known: CIFAR-10N (Wei et al. 2022) on frozen features.

What others there are have a true label of a few hundred test rows alone, which leaves several points to chance; here
10,000 test rows have one, and every training row. The features stand for those of a pre-trained encoder: a small
convolutional network learns them on 20,000 other images with their true labels (77 % of the test images right), and no
set holds any of these. Needs CLC_TEXT_DATA; making the features takes some ten minutes of one core, once.
"""

from __future__ import annotations

import io
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

# One person's labels (17 % wrong), the worst of three (41 %), the majority of three (9 %).
COLUMNS = {"one person": "random_label1", "worst of three": "worse_label", "majority": "aggre_label"}
PEOPLE = ("random_label1", "random_label2", "random_label3")
ROWS = 10_000  # of a set, drawn by its seed
JUDGED = 30_000  # the first so many images are in sets; the features are learnt on the others
EPOCHS, BATCH, RATE = 16, 100, 6e-3


@dataclass(frozen=True)
class Images:
    """Features float32 [N, D], people's labels int64 [N] by their column in the source, true classes [N], and the test
    images' features and true classes."""

    features: np.ndarray
    said: dict[str, np.ndarray]
    true: np.ndarray
    test_features: np.ndarray
    test: np.ndarray


def images(seed: int, kept: Path) -> Images:
    """
    Args:
        seed: draws `ROWS` images.
        kept: the folder in which features are kept.
    """
    import pyarrow.parquet as parquet

    train, test, tested = features(kept)
    drawn = np.sort(np.random.default_rng(seed).permutation(JUDGED)[:ROWS])
    table = parquet.read_table(_folder() / "cifar10n_human_labels.parquet").to_pydict()
    said = {name: np.array(values)[drawn].astype(np.int64) for name, values in table.items()}
    return Images(train[drawn], said, said.pop("clean_label"), test, tested)


def features(kept: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """float32 [JUDGED, D] and [10000, D] of training and test images, int64 [10000] true classes of the latter."""
    path = kept / "cnn-cifar10.npz"
    if not path.is_file():
        made = _learnt()
        kept.mkdir(parents=True, exist_ok=True)
        np.savez(path, train=made["train"], test=made["test"], tested=made["tested"])
    found = np.load(path, allow_pickle=False)
    return found["train"], found["test"], found["tested"]


def _folder() -> Path:
    return Path(os.environ["CLC_TEXT_DATA"]) / "cifar10"


def _images(names: list[str]) -> tuple[np.ndarray, np.ndarray]:
    import pyarrow.parquet as parquet
    from PIL import Image

    images, labels = [], []
    for name in names:
        table = parquet.read_table(_folder() / name)
        images += [np.asarray(Image.open(io.BytesIO(one["bytes"])).convert("RGB")) for one in table["img"].to_pylist()]
        labels += table["label"].to_pylist()
    return np.stack(images), np.array(labels)


def _learnt() -> dict[str, np.ndarray]:
    import torch
    from torch import nn

    torch.manual_seed(0)
    random = np.random.default_rng(0)
    train, labels = _images([f"train-0000{part}-of-00002.parquet" for part in (0, 1)])
    test, tested = _images(["test-00000-of-00001.parquet"])

    def pixels(images: np.ndarray) -> Any:
        scaled = (images.astype(np.float32) / 255 - (0.491, 0.482, 0.447)) / (0.247, 0.243, 0.262)
        return torch.from_numpy(scaled.astype(np.float32)).permute(0, 3, 1, 2).contiguous()

    def block(inputs: int, outputs: int) -> nn.Sequential:
        return nn.Sequential(nn.Conv2d(inputs, outputs, 3, 1, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU())

    body = nn.Sequential(
        block(3, 24), nn.MaxPool2d(2), block(24, 48), block(48, 96), nn.MaxPool2d(2), block(96, 192), nn.MaxPool2d(2),
        block(192, 192), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
    )  # fmt: skip
    network = nn.Sequential(body, nn.Linear(192, 10))
    seen, told = pixels(train[JUDGED:]), torch.from_numpy(labels[JUDGED:])
    optimizer = torch.optim.AdamW(network.parameters(), weight_decay=0.05)
    steps = EPOCHS * (len(seen) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=steps)
    for _ in range(EPOCHS):
        order = torch.randperm(len(seen))[: len(seen) // BATCH * BATCH]
        for batch in order.view(-1, BATCH):
            images = seen[batch]
            mirrored = torch.rand(BATCH) < 0.5
            images[mirrored] = images[mirrored].flip(3)
            down, right = random.integers(0, 9, 2)
            images = nn.functional.pad(images, (4, 4, 4, 4), mode="reflect")[..., down : down + 32, right : right + 32]
            loss = nn.functional.cross_entropy(network(images), told[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()

    def encoded(images: np.ndarray) -> np.ndarray:
        network.eval()
        with torch.no_grad():
            parts = [body(pixels(images[first : first + 500])) for first in range(0, len(images), 500)]
        return torch.cat(parts).numpy()

    return {"train": encoded(train[:JUDGED]), "test": encoded(test), "tested": tested}

"""Augmentation against a slow reference, row by row with Python's own integers."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from clc_text.vision.augmentation import Augmentation
from clc_text.vision.keyed_random import uniforms

M = 2**64


def mix(z: int) -> int:
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 % M
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB % M
    return z ^ (z >> 31)


def reference_uniform(seed: int, epoch: int, row: int, draw: int) -> float:
    key = mix((mix(seed) + epoch) % M) ^ mix(row)
    return (mix((key + (draw + 1) * 0x9E3779B97F4A7C15) % M) >> 40) / 2**24


@pytest.mark.parametrize(("seed", "epoch"), [(0, 0), (1, 7), (4294967295, 199)])
def test_the_numbers_are_those_of_the_formula(seed: int, epoch: int) -> None:
    rows = torch.tensor([0, 1, 2, 49_999, 1_000_000])
    found = uniforms(seed, epoch, rows, 6)
    expected = [[reference_uniform(seed, epoch, int(row), draw) for draw in range(6)] for row in rows]
    assert torch.equal(found, torch.tensor(expected, dtype=torch.float32))


def test_the_numbers_are_even_and_do_not_go_together() -> None:
    found = torch.cat([uniforms(0, epoch, torch.arange(5000), 6) for epoch in range(4)]).double()
    counts = torch.stack([torch.histc(found[:, j], 10, 0, 1) for j in range(6)])
    assert ((counts - 2000).abs() < 5 * math.sqrt(2000)).all()
    assert (np.corrcoef(found.T.numpy()) - np.eye(6)).__abs__().max() < 0.04
    one, next_row = uniforms(0, 0, torch.arange(5000), 1)[:, 0], uniforms(0, 0, torch.arange(1, 5001), 1)[:, 0]
    assert abs(np.corrcoef(one, next_row)[0, 1]) < 0.05
    assert abs(np.corrcoef(one, uniforms(0, 1, torch.arange(5000), 1)[:, 0])[0, 1]) < 0.05
    assert abs(np.corrcoef(one, uniforms(1, 0, torch.arange(5000), 1)[:, 0])[0, 1]) < 0.05


def reference_row(image: np.ndarray, how: Augmentation, row: int, epoch: int) -> np.ndarray:
    """One image, uint8 [3, H, W], step by step."""
    u = [reference_uniform(how.seed, epoch, row, draw) for draw in range(6)]
    height, width = image.shape[1:]
    side_y, side_x = (how.crop, how.crop) if how.crop else (height, width)
    padded = np.zeros((3, height + 2 * how.pad, width + 2 * how.pad), np.uint8)
    padded[:, how.pad : how.pad + height, how.pad : how.pad + width] = image
    top = int(u[0] * (padded.shape[1] - side_y + 1))
    left = int(u[1] * (padded.shape[2] - side_x + 1))
    cut = padded[:, top : top + side_y, left : left + side_x]
    if how.flip and u[2] < 0.5:
        cut = cut[:, :, ::-1]
    if not how.jitter:
        return cut
    brightness, contrast, saturation = (1 + how.jitter * (2 * x - 1) for x in u[3:])
    values = np.clip(cut.astype(np.float64) * brightness, 0, 255)
    weights = np.array([0.299, 0.587, 0.114])[:, None, None]
    mean = (values * weights).sum(0).mean()
    values = np.clip(mean + (values - mean) * contrast, 0, 255)
    grey = (values * weights).sum(0)
    return np.clip(grey + (values - grey) * saturation, 0, 255)


CASES = [
    Augmentation(pad=4, seed=3),
    Augmentation(flip=True),
    Augmentation(pad=2, crop=9, flip=True, seed=1),
    Augmentation(crop=7, flip=True, jitter=0.4, seed=2),
    Augmentation(jitter=0.9),
]


@pytest.mark.parametrize("how", CASES)
def test_a_batch_is_what_its_rows_are(how: Augmentation) -> None:
    pixels = torch.randint(0, 256, (16, 3, 10, 12), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    rows = torch.arange(100, 116)
    found = how(pixels, rows, epoch=5)
    for at in range(16):
        expected = reference_row(pixels[at].numpy(), how, int(rows[at]), 5)
        np.testing.assert_allclose(found[at].numpy(), expected, atol=1e-3 if how.jitter else 0)


@pytest.mark.parametrize("how", CASES)
def test_a_row_looks_the_same_in_every_batch_of_its_epoch_alone(how: Augmentation) -> None:
    pixels = torch.randint(0, 256, (32, 3, 10, 12), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))
    rows = torch.arange(32)
    whole = how(pixels, rows, 2)
    order = torch.randperm(32, generator=torch.Generator().manual_seed(2))[:9]
    torch.manual_seed(99)  # no generator may matter
    torch.testing.assert_close(how(pixels[order], rows[order], 2), whole[order], rtol=0, atol=1e-4)
    assert not torch.equal(how(pixels, rows, 3), whole)


def test_without_options_nothing_is_done() -> None:
    pixels = torch.zeros(2, 3, 4, 4, dtype=torch.uint8)
    assert Augmentation()(pixels, torch.arange(2), 0) is pixels

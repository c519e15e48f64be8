"""Bytes into what a network is fed: the middle square, scaled to mean 0 and deviation 1 of each channel."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from clc_text.errors import InputError

SAMPLE = 1000  # images that stand for all where these are not in memory


def channel_statistics(pixels: Tensor) -> tuple[list[float], list[float]]:
    """Mean and standard deviation of each channel, as shares of 255.

    Args:
        pixels: uint8 [N, 3, H, W], of which all are used; of a `LazyImages` only 1,000, evenly spread.
    """
    if not isinstance(pixels, Tensor):
        pixels = pixels[torch.linspace(0, len(pixels) - 1, min(SAMPLE, len(pixels))).long()]
    mean, std = [], []
    for channel in range(pixels.shape[1]):
        counts = torch.zeros(256, dtype=torch.float64)
        for block in pixels[:, channel].split(4096):
            counts += torch.bincount(block.flatten(), minlength=256)
        values = torch.arange(256, dtype=torch.float64) / 255
        shares = counts / counts.sum()
        centre = (shares * values).sum()
        mean.append(float(centre))
        std.append(max(float((shares * (values - centre) ** 2).sum().sqrt()), 1 / 255))
    return mean, std


class Normalise(nn.Module):
    """uint8, or float in 0 … 255, [B, 3, H, W] -> float [B, 3, s, s], channels last where the device likes that.

    Args:
        mean: of each channel, as a share of 255.
        std: likewise.
        size: s, the side of the middle square; None: the image as it is.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, mean: list[float], std: list[float], size: int | None) -> None:
        super().__init__()
        self.size = size
        self.register_buffer("mean", 255 * torch.tensor(mean).view(1, -1, 1, 1))
        self.register_buffer("std", 255 * torch.tensor(std).view(1, -1, 1, 1))

    def forward(self, pixels: Tensor) -> Tensor:
        if self.size is not None:
            height, width = pixels.shape[-2:]
            if min(height, width) < self.size:
                raise InputError(
                    f"network.image_size is {self.size}, but the images have {width} x {height} pixels; lower it, or "
                    "raise encoder.size and encoder.crop",
                    key="network.image_size",
                )
            top, left = (height - self.size) // 2, (width - self.size) // 2
            pixels = pixels[..., top : top + self.size, left : left + self.size]
        values = (pixels.float() - self.mean) / self.std
        return values.contiguous(memory_format=torch.channels_last) if values.is_cuda else values.contiguous()

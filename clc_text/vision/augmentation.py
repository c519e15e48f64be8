"""Random crop, flip and colour jitter of a whole batch, on whatever device it lies."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from clc_text.vision.keyed_random import uniforms

GREY = (0.299, 0.587, 0.114)  # of red, green and blue: ITU-R BT.601


@dataclass(frozen=True)
class Augmentation:
    """What is done to a training image, drawn anew for each row in each epoch.

    Args:
        pad: black pixels added at each side before the crop.
        crop: side of the square that is cut out; None: as large as the image before padding.
        flip: mirror half of the images.
        jitter: brightness, contrast and saturation are each multiplied by a factor from [1 - jitter, 1 + jitter].
        seed: of the draws, together with epoch and row.
    """

    pad: int = 0
    crop: int | None = None
    flip: bool = False
    jitter: float = 0.0
    seed: int = 0

    def __call__(self, pixels: Tensor, rows: Tensor, epoch: int) -> Tensor:
        """uint8 [B, 3, H, W] -> uint8 [B, 3, h, w], or float32 in 0 … 255 with jitter; `rows` int64 [B]."""
        if not (self.pad or self.crop or self.flip or self.jitter):
            return pixels
        drawn = uniforms(self.seed, epoch, rows.to(pixels.device), 6)
        pixels = self._cut(pixels, drawn)
        return self._jittered(pixels, drawn) if self.jitter else pixels

    def _cut(self, pixels: Tensor, drawn: Tensor) -> Tensor:
        """Crop and flip in one look-up; its result lies in memory with the channels last, as convolutions like it."""
        height, width = (self.crop, self.crop) if self.crop else pixels.shape[-2:]
        if self.pad:
            pixels = torch.nn.functional.pad(pixels, [self.pad] * 4)
        free_y, free_x = pixels.shape[-2] - height, pixels.shape[-1] - width
        top = (drawn[:, 0] * (free_y + 1)).long()
        left = (drawn[:, 1] * (free_x + 1)).long()
        ys = top[:, None] + torch.arange(height, device=pixels.device)
        xs = torch.arange(width, device=pixels.device).expand(len(pixels), width)
        if self.flip:
            xs = torch.where(drawn[:, 2:3] < 0.5, width - 1 - xs, xs)
        xs = left[:, None] + xs
        batch = torch.arange(len(pixels), device=pixels.device)[:, None, None]
        return pixels[batch, :, ys[:, :, None], xs[:, None, :]].permute(0, 3, 1, 2)

    def _jittered(self, pixels: Tensor, drawn: Tensor) -> Tensor:
        """Brightness, then contrast (towards the image's mean grey), then saturation (towards each pixel's grey)."""
        factors = (1 + self.jitter * (2 * drawn[:, 3:6] - 1)).view(-1, 3, 1, 1, 1)
        weights = pixels.new_tensor(GREY, dtype=torch.float32).view(1, 3, 1, 1)
        values = (pixels.float() * factors[:, 0]).clamp(0, 255)
        mean = (values * weights).sum(1, keepdim=True).mean((2, 3), keepdim=True)
        values = (mean + (values - mean) * factors[:, 1]).clamp(0, 255)
        grey = (values * weights).sum(1, keepdim=True)
        return (grey + (values - grey) * factors[:, 2]).clamp(0, 255)

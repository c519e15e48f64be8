"""The encoders of images, by name."""

from __future__ import annotations

from clc_text.config.components import Registry
from clc_text.models.encoder import Encoder

encoder: Registry[Encoder] = Registry("encoder", "clc_text.vision.encoders")

"""The datasets of texts, by name."""

from __future__ import annotations

from clc_text.config.components import Registry
from clc_text.data.dataset import Dataset

dataset: Registry[Dataset] = Registry("dataset", "clc_text.text.datasets")

"""The networks for texts, by name."""

from __future__ import annotations

from clc_text.config.components import Registry
from clc_text.models.network import Network

network: Registry[Network] = Registry("network", "clc_text.text.networks")

"""Whether the network may be used."""

from __future__ import annotations

import os


def offline() -> bool:
    """Whether the user forbade the network, in the words that the Hub's own libraries read."""
    return any(
        os.environ.get(key, "").upper() in {"1", "TRUE", "YES", "ON"}
        for key in ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE")
    )

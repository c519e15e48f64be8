"""Features kept on disk, in pieces of a few thousand texts: what was computed once is never computed again.

A piece belongs to one model (its files' hash), one way of reading and the texts themselves, so an entry is never out
of date, a run that was cut short goes on where it was, and a dataset that grew computes its new rows alone. The whole
cache may be deleted at any time.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from torch import Tensor

from clc_text.files import write_with
from clc_text.text.encoders.vectors.cache import cache_directory

_FORMAT = 1


def entry(facts: dict[str, Any], texts: Sequence[str]) -> Path:
    """The file of a piece.

    Args:
        facts: all that the features depend on besides the texts.
    """
    digest = hashlib.sha256(json.dumps([_FORMAT, facts], sort_keys=True).encode())
    for text in texts:
        raw = text.encode("utf-8", "surrogatepass")
        digest.update(len(raw).to_bytes(8, "little"))
        digest.update(raw)
    return cache_directory() / "features" / f"{digest.hexdigest()[:32]}.safetensors"


def read(path: Path, rows: int) -> Tensor | None:
    """float32 [rows, D], or None where there is no sound entry."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        found = load_file(path)["features"]
    except (OSError, KeyError, SafetensorError):
        return None
    return found if found.dim() == 2 and len(found) == rows else None


def store(path: Path, features: Tensor) -> None:
    """Writes an entry; where the cache cannot be written, there is none."""
    from safetensors.torch import save_file

    try:
        write_with(path, lambda aside: save_file({"features": features.contiguous()}, aside))
    except OSError:
        return

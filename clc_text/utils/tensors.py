"""Safetensors files whose bytes depend on what is in them alone."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np


def save_tensors(tensors: Mapping[str, np.ndarray], path: Path, facts: Mapping[str, str]) -> None:
    """As `safetensors.numpy.save_file`, which writes its metadata in another order each time: here it is sorted, so
    that a file has the same sha256 when it is made again."""
    from safetensors.numpy import save_file

    save_file(dict(tensors), path, metadata=dict(facts))
    with open(path, "r+b") as file:
        size = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(size))
        header["__metadata__"] = dict(sorted(header.get("__metadata__", {}).items()))
        ordered = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
        if len(ordered) <= size:  # as it always is: the same letters, and blanks up to the tensors
            file.seek(8)
            file.write(ordered.ljust(size))

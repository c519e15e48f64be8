"""Large tables that lie in a file of their own: the system keeps in memory what is used of them, and has the rest on
disk, so that they may be larger than the memory."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

LARGE = 1 << 28  # bytes; smaller tables are not worth a file


def empty_table(rows: int, columns: int, folder: Path) -> Tensor:
    """float32 [rows, columns], of no certain content; one that is `LARGE` in a file, which has no name and goes with
    the table.

    Where no such file can be had (a full disk, a folder that cannot be written, a system that does not promise the
    room), the table is in memory like any other.

    Args:
        folder: on a disk with room.
    """
    size = 4 * rows * columns
    made = _mapped(size, folder) if size >= LARGE else None
    return torch.empty(rows, columns) if made is None else torch.from_numpy(made.reshape(rows, columns))


def _mapped(size: int, folder: Path) -> np.ndarray | None:
    """float32 of so many bytes; None: there is no such file to be had."""
    if not hasattr(os, "posix_fallocate"):
        return None  # a file that only seems to have the room kills whoever writes to it
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            os.posix_fallocate(file.fileno(), 0, size)
            return np.memmap(file, np.float32, "r+")
    except (OSError, ValueError):
        return None

"""Reading .npy files that somebody else may have written or damaged."""

from __future__ import annotations

import tokenize
from pathlib import Path

import numpy as np


def mapped(path: Path) -> np.ndarray:
    """The array of a .npy file, mapped: one that promises more than it holds takes no memory. Nothing is unpickled.

    Raises:
        OSError: it cannot be opened.
        ValueError: it is no such file, whatever NumPy calls what is wrong with its header.
    """
    try:
        array: np.ndarray = np.load(path, allow_pickle=False, mmap_mode="r")
    except (
        EOFError,
        MemoryError,
        OverflowError,
        RecursionError,
        SyntaxError,
        TypeError,
        tokenize.TokenError,
    ) as error:
        raise ValueError(f"its header is damaged ({error})") from None
    return array

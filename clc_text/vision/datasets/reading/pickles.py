"""Pickles that hold arrays and plain values only: the form in which CIFAR and its human labels are published.

A pickle may call any function while it is read. This reader knows the few names of NumPy and `codecs` that
rebuild an array, puts functions of its own in the place of most, and refuses a file that asks for any other.
"""

from __future__ import annotations

import io
import pickle
import zipfile
from pathlib import Path
from typing import Any, Literal

import numpy as np

from clc_text.errors import InputError


def read_pickle(path: Path) -> dict[str, Any]:
    """The dictionary that a pickle (or a zipped `torch.save`) of arrays, lists and strings holds.

    Returns:
        Keys as strings, also where the file was written by Python 2.

    Raises:
        InputError: the file is missing, cut short or damaged, holds no dictionary, or asks for anything but arrays.
    """
    try:
        content = _Arrays(io.BytesIO(_content(path)), encoding="bytes").load()
    except FileNotFoundError:
        raise InputError(f"there is no file {path}", where=path) from None
    except _Refused as error:
        raise InputError(f"{path} is not read: {error}", where=path) from None
    except Exception as error:  # a damaged pickle may fail anywhere
        raise InputError(
            f"{path} is damaged or no pickle of arrays ({type(error).__name__}); fetch it again", where=path
        ) from None
    if not isinstance(content, dict):
        raise InputError(
            f"{path} holds no dictionary but {type(content).__name__}; is this the original file?", where=path
        )
    return {key.decode("latin-1") if isinstance(key, bytes) else str(key): value for key, value in content.items()}


def _content(path: Path) -> bytes:
    if not zipfile.is_zipfile(path):
        return path.read_bytes()
    with zipfile.ZipFile(path) as archive:  # what torch.save writes
        name = next((name for name in archive.namelist() if name.endswith("data.pkl")), None)
        if name is None:
            raise _Refused("it is an archive without data.pkl, so not what torch.save writes")
        return archive.read(name)


class _Refused(Exception):
    """The file holds something else than arrays and plain values."""


class _Arrays(pickle.Unpickler):
    """An unpickler that rebuilds NumPy arrays and nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        known = {
            "numpy.ndarray": np.ndarray,
            "numpy.dtype": np.dtype,
            "numpy.core.multiarray._reconstruct": _reconstruct,
            "numpy._core.multiarray._reconstruct": _reconstruct,
            "numpy.core.numeric._frombuffer": _from_buffer,
            "numpy._core.numeric._frombuffer": _from_buffer,
            "_codecs.encode": _latin1,
        }
        wanted = f"{module}.{name}"
        if wanted not in known:
            raise _Refused(f"it asks for '{wanted}', and only arrays, lists and strings are admitted")
        return known[wanted]

    def persistent_load(self, identity: Any) -> Any:
        raise _Refused("it holds PyTorch tensors; store the labels as NumPy arrays or as Parquet")


def _reconstruct(kind: type, shape: tuple[int, ...], code: bytes) -> np.ndarray:
    """The empty array that an array's pickled state then fills."""
    if kind is not np.ndarray:
        raise _Refused("it holds an array of an unknown kind")
    return np.ndarray.__new__(np.ndarray, (0,), "u1")


def _from_buffer(buffer: bytes, dtype: np.dtype, shape: tuple[int, ...], order: Literal["C", "F"]) -> np.ndarray:
    """How the newest pickles hold an array: its bytes, and what they mean."""
    return np.frombuffer(buffer, dtype).reshape(shape, order=order)


def _latin1(text: str, codec: str) -> bytes:
    """How Python 3 writes bytes into an old pickle."""
    if codec not in ("latin1", b"latin1"):
        raise _Refused(f"it asks for the codec {codec!r}, and only latin1 is admitted")
    return text.encode("latin-1") if isinstance(text, str) else text

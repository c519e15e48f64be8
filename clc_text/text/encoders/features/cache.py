"""Features kept on disk, a row a text: what was computed once is never computed again, whichever command asks.

A row belongs to one model (its files' hash), one way of reading and the text itself, so none is ever out of date. It
is found again in another order, in a part of the rows or among new ones, and a run that was cut short goes on where it
was. Equal texts share a row, so that they are equal to the bit. The whole cache may be deleted at any time; what is
computed anew may differ in its last bits, since they depend on which texts share a forward pass.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor

from clc_text.text.encoders.vectors.cache import cache_directory
from clc_text.utils.files import write_with

_FORMAT = 2
_KEY_BYTES = 16
T = TypeVar("T")


@dataclass(frozen=True)
class Found:
    """Rows of the cache.

    Attributes:
        places: int64 [n], which of the texts that were asked for.
        features: float32 [n, D].
        tokens: int32 [n], of each whole text.
    """

    places: Tensor
    features: Tensor
    tokens: Tensor


class FeatureCache:
    """The features of one model, read one way; one folder of files with some thousand rows each.

    Args:
        facts: all that the features depend on besides the texts.
        size: D, the numbers of a row.
    """

    def __init__(self, facts: dict[str, Any], size: int) -> None:
        self.size = size
        digest = hashlib.sha256(json.dumps([_FORMAT, facts], sort_keys=True).encode())
        self.folder = cache_directory() / "features" / digest.hexdigest()[:32]

    def find(self, texts: Sequence[str]) -> Iterator[Found]:
        """What is there of different texts, file by file; a damaged file counts as none."""
        wanted = {key_of(text): place for place, text in enumerate(texts)}
        for path in sorted(self.folder.glob("*.safetensors")):
            if not wanted:
                return
            found = _read(path, wanted, self.size)
            if found is not None and len(found.places):
                yield found

    def missing(self, texts: Sequence[str]) -> list[str]:
        """Which of different texts have no features here, in their order."""
        wanted = {key_of(text): text for text in texts}
        for path in sorted(self.folder.glob("*.safetensors")):
            if not wanted:
                break
            _take(path, wanted, self.size)
        return list(wanted.values())

    def store(self, texts: Sequence[str], features: Tensor, tokens: Tensor) -> bool:
        """Writes a file of rows; False: the cache cannot be written, and there is none.

        Args:
            features: float32 [n, D].
            tokens: int32 [n].
        """
        from safetensors.torch import save_file

        keys = b"".join(map(key_of, texts))
        tensors = {
            "keys": torch.frombuffer(bytearray(keys), dtype=torch.uint8).reshape(-1, _KEY_BYTES),
            "features": features.contiguous(),
            "tokens": tokens.to(torch.int32).contiguous(),
        }
        path = self.folder / f"{hashlib.sha256(keys).hexdigest()[:32]}.safetensors"
        try:
            write_with(path, lambda aside: save_file(tensors, aside))
        except OSError:
            return False
        return True


def key_of(text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=_KEY_BYTES).digest()


def _read(path: Path, wanted: dict[bytes, int], size: int) -> Found | None:
    """The rows of a file that are wanted, which are then wanted no longer."""

    def found(opened: Any) -> Found | None:
        hits = _hits(opened, wanted, size)
        if not hits:
            return None
        rows = torch.tensor([row for row, _ in hits])
        places = torch.tensor([wanted[key] for _, key in hits])
        made = Found(places, opened.get_tensor("features")[rows], opened.get_tensor("tokens")[rows])
        for _, key in hits:
            del wanted[key]
        return made

    return _in(path, found)


def _take(path: Path, wanted: dict[bytes, str], size: int) -> None:
    """What a file has is wanted no longer."""
    for _, key in _in(path, lambda opened: _hits(opened, wanted, size)) or []:
        del wanted[key]


def _in(path: Path, read: Callable[[Any], T | None]) -> T | None:
    """What is read in a file of the cache; None of a damaged one."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "pt") as opened:
            return read(opened)
    except (OSError, KeyError, SafetensorError):
        return None


def _hits(opened: Any, wanted: Mapping[bytes, Any], size: int) -> list[tuple[int, bytes]]:
    """Number and key of a file's rows that are wanted; none of a file that `FeatureCache.store` has not written."""
    keys: Tensor = opened.get_tensor("keys")
    features, tokens = (opened.get_slice(name) for name in ("features", "tokens"))
    rows = len(keys) if keys.ndim else 0
    if (
        (list(keys.shape), keys.dtype) != ([rows, _KEY_BYTES], torch.uint8)
        or (features.get_shape(), features.get_dtype()) != ([rows, size], "F32")
        or (tokens.get_shape(), tokens.get_dtype()) != ([rows], "I32")
    ):
        return []
    raw = keys.numpy().tobytes()
    found = [raw[start : start + _KEY_BYTES] for start in range(0, len(raw), _KEY_BYTES)]
    return [(row, key) for row, key in enumerate(found) if key in wanted]

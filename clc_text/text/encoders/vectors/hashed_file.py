"""A file of vectors opened for reading: unpacked where it is gzip or in a zip, its sha256 taken on the way."""

from __future__ import annotations

import gzip
import hashlib
import io
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast

from clc_text.errors import InputError
from clc_text.text.encoders.vectors.archive import archive_of, open_member

_BUFFER = 1 << 20


class _Hashed(io.RawIOBase):
    """Hashes the bytes that go through it, so that a file of a gigabyte is not read twice."""

    def __init__(self, file: BinaryIO) -> None:
        super().__init__()
        self._file: Any = file
        self.digest = hashlib.sha256()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        size = self._file.readinto(buffer) or 0
        self.digest.update(memoryview(buffer)[:size])
        return size


@contextmanager
def open_hashed(path: Path) -> Iterator[tuple[BinaryIO, Callable[[], str]]]:
    """Yields the unpacked bytes, and a function that reads what is left and gives the sha256 of the file as it lies.

    Raises:
        InputError: the file is empty, or its gzip stream or the archive it is in is damaged or ends too early.
    """
    inside = archive_of(path) is not None
    with open_member(path) if inside else open(path, "rb", buffering=0) as file, _Hashed(file) as raw:
        buffered = io.BufferedReader(raw, _BUFFER)
        magic = buffered.peek(2)[:2]
        if not magic:
            raise InputError(
                f"{path} is empty; a file of word vectors has a word and its numbers on every line", where=path
            )

        def sha256() -> str:
            while buffered.read(_BUFFER):
                pass
            return raw.digest.hexdigest()

        try:
            if magic == b"\x1f\x8b":
                with gzip.GzipFile(fileobj=buffered, mode="rb") as unpacked:
                    yield cast(BinaryIO, io.BufferedReader(cast(io.RawIOBase, unpacked), _BUFFER)), sha256
            else:
                yield cast(BinaryIO, buffered), sha256
        except EOFError:
            raise InputError(
                f"{path} is truncated: its gzip stream ends too early; get the file again", where=path
            ) from None
        except (gzip.BadGzipFile, zlib.error) as error:
            raise InputError(f"{path} is a damaged gzip file ({error}); get the file again", where=path) from None

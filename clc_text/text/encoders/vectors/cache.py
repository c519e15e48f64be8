"""Vectors kept as a memory map, so that a second run with the same texts neither reads a big file nor trains again.

One directory an entry: ``vectors.npy`` (mapped, not read), ``words.json``, ``entry.json`` with the checksums of both.
The whole cache may be deleted at any time.
"""

from __future__ import annotations

import glob
import hashlib
import json
import os
import secrets
import shutil
import sys
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np

from clc_text.text.encoders.vectors.archive import archive_of
from clc_text.text.encoders.vectors.table import VectorTable, Wanted
from clc_text.utils.files import write_json
from clc_text.utils.npy import mapped

_FORMAT = 1
# Of what is read from files alone; raised when the same file gives other words (2: no byte-order mark in the first).
_READING = 2


def cache_directory() -> Path:
    """`$CLC_TEXT_CACHE`, or the platform's folder for such things."""
    if chosen := os.environ.get("CLC_TEXT_CACHE"):
        return Path(chosen).expanduser()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", "~/AppData/Local")).expanduser() / "clc_text" / "cache"
    if sys.platform == "darwin":
        return Path("~/Library/Caches/clc_text").expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "clc_text"


def cached_file(path: Path, wanted: Wanted, read: Callable[[Path, Wanted], VectorTable]) -> VectorTable:
    """What ``read(path, wanted)`` gives, `cached`.

    An entry belongs to one state of the file (path, size, time of change), one vocabulary and one number of first
    words.
    """
    # gensim keeps a big matrix in .npy files beside its own.
    archive = archive_of(path)
    beside = [] if archive else sorted(path.parent.glob(f"{glob.escape(path.name)}.*.npy"))
    seen = [(file, (archive or file).stat()) for file in (path, *beside)]
    states = [(str(file.resolve()), state.st_size, state.st_mtime_ns) for file, state in seen]
    return cached([_READING, states, sha256_of_words(wanted.words), wanted.first], lambda: read(path, wanted))


def cached(key: list[Any], make: Callable[[], VectorTable]) -> VectorTable:
    """What ``make()`` gives, from the cache where it is there and sound.

    A damaged entry is made anew. Where the cache cannot be written, the vectors are used without it.

    Args:
        key: of what JSON knows, all that the vectors depend on.
    """
    name = hashlib.sha256(json.dumps([_FORMAT, *key]).encode()).hexdigest()[:32]
    entry = cache_directory() / "vectors" / name
    table = _load(entry)
    if table is not None:
        return table
    table = make()
    try:
        _store(entry, table)
    except OSError:
        return table
    # The vectors just made are let go before the map's pages come in, or a big file would take its memory twice.
    del table
    return _load(entry) or make()


def sha256_of_words(words: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(words).encode("utf-8", "surrogatepass")).hexdigest()


def _load(entry: Path) -> VectorTable | None:
    try:
        about: dict[str, Any] = json.loads((entry / "entry.json").read_bytes())
        words_json = (entry / "words.json").read_bytes()
        matrix = mapped(entry / "vectors.npy")
        sound = (
            zlib.crc32(words_json) == about["crc32_words"]
            and matrix.dtype == np.float32
            and list(matrix.shape) == about["shape"]
            and _crc32(matrix) == about["crc32_vectors"]
        )
        return VectorTable(json.loads(words_json), matrix, about["source"]) if sound else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _crc32(matrix: np.ndarray) -> int:
    return zlib.crc32(matrix.reshape(-1).view(np.uint8).data)


def _store(entry: Path, table: VectorTable) -> None:
    """Writes a directory aside and renames it; of several processes the first one's entry stays."""
    aside = entry.with_name(f".{entry.name}.{secrets.token_hex(4)}.part")
    aside.mkdir(parents=True)
    try:
        words = json.dumps(table.words).encode()
        matrix = np.ascontiguousarray(table.matrix, dtype=np.float32)
        (aside / "words.json").write_bytes(words)
        with open(aside / "vectors.npy", "wb") as file:
            np.save(file, matrix, allow_pickle=False)
        about = {
            "shape": list(matrix.shape),
            "crc32_words": zlib.crc32(words),
            "crc32_vectors": _crc32(matrix),
            "source": table.source,
        }
        write_json(aside / "entry.json", about)
        if entry.exists() and _load(entry) is None:
            damaged = entry.with_name(f".{entry.name}.{secrets.token_hex(4)}.damaged")
            os.rename(entry, damaged)
            shutil.rmtree(damaged, ignore_errors=True)
        os.rename(aside, entry)
    finally:
        shutil.rmtree(aside, ignore_errors=True)

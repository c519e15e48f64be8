"""The three forms in which 20 Newsgroups lies on a disk: scikit-learn's cache, the archive, its unpacked folders."""

from __future__ import annotations

import gzip
import io
import pickle
import re
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from clc_text.errors import InputError

CACHE, ARCHIVE = "20news-bydate_py3.pkz", "20news-bydate.tar.gz"
FOLDERS = {"train": "20news-bydate-train", "test": "20news-bydate-test"}
LARGEST = 1 << 30  # bytes of the unpacked cache; the real one has 42 MB

Article = tuple[str, int, str]  # newsgroup, number, text
_MEMBER = re.compile(r"(?:^|/)20news-bydate-(train|test)/([\w.\-]+)/(\d+)$")


def read_newsgroups(found: Path) -> dict[str, list[Article]]:
    """The articles of ``train`` and ``test``, sorted by newsgroup and number, whatever the form.

    Raises:
        InputError: the file is cut off, is not what its name says, or lacks a part.
    """
    if found.is_dir():
        pairs = _from_folders(found)
    elif found.name.endswith(".pkz"):
        pairs = _from_cache(found)
    else:
        pairs = _from_archive(found)
    articles: dict[str, list[Article]] = {"train": [], "test": []}
    for split, article in pairs:
        articles[split].append(article)
    for split, rows in articles.items():
        if not rows:
            raise InputError(
                f"{found}: no {split} article of 20 Newsgroups is in it; is it the by-date version?", where=found
            )
        rows.sort(key=lambda article: article[:2])
    return articles


def form_in(folder: Path) -> Path | None:
    """The cache, the archive or the unpacked folders in `folder`, whichever is there."""
    for candidate in (folder / CACHE, folder / "20news_home" / ARCHIVE, folder / ARCHIVE):
        if candidate.is_file():
            return candidate
    return folder if all((folder / name).is_dir() for name in FOLDERS.values()) else None


def _from_folders(folder: Path) -> Iterator[tuple[str, Article]]:
    for split, name in FOLDERS.items():
        for file in (folder / name).glob("*/*"):
            if file.is_file() and file.name.isdecimal():
                yield split, (file.parent.name, int(file.name), file.read_bytes().decode("latin-1"))


def _from_archive(path: Path) -> Iterator[tuple[str, Article]]:
    """Reads the members one after the other and unpacks nothing onto the disk."""
    try:
        # tarfile alone takes a cut between two members for the end; gzip does not.
        with gzip.open(path) as unpacked, tarfile.open(fileobj=unpacked, mode="r|") as archive:
            for member in archive:
                matched = _MEMBER.search(member.name)
                content = archive.extractfile(member) if matched and member.isreg() else None
                if matched and content is not None:
                    split, group, number = matched.groups()
                    yield split, (group, int(number), content.read().decode("latin-1"))
            while unpacked.read(1 << 20):
                pass
    except (tarfile.TarError, EOFError, OSError, zlib.error) as error:
        raise InputError(f"{path}: not a whole archive ({error}); fetch it again", where=path) from None


def _from_cache(path: Path) -> Iterator[tuple[str, Article]]:
    """scikit-learn's cache is a packed pickle, which could run anything; here it builds plain values and no more."""
    unpacker = zlib.decompressobj()
    try:
        content = unpacker.decompress(path.read_bytes(), LARGEST)
        if not unpacker.eof:
            raise InputError(
                f"{path}: the cache is cut off or far too large; delete it and fetch it again", where=path
            )
        cache = _PlainUnpickler(io.BytesIO(content)).load()
        for split in FOLDERS:
            part = cache[split]
            for text, file in zip(part["data"], part["filenames"].strings(), strict=True):
                group, number = re.split(r"[/\\]", file)[-2:]
                yield split, (str(group), int(number), str(text))
    except InputError:
        raise
    except pickle.UnpicklingError as error:
        raise InputError(f"{path}: not scikit-learn's cache of 20 Newsgroups ({error})", where=path) from None
    except Exception as error:  # a pickle that is not what it should be can fail in any way
        raise InputError(
            f"{path}: not scikit-learn's cache of 20 Newsgroups ({type(error).__name__}: {error})", where=path
        ) from None


class _Bunch(dict):
    def __setstate__(self, state: Any) -> None:
        """A Bunch's state is bookkeeping of scikit-learn's."""


class _DType:
    def __init__(self, code: str, *flags: Any) -> None:
        self.code = code

    def __setstate__(self, state: Any) -> None:
        self.order = state[1]


class _Array:
    """What a pickled array says of itself; the bytes are read only where they are wanted and are plain characters."""

    def __init__(self, *arguments: Any) -> None:
        pass

    def __setstate__(self, state: Any) -> None:
        _, self.shape, self.dtype, _, self.content = state

    def strings(self) -> list[str]:
        width = re.fullmatch(r"U(\d{1,4})", self.dtype.code)
        if width is None or self.dtype.order not in ("<", ">"):
            raise pickle.UnpicklingError(f"an array of type {self.dtype.code} where file names are expected")
        texts: list[str] = np.frombuffer(self.content, dtype=f"{self.dtype.order}U{width[1]}").tolist()
        return texts


class _PlainUnpickler(pickle.Unpickler):
    """Knows the few names that the cache holds, each answered by a class of this file; refuses all others."""

    _KNOWN = {
        ("sklearn.utils._bunch", "Bunch"): _Bunch,
        ("sklearn.utils", "Bunch"): _Bunch,
        ("sklearn.datasets.base", "Bunch"): _Bunch,
        ("numpy", "ndarray"): _Array,
        ("numpy", "dtype"): _DType,
        ("numpy.core.multiarray", "_reconstruct"): _Array,
        ("numpy._core.multiarray", "_reconstruct"): _Array,
    }

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in self._KNOWN:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}")
        return self._KNOWN[module, name]

"""A file of vectors inside a zip archive, as GloVe and fastText are downloaded: ``glove.6B.zip/glove.6B.50d.txt``."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from clc_text.errors import InputError, some_of

ENDING = ".zip"
_VECTORS = (".txt", ".vec", ".bin", ".kv", ".wordvectors")


def archive_of(path: Path) -> Path | None:
    """The archive that a path leads into; None where it leads into none."""
    return next((parent for parent in path.parents if parent.suffix.lower() == ENDING and parent.is_file()), None)


def has_member(path: Path) -> bool:
    """Whether a path leads to a file in an archive."""
    archive = archive_of(path)
    return archive is not None and path.relative_to(archive).as_posix() in _members(archive)


def only_member(archive: Path) -> Path:
    """The path of the one file of vectors that an archive holds.

    Raises:
        InputError: it holds none, or several, whose names are given.
    """
    members = [name for name in _members(archive) if name.removesuffix(".gz").endswith(_VECTORS)]
    if not members:
        raise InputError(
            f"{archive} holds no file of word vectors ({', '.join(_VECTORS)}); unpack it, and name one", where=archive
        )
    if len(members) > 1:
        raise InputError(
            f"{archive} holds several files of vectors ({some_of(members, 8)}); name one of them, such as "
            f"encoder.vectors: {archive}/{members[-1]}",
            where=archive,
        )
    return archive / members[0]


def member_named(place: Path, names: list[str]) -> Path | None:
    """The first file of one of these names in an archive of this folder whose own name the names begin with.

    ``glove.6B.100d`` is looked for in ``glove.6B.zip``.
    """
    for archive in sorted(place.glob(f"*{ENDING}")):
        if not names[0].startswith(archive.stem):
            continue
        members = {Path(member).name: member for member in _members(archive)}
        for name in names:
            if name in members:
                return archive / members[name]
    return None


def _members(archive: Path) -> list[str]:
    with _whole(archive), zipfile.ZipFile(archive) as opened:
        names = [entry.filename for entry in opened.infolist() if not entry.is_dir()]
    return [name for name in names if not name.startswith("__MACOSX/")]


@contextmanager
def open_member(path: Path) -> Iterator[BinaryIO]:
    """The bytes of a file in an archive; nothing is unpacked to the disk."""
    archive = archive_of(path)
    assert archive is not None
    name = path.relative_to(archive).as_posix()
    with _whole(archive), zipfile.ZipFile(archive) as opened, opened.open(name) as member:
        yield cast(BinaryIO, member)


@contextmanager
def _whole(archive: Path) -> Iterator[None]:
    """Turns what a damaged or locked archive raises into a sentence."""
    try:
        yield
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise InputError(
            f"{archive} is a damaged or truncated zip archive ({error}); get the file again", where=archive
        ) from None
    except InputError:
        raise
    except (RuntimeError, NotImplementedError, KeyError) as error:  # a password, an unknown compression, no such file
        raise InputError(
            f"{archive} cannot be read here ({error}); unpack it, and name the file in it", where=archive
        ) from None

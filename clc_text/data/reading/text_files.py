"""What every text file is checked for before it is parsed: it exists, is whole, and is in the encoding it claims."""

from __future__ import annotations

import codecs
import gzip
import io
import zlib
from pathlib import Path
from typing import IO

from clc_text.errors import InputError
from clc_text.utils.files import check_regular, expanded

BLOCK = 1 << 20
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def existing(path: str | Path, what: str) -> Path:
    """The path, made absolute against nothing but the user's home; raises when nothing is there or it is empty."""
    found = expanded(path)
    if not found.exists():
        start = "" if found.is_absolute() else f", looked for from the current folder, {Path.cwd()}"
        raise InputError(f"{what}: '{path}' does not exist{start}; check the path", where=path)
    if not found.is_dir():
        check_regular(found, "file")
    if found.is_file() and found.stat().st_size == 0:
        raise InputError(f"{found}: the file is empty; give a file with rows", where=found)
    return found


_NO_TEXT = {
    b"PK\x03\x04": "a zip archive or an Excel workbook; unpack it, or give a workbook the ending .xlsx",
    b"PAR1": "a Parquet file; give it the ending .parquet",
    b"\xd0\xcf\x11\xe0": "a workbook of old Excel; save it as .xlsx or as CSV",
}


def open_bytes(path: Path) -> IO[bytes]:
    """The file's bytes, unpacked when its name ends in ``.gz`` or it is packed all the same.

    Raises:
        InputError: it is no text, whatever its name says.
    """
    with open(path, "rb") as handle:
        magic = handle.read(4)
    if magic in _NO_TEXT:
        raise InputError(f"{path} is {_NO_TEXT[magic]}", where=path)
    if path.suffix == ".gz" or magic.startswith(b"\x1f\x8b"):
        return gzip.open(path)  # type: ignore[return-value]
    return open(path, "rb")


def first_line(path: Path, encoding: str) -> str:
    """The first line of a text file, without its end; of a very long one the beginning."""
    try:
        with open_bytes(path) as handle:
            line = handle.readline(BLOCK).decode(encoding, errors="ignore")
    except (LookupError, EOFError, gzip.BadGzipFile, zlib.error):  # said by `check_encoding`, which reads it all
        return ""
    return line.removeprefix("\ufeff").rstrip("\r\n")


def open_utf8(path: Path, encoding: str) -> IO[bytes]:
    """The file's text as a stream of UTF-8 bytes, after a pass that has proved it sound.

    Raises:
        InputError: the encoding is unknown, a byte does not belong to it (named with line and position), or a packed
            file ends too early.
    """
    check_encoding(path, encoding)
    if codecs.lookup(encoding).name in ("utf-8", "ascii"):
        return open_bytes(path)
    with open_bytes(path) as handle:
        return io.BytesIO(handle.read().decode(encoding).encode("utf-8"))


def check_encoding(path: Path, encoding: str) -> None:
    try:
        decoder = codecs.getincrementaldecoder(encoding)()
    except LookupError:
        raise InputError(
            f"there is no encoding '{encoding}'; write for example utf-8 or iso-8859-1", key="encoding"
        ) from None
    position, line = 0, 1
    try:
        with open_bytes(path) as handle:
            while True:
                block = handle.read(BLOCK)
                try:
                    decoder.decode(block, final=not block)
                except UnicodeDecodeError as error:
                    pending = len(error.object) - len(block)
                    likely = "utf-16" if position == 0 and block.startswith(_UTF16) else "cp1252"
                    lines_before = line + error.object[: error.start].count(b"\n")
                    raise InputError(
                        f"{path}: line {lines_before} is not {encoding}: byte 0x{error.object[error.start]:02X} at "
                        f"position {position - pending + error.start} of the file; save the file as {encoding}, "
                        f"or name its encoding, such as --set data.encoding={likely}",
                        where=str(path),
                        key="data.encoding",
                        row=lines_before,
                    ) from None
                if not block:
                    return
                position += len(block)
                line += block.count(b"\n")
    except EOFError:
        raise InputError(
            f"{path}: the packed file ends too early; it was cut off, fetch it again", where=path
        ) from None
    except (gzip.BadGzipFile, zlib.error) as error:
        raise InputError(f"{path}: not a sound gzip file ({error}); fetch it again", where=path) from None

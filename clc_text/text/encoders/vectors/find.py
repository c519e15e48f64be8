"""Where a file of word vectors is looked for, and which reader it needs."""

from __future__ import annotations

import contextlib
import glob
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path

from clc_text.errors import InputError
from clc_text.text.encoders.vectors.archive import has_member, member_named, only_member
from clc_text.text.encoders.vectors.hashed_file import open_hashed
from clc_text.text.encoders.vectors.read_binary import read_gensim, read_torchtext, read_word2vec
from clc_text.text.encoders.vectors.read_fasttext import FASTTEXT, read_fasttext
from clc_text.text.encoders.vectors.read_text import read_text
from clc_text.text.encoders.vectors.table import VectorTable, Wanted
from clc_text.utils.files import expanded

ENDINGS = (
    "", ".txt", ".txt.gz", ".vec", ".vec.gz", ".gz", ".bin", ".bin.gz", ".kv", ".wordvectors", ".txt.pt", ".zip",
)  # fmt: skip


def find_vectors(name: str) -> Path:
    """The file behind `encoder.vectors`: the path itself, then `$CLC_TEXT_DATA/glove`, then gensim's downloader.

    In each place the name is tried as it is and with the usual endings; in the last two also with more between name
    and ending (``glove.6B.50d.subset.txt.gz`` stands in for ``glove.6B.50d``). A file in a zip archive is named as if
    that were a folder (``glove.6B.zip/glove.6B.50d.txt``); `archive.member_named` finds it by its name alone.

    Raises:
        InputError: it is in none of them and cannot be downloaded, or several are in an archive.
    """
    places = [Path()]
    if data := os.environ.get("CLC_TEXT_DATA"):
        places.append(Path(data).expanduser() / "glove")
    for place in places:
        for ending in ENDINGS:
            path = place / f"{expanded(name)}{ending}"
            if path.is_file():
                return only_member(path) if path.suffix.lower() == ".zip" else path
            if has_member(path):
                return path
    for place in places:
        if "/" not in name and (inside := member_named(place, [name + ending for ending in ENDINGS])) is not None:
            return inside
    for place in places[1:] if not expanded(name).is_absolute() else []:
        for path in sorted(place.glob(f"{glob.escape(name)}.*")):
            if path.name.endswith(ENDINGS[1:]) and path.suffix != ".zip" and path.is_file():
                return path
    return _from_gensim(name, places)


def reader_of(path: Path) -> Callable[[Path, Wanted], VectorTable]:
    """The reader for a file, by its ending and, where that leaves it open, its beginning."""
    endings = path.name.removesuffix(".gz")
    if endings.endswith((".kv", ".wordvectors")):
        return read_gensim
    if endings.endswith(".pt"):
        return read_torchtext
    if not endings.endswith((".txt", ".vec")):
        start = _beginning(path)
        if start.startswith(FASTTEXT):
            return read_fasttext
        if re.match(rb"\x80[\x02-\x05]", start):  # a pickle, which only gensim writes
            return read_gensim
    if endings.endswith(".bin") or (not endings.endswith((".txt", ".vec")) and _is_word2vec_binary(path)):
        return read_word2vec
    return read_text


def gensim_name(name: str) -> str:
    """gensim's name of GloVe's own releases; any other name as it is."""
    match = re.fullmatch(r"glove\.(6B|twitter\.27B)\.(\d+)d", name)
    if match is None:
        return name
    return f"glove-{'wiki-gigaword' if match[1] == '6B' else 'twitter'}-{match[2]}"


def _from_gensim(name: str, places: list[Path]) -> Path:
    folder = Path(os.environ.get("GENSIM_DATA_DIR", "~/gensim-data")).expanduser()
    download = gensim_name(name)
    present = folder / download / f"{download}.gz"
    if present.is_file():
        return present
    reason = "its name is none of gensim.downloader's"
    if re.fullmatch(r"[\w]+(-[\w]+)+", download):
        try:
            return _download(download)
        except (OSError, ValueError) as error:
            reason = f"gensim.downloader could not get '{download}' ({str(error).splitlines()[0]})"
    looked = ", ".join(str(place.resolve()) for place in places)
    hint = "" if len(places) > 1 else " (CLC_TEXT_DATA is not set)"
    raise InputError(
        f"encoder.vectors: there is no file '{name}' (with or without one of {', '.join(ENDINGS[1:])}) in {looked} or "
        f"{folder}{hint}, and {reason}; put it there, or use recipes/quickstart.yaml, which needs no download",
        key="encoder.vectors",
    )


def _download(name: str) -> Path:
    if os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "ON", "YES", "TRUE"):
        raise OSError("HF_HUB_OFFLINE is set")
    import gensim.downloader

    # It prints its progress; standard output belongs to the commands. With `return_path` it runs no code it fetched.
    with contextlib.redirect_stdout(sys.stderr):
        return Path(gensim.downloader.load(name, return_path=True))


def _is_word2vec_binary(path: Path) -> bool:
    """Whether a header is followed by a word and bytes that are no text."""
    header, _, rest = _beginning(path).partition(b"\n")
    if not re.fullmatch(rb"\d+ \d+\s*", header):
        return False
    return any(byte < 9 for byte in rest)


def _beginning(path: Path) -> bytes:
    with open_hashed(path) as (file, _):
        return file.read(2048)

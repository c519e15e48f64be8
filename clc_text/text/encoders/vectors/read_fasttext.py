"""fastText's own .bin files, read by gensim: words, and the pieces of words that unknown ones are made of."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np

from clc_text.errors import InputError
from clc_text.text.encoders.vectors.table import VectorTable, Wanted, select
from clc_text.utils.files import sha256_of_file

FASTTEXT = (793712314).to_bytes(4, "little")  # fastText's mark, in the first four bytes

_UNREADABLE = (struct.error, OSError, ValueError, AssertionError, NotImplementedError, OverflowError, MemoryError)


def read_fasttext(path: Path, wanted: Wanted) -> VectorTable:
    """The wanted words of fastText's binary format; those that it lacks have the mean of their pieces' vectors.

    The format is numbers and words alone; nothing of it is run. All of the file is read into memory, which pieces of
    words need.

    Raises:
        InputError: the file is damaged or of a kind that gensim cannot read, or a wanted vector is not finite.
    """
    from gensim.models.fasttext import load_facebook_vectors

    # gensim reads numbers past Python's own files: of a packed one it would take the packed bytes for numbers.
    if not path.is_file() or not _begins(path):
        raise InputError(
            f"{path} is a packed fastText .bin file; unpack it (gunzip, unzip), and name the file", where=path
        )
    try:
        store = load_facebook_vectors(str(path))
    except _UNREADABLE as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(
            f"{path} is not a readable fastText .bin file ({reason}); get the file again, or the .vec file beside it",
            where=path,
        ) from None
    source = {"vectors": path.name, "sha256": sha256_of_file(path), "words_in_source": len(store.index_to_key)}
    table = select(store.index_to_key, store.vectors, wanted, source)
    unknown = sorted(word for word in wanted.words if word not in store.key_to_index) if store.bucket else []
    found = {word: vector for word in unknown if (vector := store.get_vector(word)).any()}
    if not found:
        return table
    pieced = select(list(found), np.stack(list(found.values())), Wanted(found, 0), source)
    return VectorTable(
        [*table.words, *pieced.words],
        np.concatenate([table.matrix, pieced.matrix]),
        source | {"words_from_pieces": len(found)},
    )


def _begins(path: Path) -> bool:
    with open(path, "rb") as file:
        return file.read(4) == FASTTEXT

"""Word vectors in binary files: word2vec's .bin, gensim's .kv, torchtext's .pt; none of them runs code of the file."""

from __future__ import annotations

import pickle
import re
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from clc_text.errors import InputError
from clc_text.text.encoders.vectors.gathered import Gathered
from clc_text.text.encoders.vectors.hashed_file import open_hashed
from clc_text.text.encoders.vectors.table import VectorTable, Wanted, select
from clc_text.utils.files import sha256_of_file

_BLOCK = 1 << 22
_LARGEST = 1e10  # no trained number comes near
_CONTROL = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
# What is left of a word after its first blank, where it fills whole numbers: letters, and the blank that ends it.
_REST_OF_WORD = re.compile(rb"(?:[!-~]{4})*[!-~]{3} ")


def read_word2vec(path: Path, wanted: Wanted) -> VectorTable:
    """The wanted words of word2vec's binary format (``words dimension``, then each word and its float32 numbers).

    Words that are not UTF-8 (Google's vectors hold some) are left out and counted.

    The format sets a word apart from its numbers by a blank, so that a word with a blank in it shifts what follows.
    It can be written (gensim does) but not read; what it leaves behind tells: bytes at the end, numbers that are none,
    or the rest of the word among them.

    Raises:
        InputError: no such file, truncated, out of step, or a wanted vector is not finite.
    """
    with open_hashed(path) as (file, sha256):
        header = file.readline(100).split()
        if len(header) != 2 or not all(field.isdigit() for field in header) or int(header[1]) == 0:
            raise InputError(
                f"{path} is not a word2vec .bin file: it does not begin with 'words dimension'", where=path
            )
        count, dimension = int(header[0]), int(header[1])
        gathered = Gathered(path, wanted, dimension)
        size = 4 * dimension
        buffer, at = b"", 0
        for position in range(count):
            while (blank := buffer.find(b" ", at)) < 0 or len(buffer) < blank + 1 + size:
                more = file.read(_BLOCK)
                if not more:
                    raise InputError(
                        f"{path} is truncated: it promises {count} words and ends in number {position + 1}; "
                        "get the file again",
                        where=path,
                    )
                buffer, at = buffer[at:] + more, 0
            name = buffer[at:blank].lstrip(b"\n")
            if _CONTROL.search(name):
                raise _out_of_step(path, position + 1)
            word = gathered.claim(name, position + 1)
            if word is not None:
                vector = np.frombuffer(buffer, np.dtype("<f4"), dimension, blank + 1)
                largest = np.abs(vector).max()
                if _REST_OF_WORD.match(buffer, blank + 1, blank + 1 + size) or _LARGEST < largest < np.inf:
                    raise _out_of_step(path, position + 1)
                gathered.add(vector[None], [word], [position + 1], "word")
            at = blank + 1 + size
        if (buffer[at:] + file.read(_BLOCK)).strip(b"\r\n"):
            raise _out_of_step(path, count)
        digest = sha256()
    return gathered.table(digest)


def _out_of_step(path: Path, number: int) -> InputError:
    return InputError(
        f"{path} is out of step at word {number} or before: a word with a blank in it shifts all that follows, or the "
        "file is damaged; where you have the vectors in gensim, save them as text, which is read: "
        "save_word2vec_format('vectors.txt')",
        where=path,
    )


def read_gensim(path: Path, wanted: Wanted) -> VectorTable:
    """The wanted words of gensim's own format, `KeyedVectors.save`; a big matrix beside it is mapped, not read.

    Raises:
        InputError: not such a file, or its .npy file is missing or damaged.
    """
    if not path.is_file():
        raise InputError(f"{path} is a file of gensim in an archive; unpack it with all files beside it", where=path)
    try:
        with open(path, "rb") as file:
            store = _KeyedVectorsOnly(file).load()
        # `KeyedVectors.load` would unpickle without a filter; the rest of it is this.
        store._load_specials(str(path), "r", False, lambda *names: ".".join((*names, "npy")))
        index = dict(store.key_to_index)
        matrix = np.asarray(store.vectors)
    except FileNotFoundError as error:
        raise InputError(
            f"{path} needs {error.filename} beside it; copy all files that gensim wrote", where=path
        ) from None
    except _WholeModel as error:
        raise InputError(
            f"{path} holds a whole {error} model of gensim, and to read that is to run what it says; where you trust "
            f"it, write its vectors as text: gensim.models.{error}.load('{path.name}').wv.save_word2vec_format("
            "'vectors.txt')",
            where=path,
        ) from None
    except (pickle.UnpicklingError, EOFError, ValueError, AttributeError, TypeError, IndexError, KeyError) as error:
        raise InputError(f"{path} is not a readable gensim KeyedVectors file ({error})", where=path) from None
    beside = [f for f in sorted(path.parent.glob(f"{path.name}.*.npy")) if f.is_file()]
    digests = [sha256_of_file(file) for file in (path, *beside)]
    source = {"vectors": path.name, "sha256": digests[0], "words_in_source": len(index)}
    if beside:
        source["sha256_of_matrix"] = digests[-1]
    # A file with equal words leaves rows without a word at the end, so the rows are taken from the index.
    words = sorted(index, key=index.__getitem__)
    rows = [index[word] for word in words]
    return select(words, matrix[: len(rows)] if rows == list(range(len(rows))) else matrix[rows], wanted, source)


def read_torchtext(path: Path, wanted: Wanted) -> VectorTable:
    """The wanted words of the .pt file that torchtext leaves in its cache; torchtext itself is not needed.

    Raises:
        InputError: not such a file.
    """
    import torch

    try:
        words, _, matrix, _ = torch.load(path, map_location="cpu", weights_only=True)
        words, matrix = [str(word) for word in words], matrix.numpy()
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError, TypeError, AttributeError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        if isinstance(error, pickle.UnpicklingError):
            reason = "it asks for more than words and tensors"  # torch's own advice is to load it all the same
        raise InputError(
            f"{path} is not a readable cache file of torchtext's vectors ({reason})", where=path
        ) from None
    source = {"vectors": path.name, "sha256": sha256_of_file(path), "words_in_source": len(words)}
    return select(words, matrix, wanted, source)


class _WholeModel(pickle.UnpicklingError):
    """A model of gensim rather than its vectors; the message is the name of its class."""


class _KeyedVectorsOnly(pickle.Unpickler):
    """Unpickles gensim's KeyedVectors and NumPy arrays, and refuses everything else a pickle might call."""

    _allowed = {
        ("gensim.models.keyedvectors", "KeyedVectors"),
        ("gensim.models.keyedvectors", "Word2VecKeyedVectors"),
        ("gensim.models.keyedvectors", "EuclideanKeyedVectors"),
        ("gensim.models.keyedvectors", "Vocab"),
        ("gensim.models.keyedvectors", "CompatVocab"),
        ("gensim.models.fasttext", "FastTextKeyedVectors"),
        ("numpy", "ndarray"),
        ("numpy", "dtype"),
        ("numpy.core.multiarray", "_reconstruct"),
        ("numpy.core.multiarray", "scalar"),
        ("numpy._core.multiarray", "_reconstruct"),
        ("numpy._core.multiarray", "scalar"),
        ("numpy.core.numeric", "_frombuffer"),
        ("numpy._core.numeric", "_frombuffer"),
        ("_codecs", "encode"),
    }

    def __init__(self, file: BinaryIO) -> None:
        super().__init__(file, encoding="latin1")

    def find_class(self, module: str, name: str) -> Any:
        if module.startswith("gensim.models.") and name in ("Word2Vec", "FastText", "Doc2Vec"):
            raise _WholeModel(name)
        if (module, name) not in self._allowed:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}, which such a file has no use for")
        return super().find_class(module, name)

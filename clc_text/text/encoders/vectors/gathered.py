"""The wanted words of a file, gathered while it is read."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from clc_text.errors import InputError
from clc_text.text.encoders.vectors.table import VectorTable, Wanted

_ROWS_MORE = 1 << 14
# One word in a hundred may be broken bytes, as in files cut from web pages; more means another encoding.
_BROKEN_SHARE = 0.01
_WIDEST = 20_000  # numbers of a word; the widest in use have a few thousand


class Gathered:
    """Words and vectors found so far. The matrix grows in place: a copy would double the memory of a big file.

    Args:
        path: the file, for messages.
        wanted: what is kept.
        dimension: D.
    """

    def __init__(self, path: Path, wanted: Wanted, dimension: int) -> None:
        self.path = path
        if dimension > _WIDEST:
            raise InputError(
                f"{path}: each word has {dimension:,} numbers, and {_WIDEST:,} are the most; are they word vectors?",
                where=path,
            )
        self.dimension = dimension
        self.seen = 0
        self._wanted = wanted
        self._words: dict[str, int] = {}
        self._matrix = np.empty((0, dimension), np.float32)
        self._filled = 0
        self._broken: list[int] = []

    def claim(self, name: bytes, place: int) -> str | None:
        """The next word of the file, where its vector is wanted and not there yet; the vector must follow by `add`.

        Args:
            place: its line or number in the file, for messages.
        """
        self.seen += 1
        try:
            word = name.decode()
        except UnicodeDecodeError:
            self._broken.append(place)
            return None
        if (self.seen > self._wanted.first and word not in self._wanted.words) or word in self._words:
            return None
        self._words[word] = len(self._words)
        return word

    def add(self, vectors: np.ndarray, words: list[str], places: list[int], unit: str) -> None:
        """The vectors [n, D] of the n words claimed next.

        Raises:
            InputError: a value is not finite; `unit` says what `places` count ("line").
        """
        sound = np.isfinite(vectors).all(axis=1)
        if not sound.all():
            bad = int(np.argmin(sound))
            where = f"{self.path}: {unit} {places[bad]} ('{words[bad]}')"
            raise InputError(f"{where} holds NaN or an infinite value; correct or remove it", where=where)
        end = self._filled + len(vectors)
        if end > len(self._matrix):
            self._matrix.resize((end + _ROWS_MORE, self.dimension), refcheck=False)
        self._matrix[self._filled : end] = vectors
        self._filled = end

    def table(self, sha256: str) -> VectorTable:
        """What was gathered.

        Raises:
            InputError: too many words were not UTF-8.
        """
        if len(self._broken) > max(1, _BROKEN_SHARE * self.seen):
            raise InputError(
                f"{self.path} is not UTF-8 ({len(self._broken)} words, the first in line {self._broken[0]}); "
                "save it as UTF-8",
                where=str(self.path),
                row=int(self._broken[0]),
            )
        self._matrix.resize((self._filled, self.dimension), refcheck=False)
        source = {"vectors": self.path.name, "sha256": sha256, "words_in_source": self.seen}
        if self._broken:
            source["words_not_utf8"] = len(self._broken)
        return VectorTable(list(self._words), self._matrix, source)

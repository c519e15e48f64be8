"""Words with their vectors, as every source of vectors gives them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from clc_text.errors import InputError

if TYPE_CHECKING:
    from gensim.models import KeyedVectors


@dataclass(frozen=True)
class Wanted:
    """Which words of a source are worth their memory.

    Attributes:
        words: the vocabulary of the texts at hand.
        first: how many words of the source's beginning are kept besides; sources list frequent words first.
    """

    words: Collection[str]
    first: int


@dataclass(frozen=True)
class VectorTable:
    """V words and their vectors.

    Attributes:
        words: V different words.
        matrix: float32 [V, D], finite; perhaps a read-only memory map.
        source: ``vectors`` (a name), ``sha256`` (of the source file, or of the matrix where there is no file), and
            what else is worth knowing, as plain values.
    """

    words: list[str]
    matrix: np.ndarray
    source: dict[str, Any]

    @property
    def dimension(self) -> int:
        return int(self.matrix.shape[1])

    def keyed_vectors(self) -> KeyedVectors:
        """The same words and vectors as gensim's store, for `most_similar` and the like; the memory is shared."""
        from gensim.models import KeyedVectors

        store = KeyedVectors(self.dimension, count=0)
        store.index_to_key = list(self.words)
        store.key_to_index = {word: row for row, word in enumerate(self.words)}
        store.vectors = self.matrix
        store.next_index = len(self.words)
        return store


def select(words: list[str], matrix: np.ndarray, wanted: Wanted, source: dict[str, Any]) -> VectorTable:
    """The wanted rows of vectors that are in memory already, or mapped; of equal words the first counts.

    Raises:
        InputError: words and vectors differ in number, or a wanted vector is not finite.
    """
    where = source["vectors"]
    if matrix.ndim != 2 or len(words) != len(matrix) or matrix.shape[1] == 0:
        raise InputError(
            f"{where}: {len(words)} words do not go with vectors of shape {list(matrix.shape)}", where=where
        )
    rows: dict[str, int] = {}
    for row, word in enumerate(words):
        if (row < wanted.first or word in wanted.words) and word not in rows:
            rows[word] = row
    kept = list(rows)
    chosen = np.ascontiguousarray(matrix[list(rows.values())], dtype=np.float32).reshape(len(kept), matrix.shape[1])
    # Maximum and minimum are NaN or infinite where a value is, and need no second matrix as np.isfinite does.
    sound = np.isfinite(chosen.max(axis=1)) & np.isfinite(chosen.min(axis=1))
    if not sound.all():
        bad = kept[int(np.argmin(sound))]
        raise InputError(
            f"{where}: the vector of '{bad}' holds NaN or an infinite value; correct or remove it",
            where=where,
            key=bad,
        )
    return VectorTable(kept, chosen, source)

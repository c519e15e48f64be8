"""Word vectors trained by gensim on the user's own texts; same texts, same seed: the same vectors in any process."""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import numpy as np

from clc_text.errors import InputError
from clc_text.text.encoders.vectors.cache import sha256_of_words
from clc_text.text.encoders.vectors.table import VectorTable
from clc_text.text.encoders.vectors.tokens import Tokens
from clc_text.text.progress import progress

# gensim's inner loop drops what a sentence has beyond this.
_LONGEST_SENTENCE = 10_000
_SHORT = 100_000  # tokens that are trained on in a few seconds


@dataclass(frozen=True)
class Training:
    """What the recipe says about it; see `WordVectors` for the meaning of each."""

    dimension: int
    epochs: int
    window: int
    min_count: int
    skip_gram: bool


def train_vectors(tokens: Tokens, words: list[str], training: Training, seed: int) -> VectorTable:
    """Word2Vec (Mikolov et al. 2013) vectors of all words that occur at least `min_count` times in `tokens`.

    Every component is then shifted and scaled to mean 0, deviation 1 over the tokens. A small corpus leaves all
    vectors short and pointing one way, which a network is slow to learn from: 40 epochs on 500 cleanly labelled TREC
    questions take the paper's perceptron to 38 % from the raw vectors and to 65 % from these.

    Args:
        tokens: the training texts, ids into `words`.
        words: the vocabulary.

    Raises:
        InputError: no word occurs often enough, or the vectors grew beyond all bounds.
    """
    from gensim.models import Word2Vec

    counts = np.bincount(tokens.ids, minlength=len(words)) if len(tokens.ids) else np.zeros(len(words), np.int64)
    if not (counts >= training.min_count).any():
        raise InputError(
            f"encoder.vectors: no word occurs {training.min_count} times in the {len(tokens)} training texts, so "
            "there is nothing to train vectors on; lower encoder.train_min_count or name a file of vectors",
            key="encoder.vectors",
        )
    model = Word2Vec(
        vector_size=training.dimension,
        window=training.window,
        min_count=training.min_count,
        sg=int(training.skip_gram),
        seed=seed % 2**32,
        # One worker and a hash of our own: with more, or with Python's, no two processes give the same vectors.
        workers=1,
        hashfxn=_hash,
    )
    sentences = _Sentences(tokens, words)
    model.build_vocab(sentences)
    with progress("training word vectors", training.epochs, shown=len(tokens.ids) > _SHORT) as advance:
        told = [_Told(advance)]
        model.train(sentences, total_examples=model.corpus_count, epochs=training.epochs, callbacks=told)
    kept = list(model.wv.index_to_key)
    matrix = _standardised(model.wv.vectors, np.array([model.wv.get_vecattr(word, "count") for word in kept]))
    if not np.isfinite(matrix).all():
        raise InputError(
            "encoder.vectors: training the vectors diverged; lower encoder.train_epochs", key="encoder.vectors"
        )
    source = {
        "vectors": f"Word2Vec trained on the {len(tokens)} training texts",
        "sha256": hashlib.sha256(matrix.tobytes()).hexdigest(),
        "words_in_source": len(matrix),
    }
    return VectorTable(kept, matrix, source)


def key_of(tokens: Tokens, words: list[str], training: Training, seed: int) -> list[Any]:
    """All that the vectors depend on; gensim's and numpy's versions too, which may sum in another order."""
    ids = hashlib.sha256(tokens.ids.tobytes() + tokens.offsets.tobytes()).hexdigest()
    versions = [version("gensim"), np.__version__]  # importing it to ask takes a second
    return ["trained", ids, sha256_of_words(words), dataclasses.asdict(training), seed, *versions]


def _standardised(vectors: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """float32 [V, D] with mean 0 and deviation 1 in every column, each word counted as often as it occurs."""
    share = counts / counts.sum()
    centred = vectors.astype(np.float64) - share @ vectors.astype(np.float64)
    deviation = np.sqrt(share @ centred**2)
    return (centred / np.where(deviation > 0, deviation, 1)).astype(np.float32)


class _Told:
    """What gensim calls while it trains; only the end of an epoch is of interest."""

    def __init__(self, advance: Callable[[int], object]) -> None:
        self._advance = advance

    def on_epoch_end(self, model: Any) -> None:
        self._advance(1)

    def on_epoch_begin(self, model: Any) -> None: ...

    def on_train_begin(self, model: Any) -> None: ...

    def on_train_end(self, model: Any) -> None: ...


def _hash(word: str) -> int:
    return zlib.crc32(word.encode("utf-8", "surrogatepass"))


class _Sentences:
    """The texts as lists of words, as often as gensim asks; too long ones in pieces."""

    def __init__(self, tokens: Tokens, words: list[str]) -> None:
        self.tokens = tokens
        self.words = words

    def __iter__(self) -> Iterator[list[str]]:
        offsets = self.tokens.offsets.tolist()
        for start, stop in itertools.pairwise(offsets):
            for piece in range(start, stop, _LONGEST_SENTENCE):
                ids = self.tokens.ids[piece : min(stop, piece + _LONGEST_SENTENCE)].tolist()
                yield [self.words[number] for number in ids]

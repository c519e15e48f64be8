"""Word vectors, pooled: GloVe and its kin from a file, or vectors trained on the user's own texts."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from clc_text.config.components import option
from clc_text.errors import InputError
from clc_text.models.encoder import Encoder, FittedEncoder
from clc_text.text.cut_off import cut_off
from clc_text.text.encoders.base import encoder
from clc_text.text.encoders.vectors.fitted import FittedWordVectors, Reading
from clc_text.text.encoders.vectors.pooling import IN_ORDER, POOLINGS, SEGMENTS, idf
from clc_text.text.encoders.vectors.table import VectorTable, Wanted, select
from clc_text.text.encoders.vectors.tokens import Numbering, Tokens, number_tokens, tokenizer

if TYPE_CHECKING:
    from gensim.models import KeyedVectors


@encoder("word_vectors")
@dataclass(frozen=True)
class WordVectors(Encoder):
    """Each text as the vectors of its words, concatenated or pooled; the paper's input is GloVe so."""

    fitted: ClassVar[type[FittedEncoder]] = FittedWordVectors

    vectors: str = option(
        "glove.6B.300d",
        "a file of vectors (.txt, .vec, .bin, .gz, a .zip of one, gensim's .kv, torchtext's .pt), a name such as "
        "glove.6B.50d that is looked for in $CLC_TEXT_DATA/glove, then at gensim.downloader, or 'train': made from "
        "the training texts",
        not_empty=True,
        give="a file of word vectors, or 'train'",
    )
    pooling: list[str] = option(
        ["concat"],
        f"one or several of {', '.join(POOLINGS)}; several are put side by side. concat: the first `length` tokens' "
        "vectors one after the other, which keeps word order; segments: their means over so many parts of the text; "
        "flat_segments: as Co-teaching+ has it, means of numbers side by side, not of one dimension; "
        "idf_mean: a mean weighted by rarity",
        choices=POOLINGS,
        items_at_least=1,
        give=f"one or several of {', '.join(POOLINGS)}",
    )
    length: int = option(
        10,
        "tokens that concat and segments take; shorter texts are filled up with zeros",
        at_least=1,
        at_most=100_000,
    )
    segments: int = option(
        SEGMENTS, "parts that segments and flat_segments cut a text into", at_least=1, at_most=100_000
    )
    standardize: bool = option(False, "shift and scale every feature to mean 0, deviation 1 over the training texts")
    tokens: Literal["glove", "spaces"] = option(
        "glove",
        "glove: words, marks and contractions apart, as in GloVe's corpus, and scripts without blanks (Chinese, Thai) "
        "into characters; spaces: cut at white space only",
    )
    lowercase: bool = option(True, "lower-case the texts first; GloVe 6B knows lower-case words only")
    keep_words: int = option(
        20000,
        "most frequent words of the file that are kept beside those of the texts, so that new texts find theirs",
        at_least=0,
    )
    train_dimension: int = option(50, "with vectors: train, numbers a word", at_least=1, at_most=20_000)
    train_epochs: int = option(20, "with vectors: train, passes over the training texts", at_least=1)
    train_window: int = option(5, "with vectors: train, words of context on each side", at_least=1, at_most=10_000)
    train_min_count: int = option(2, "with vectors: train, rarer words get no vector", at_least=1)
    train_skip_gram: bool = option(True, "with vectors: train, skip-gram rather than continuous bag of words")

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(set(self.pooling)) < len(self.pooling):
            raise InputError(
                f"encoder.pooling names one of {', '.join(self.pooling)} twice; once is enough", key="encoder.pooling"
            )

    @classmethod
    def from_torchtext(cls, vectors: Any, **options: Any) -> WordVectors:
        """An encoder with the vectors of a `torchtext.vocab.Vectors` object (`GloVe`, `FastText`, `Vectors`, ...).

        Args:
            vectors: anything with ``itos`` (V words) and ``vectors`` (a float tensor [V, D]); torchtext itself is not
                imported here. The file that it leaves in its cache (``.vector_cache/glove.6B.300d.txt.pt``) can also
                be named in a recipe's `encoder.vectors`.
            options: the other fields of this class.
        """
        name = f"torchtext.vocab.{type(vectors).__name__}"
        return _GivenVectors(vectors=name, words=list(vectors.itos), matrix=vectors.vectors.numpy(), **options)

    @classmethod
    def from_gensim(cls, vectors: KeyedVectors, **options: Any) -> WordVectors:
        """An encoder with the vectors of gensim's `KeyedVectors` (``model.wv`` of a trained model)."""
        words = list(vectors.key_to_index)
        rows = [vectors.key_to_index[word] for word in words]
        return _GivenVectors(vectors="gensim.KeyedVectors", words=words, matrix=vectors.vectors[rows], **options)

    def fit(self, train: Sequence[str], test: Sequence[str], seed: int) -> FittedWordVectors:
        """Finds, reads or trains the vectors, and learns rarities and scales from the training texts.

        Raises:
            InputError: no such vectors, a damaged file, or no word of the training texts has a vector.
        """
        tokenize = tokenizer(self.tokens, self.lowercase)
        numbers = Numbering()
        train_tokens = number_tokens(train, tokenize, numbers)
        in_train = len(numbers)
        test_tokens = number_tokens(test, tokenize, numbers)
        words = list(numbers)
        table = self.table(numbers, train_tokens, seed)

        row_of = {word: row for row, word in enumerate(table.words)}
        rows = np.fromiter((row_of.get(word, -1) for word in words), dtype=np.int32, count=len(words))
        train_tokens, test_tokens = train_tokens.renumbered(rows), test_tokens.renumbered(rows)
        if not (train_tokens.ids >= 0).any():
            raise InputError(
                f"no word of the {len(train_tokens)} training texts has a vector in {table.source['vectors']}; "
                "is it of another language, or does encoder.lowercase not fit it?",
                key="encoder.lowercase",
            )
        facts = _facts(table, rows[:in_train], train_tokens, test_tokens) | self._cut_off(train_tokens)
        weights = idf(train_tokens, len(table.words)) if "idf_mean" in self.pooling else None
        reading = Reading(self.tokens, self.lowercase, list(self.pooling), self.length, True, self.segments)
        fitted = FittedWordVectors(table, reading, weights, facts=facts)
        if self.standardize:
            fitted.standardise(train_tokens)
        return fitted

    def reading(self, texts: Sequence[str]) -> dict[str, Any]:
        return self._cut_off(number_tokens(texts, tokenizer(self.tokens, self.lowercase), Numbering()))

    def _cut_off(self, tokens: Tokens) -> dict[str, Any]:
        if not IN_ORDER.issuperset(self.pooling):
            return {}  # the other poolings read every word
        remedy = "raise it, or read all words with encoder.pooling: [idf_mean] or encoder: auto"
        return cut_off(tokens.lengths, self.length, "words", "encoder.length", remedy)

    def table(self, words: Numbering, train_tokens: Tokens, seed: int) -> VectorTable:
        """The vectors of `words` that the source has; ids of `train_tokens` are the words' numbers."""
        from clc_text.text.encoders.vectors.cache import cached, cached_file

        if self.vectors == "train":
            from clc_text.text.encoders.vectors.train import Training, key_of, train_vectors

            training = Training(
                dimension=self.train_dimension,
                epochs=self.train_epochs,
                window=self.train_window,
                min_count=self.train_min_count,
                skip_gram=self.train_skip_gram,
            )
            names = list(words)
            key = key_of(train_tokens, names, training, seed)
            return cached(key, lambda: train_vectors(train_tokens, names, training, seed))
        from clc_text.text.encoders.vectors.find import find_vectors, reader_of

        path = find_vectors(self.vectors)
        return cached_file(path, Wanted(words, self.keep_words), reader_of(path))


@dataclass(frozen=True)
class _GivenVectors(WordVectors):
    """`WordVectors` with vectors that are in memory; no recipe names it, but it is saved and loaded like the other."""

    words: list[str] = dataclasses.field(default_factory=list, repr=False, compare=False)
    matrix: Any = dataclasses.field(default=None, repr=False, compare=False)

    def table(self, words: Numbering, train_tokens: Tokens, seed: int) -> VectorTable:
        import hashlib

        digest = hashlib.sha256(np.ascontiguousarray(self.matrix, dtype=np.float32).tobytes()).hexdigest()
        source = {"vectors": self.vectors, "sha256": digest, "words_in_source": len(self.words)}
        return select(self.words, self.matrix, Wanted(words, self.keep_words), source)


def _facts(table: VectorTable, rows_of_types: np.ndarray, train: Tokens, test: Tokens) -> dict[str, Any]:
    """Shares are 0 … 1; types are the different words of the training texts."""

    def share(known: np.ndarray) -> float | None:
        return round(float(np.mean(known)), 6) if len(known) else None

    few = {}
    if len(train) and np.median(train.lengths) <= 1:
        few["warning"] = (
            "the median text is a single word to this encoder; where words are not set apart by blanks, use "
            "encoder.tokens: glove, or cut the texts first"
        )
    return {
        **few,
        **table.source,
        "dimension": table.dimension,
        "vocabulary": len(rows_of_types),
        "words_kept": len(table.words),
        "token_coverage": share(train.ids >= 0),
        "type_coverage": share(rows_of_types >= 0),
        "token_coverage_test": share(test.ids >= 0),
        "empty_texts": int((train.lengths == 0).sum()),
        "empty_texts_test": int((test.lengths == 0).sum()),
        "unknown_texts": int(((train.lengths > 0) & (train.known == 0)).sum()),
        "unknown_texts_test": int(((test.lengths > 0) & (test.known == 0)).sum()),
    }

"""Texts by the terms that occur in them: TF-IDF in few dimensions, beside vectors of all words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from clc_text.config.components import option
from clc_text.errors import InputError
from clc_text.models.encoder import Encoder, FittedEncoder
from clc_text.text.encoders.base import encoder
from clc_text.text.encoders.lexical.fitted import FittedTfidf

if TYPE_CHECKING:
    from clc_text.text.encoders.vectors.fitted import FittedWordVectors


@encoder("tfidf")
@dataclass(frozen=True)
class Tfidf(Encoder):
    """Each text by all its words: TF-IDF of words and pairs of words, and the mean of vectors trained on the texts.

    It needs no download, reads every word, and knows nothing but the texts at hand. Scripts without blanks are read by
    pieces of up to three characters.
    """

    fitted: ClassVar[type[FittedEncoder]] = FittedTfidf

    dimension: int = option(
        300, "numbers that TF-IDF is brought to (singular value decomposition)", at_least=1, at_most=100_000
    )
    ngrams: int = option(2, "words in a row that make a term, at most", at_least=1, at_most=20)
    max_terms: int = option(20_000, "terms that are kept, the most frequent ones", at_least=1)
    min_texts: int = option(2, "terms of fewer texts are left out, unless there are no others", at_least=1)
    word_vectors: int = option(
        100,
        "numbers of vectors trained on the texts, of which the mean weighted by rarity stands beside; 0: none",
        at_least=0,
        at_most=100_000,
    )

    def fit(self, train: Sequence[str], test: Sequence[str], seed: int) -> FittedTfidf:
        """Learns terms, their weights and directions, and vectors of words, from the training texts.

        Raises:
            InputError: no training text has a word.
        """
        from clc_text.text.encoders.lexical.terms import analyser
        from clc_text.text.encoders.lexical.weighting import fit_weighting

        texts = list(train)
        weighting = fit_weighting(
            texts,
            analyser(self.ngrams),
            dimension=self.dimension,
            most_terms=self.max_terms,
            least_texts=self.min_texts,
            seed=seed,
        )
        if weighting is None:
            raise InputError(
                f"none of the {len(texts):,} training texts has a word; is data.text the right column?",
                key="data.text",
            )
        words = self._words(texts, seed)
        facts: dict[str, Any] = {
            "terms": len(weighting.terms),
            "dimension": len(weighting.components),
            "word_vectors": 0 if words is None else words.size,
            "empty_texts": sum(not text.strip() for text in texts),
            "empty_texts_test": sum(not text.strip() for text in test),
        }
        fitted = FittedTfidf(weighting, self.ngrams, words)
        facts["unknown_texts"] = fitted.balance(texts) - facts["empty_texts"]
        fitted.facts = facts
        return fitted

    def _words(self, texts: Sequence[str], seed: int) -> FittedWordVectors | None:
        """None where none are wanted, or no word occurs twice."""
        from clc_text.text.encoders.word_vectors import WordVectors

        if not self.word_vectors:
            return None
        part = WordVectors(vectors="train", pooling=["idf_mean"], train_dimension=self.word_vectors, keep_words=0)
        try:
            return part.fit(texts, [], seed)
        except InputError:
            return None

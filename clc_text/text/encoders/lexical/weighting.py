"""TF-IDF (Spärck Jones 1972; scikit-learn's smoothing) brought to few dimensions by latent semantic analysis."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from clc_text.data.scripts import has_spaceless

TERMS = 50_000  # of `terms_of`, the most frequent ones
MOST_ROWS = 50_000  # texts that the dimensions are found from; more of them would change little and cost much


@dataclass(frozen=True)
class Weighting:
    """What turns the terms of a text into numbers.

    Attributes:
        terms: V terms.
        idf: float32 [V], log((1 + N) / (1 + df)) + 1.
        components: float32 [K, V], the directions that the terms are projected on (Deerwester et al. 1990).
    """

    terms: list[str]
    idf: np.ndarray
    components: np.ndarray

    def vectorizer(self, analyser: Callable[[str], list[str]]) -> Any:
        """scikit-learn's, with these terms and weights."""
        from sklearn.feature_extraction.text import TfidfVectorizer

        columns = {term: number for number, term in enumerate(self.terms)}
        made = TfidfVectorizer(analyzer=analyser, sublinear_tf=True, dtype=np.float32, vocabulary=columns)
        made.idf_ = self.idf
        return made

    def project(self, weighted: Any) -> np.ndarray:
        """Sparse [n, V] to float32 [n, K], each row of length 1, or 0 where no term is known."""
        projected = np.asarray(weighted @ self.components.T, dtype=np.float32)
        lengths = np.linalg.norm(projected, axis=1, keepdims=True)
        return np.asarray(projected / np.where(lengths > 0, lengths, 1), dtype=np.float32)


def weighted_terms(
    texts: Sequence[str], analyser: Callable[[str], list[str]] | None, most_terms: int, least_texts: int
) -> tuple[Any, Any] | None:
    """scikit-learn's vectorizer, fitted to texts, and sparse float32 [N, V], what it makes of them.

    Args:
        analyser: from a text to its terms; None: lower-cased words, and two in a row.
        most_terms: V at most; the most frequent are kept.
        least_texts: a term of fewer texts is left out, unless that leaves none.

    Returns:
        None where the texts have no term at all.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer

    how: dict[str, Any] = {"analyzer": analyser}
    if analyser is None:
        how = {"ngram_range": (1, 2), "token_pattern": r"(?u)\b\w+\b"}
    for least in (least_texts, 1):
        vectorizer = TfidfVectorizer(sublinear_tf=True, dtype=np.float32, min_df=least, max_features=most_terms, **how)
        try:
            return vectorizer, vectorizer.fit_transform(texts)
        except ValueError:  # scikit-learn's word for a vocabulary without terms
            continue
    return None


def fit_weighting(
    texts: Sequence[str],
    analyser: Callable[[str], list[str]],
    *,
    dimension: int,
    most_terms: int,
    least_texts: int,
    seed: int,
) -> Weighting | None:
    """Learns terms, weights and directions from texts.

    Args:
        dimension: K at most; fewer where there are fewer texts or terms.
        most_terms: V at most; the most frequent are kept.
        least_texts: a term of fewer texts is left out, unless that leaves none.
        seed: of the texts that the directions are found from, where not all of them are, and of finding them.

    Returns:
        None where the texts have no term at all.
    """
    from sklearn.decomposition import TruncatedSVD

    made = weighted_terms(texts, analyser, most_terms, least_texts)
    if made is None:
        return None
    vectorizer, weighted = made
    terms = [str(term) for term in vectorizer.get_feature_names_out()]
    idf = vectorizer.idf_.astype(np.float32)
    if weighted.shape[0] > MOST_ROWS:
        rows = np.random.default_rng(seed).choice(weighted.shape[0], MOST_ROWS, replace=False)
        weighted = weighted[np.sort(rows)]
    size = min(dimension, weighted.shape[0] - 1, len(terms) - 1)
    if size < 1:
        return Weighting(terms, idf, np.eye(1, len(terms), dtype=np.float32))
    svd = TruncatedSVD(size, random_state=seed % 2**32).fit(weighted)
    return Weighting(terms, idf, np.ascontiguousarray(svd.components_, dtype=np.float32))


def terms_of(texts: Sequence[str]) -> Any | None:
    """Sparse float32 [N, M], TF-IDF of words and pairs of words; None where there is no word."""
    from clc_text.text.encoders.lexical.terms import analyser

    # scikit-learn's own way to words is twice as fast, and knows no script without blanks.
    weighted = weighted_terms(texts, analyser(2) if any(map(has_spaceless, texts)) else None, TERMS, 2)
    return None if weighted is None else weighted[1]

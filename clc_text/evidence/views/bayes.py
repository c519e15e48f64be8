"""Naive Bayes on the words and pairs of words of a text."""

from __future__ import annotations

import numpy as np

from clc_text.evidence.views.base import Seen, folds_of

SMOOTHING = 0.1  # of a term in a class, as if the class had so much more of it


def bayes(seen: Seen) -> np.ndarray:
    """See `View`: the multinomial model over TF-IDF weights (Rennie et al., ICML 2003).

    It counts, and so has nothing to memorise a single label with.
    """
    from sklearn.naive_bayes import MultinomialNB

    return folds_of(seen, seen.words, lambda: MultinomialNB(alpha=SMOOTHING))

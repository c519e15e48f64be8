"""A logistic regression on the words and pairs of words of a text."""

from __future__ import annotations

from functools import partial

import numpy as np

from clc_text.evidence.views.base import Seen, fit_rows, folds_of

ROUNDS = 5  # over the rows; 3 and 10 rank as well
STRENGTH = 1e-5  # of the L2 penalty


def linear_words(seen: Seen) -> np.ndarray:
    """See `View`: each class against the rest, by averaged stochastic gradient descent (Bottou, 2010)."""
    from sklearn.linear_model import SGDClassifier

    model = partial(
        SGDClassifier, "log_loss", alpha=STRENGTH, average=True, max_iter=ROUNDS, tol=None,
        random_state=seen.seed % 2**32,
    )  # fmt: skip
    return folds_of(seen, seen.words, model, fit_rows(seen.classes))

"""Whether test texts are of another kind than training texts: whether a classifier of words can tell them apart.

A classifier two-sample test (Lopez-Paz and Oquab, ICLR 2017): where it can, accuracy on the test rows says little of
rows like the training rows, and the reverse.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

MOST = 4000  # rows of each side
LEAST = 50  # of each side, for anything to be told
FOLDS = 5
APART = 0.6  # area under the curve from which it is worth a remark
TERMS = 6


@dataclass(frozen=True)
class Drift:
    """How well words tell test from training texts.

    Attributes:
        auc: area under the ROC curve, cross-validated; 0.5 is chance.
        low, high: its 95 % interval (Hanley and McNeil, 1982).
        test_terms, train_terms: words and pairs of words that tell most of either side.
    """

    auc: float
    low: float
    high: float
    test_terms: list[str]
    train_terms: list[str]


def drift(train: Sequence[str], test: Sequence[str], seed: int = 0) -> Drift | None:
    """None where one side has fewer than 50 texts beside those that stand on both sides, or no words."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import StratifiedKFold, cross_val_predict

    both = set(train) & set(test)
    sides = [sorted({text for text in side if text.strip()} - both) for side in (train, test)]
    if min(map(len, sides)) < LEAST:
        return None
    generator = np.random.default_rng(seed)
    texts: list[str] = []
    for side in sides:
        chosen = generator.permutation(len(side))[:MOST]
        texts += [side[int(place)] for place in chosen]
    of_test = np.arange(len(texts)) >= min(len(sides[0]), MOST)
    vectorizer = TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True)
    try:
        words = vectorizer.fit_transform(texts)
    except ValueError:  # of texts without words, or whose words are all different
        return None
    model = LogisticRegression(C=1.0, class_weight="balanced", max_iter=200)
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
    scores = cross_val_predict(model, words, of_test, cv=folds, method="decision_function")
    auc = float(roc_auc_score(of_test, scores))
    reach = 1.96 * _error(auc, int(of_test.sum()), int((~of_test).sum()))
    order = np.argsort(model.fit(words, of_test).coef_[0])
    terms = vectorizer.get_feature_names_out()
    of_either = [[str(terms[place]) for place in places] for places in (order[::-1][:TERMS], order[:TERMS])]
    return Drift(auc, max(0.0, auc - reach), min(1.0, auc + reach), of_either[0], of_either[1])


def apart_in_words(drift: Mapping[str, Any]) -> str:
    """What a `Drift`, as a mapping, has to say to people; "" where it is not worth a remark."""
    if drift["low"] <= APART:
        return ""
    terms = {side: ", ".join(f"'{term}'" for term in drift[f"{side}_terms"][:4]) for side in ("test", "train")}
    return (
        f"test texts are of another kind than training texts: words tell them apart (area under the curve "
        f"{drift['auc']:.2f}, {drift['low']:.2f} to {drift['high']:.2f}; by {terms['test']} in the test and "
        f"{terms['train']} in training), so test accuracy says little of rows like the training rows"
    )


def _error(auc: float, positive: int, negative: int) -> float:
    """Standard error of an area under the curve; Hanley and McNeil, Radiology 1982."""
    one, two = auc / (2 - auc), 2 * auc**2 / (1 + auc)
    variance = auc * (1 - auc) + (positive - 1) * (one - auc**2) + (negative - 1) * (two - auc**2)
    return float(np.sqrt(variance / (positive * negative)))

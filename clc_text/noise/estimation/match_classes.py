"""Which class is which: networks that learn through a noise matrix may learn the classes under each other's names."""

from __future__ import annotations

import numpy as np

from clc_text.noise.estimation.probabilities import count_pairs


def match_classes(probs: np.ndarray, labels: np.ndarray, margin: float = 1.0) -> np.ndarray:
    """int64 [C], for each class of the predictions the given class that it is.

    Under strong pairwise noise the labels are explained as well when every class is called by its successor's name,
    and T then has its largest entries beside the diagonal. A class c is renamed to k where each is the other's most
    frequent partner, in both directions, and k meets c more often than c's own name does; the classes that are left
    over are matched by their counts.

    Args:
        probs: [N, C].
        labels: int64 [N] given labels.
        margin: how many times as often, or by a standard error where that is less. Where half of a class's labels are
            wrong, chance alone may turn the balance.
    """
    from scipy.optimize import linear_sum_assignment

    classes = probs.shape[1]
    counts = count_pairs(probs.argmax(1), labels, classes)
    best_given, best_predicted = counts.argmax(1), counts.argmax(0)
    mutual = np.zeros_like(counts)
    for predicted_class, given in enumerate(best_given):
        named, partner = counts[predicted_class, predicted_class], counts[predicted_class, given]
        enough = partner > min(margin * named, named + (named + partner) ** 0.5)
        own = given == predicted_class
        if (own or enough) and partner > 0 and best_predicted[given] == predicted_class:
            mutual[predicted_class, given] = 1
    # A mutual pair outweighs all counts; staying as it is outweighs a tie.
    value = 2 * len(labels) * mutual + counts + 0.5 * np.eye(classes)
    return linear_sum_assignment(-value)[1]


def match_by_counts(probs: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """int64 [C], for each class of the predictions the given class that it is if as many labels as can be are right;
    arguments as of `match_classes`."""
    from scipy.optimize import linear_sum_assignment

    counts = count_pairs(probs.argmax(1), labels, probs.shape[1])
    return linear_sum_assignment(-(counts + 0.5 * np.eye(len(counts))))[1]  # staying as it is outweighs a tie

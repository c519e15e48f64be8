"""Which class is which: networks that learn through a noise matrix may learn the classes under each other's names."""

from __future__ import annotations

import numpy as np

from clc_text.data.best_classes import Table
from clc_text.noise.estimation.probabilities import count_pairs


def match_classes(probs: Table, labels: np.ndarray, margin: float = 1.0) -> np.ndarray:
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
    counts = count_pairs(probs.argmax(1), labels, probs.shape[1])
    best_given, best_predicted = counts.argmax(1), counts.argmax(0)
    mutual = np.zeros_like(counts)
    for predicted_class, given in enumerate(best_given):
        named, partner = counts[predicted_class, predicted_class], counts[predicted_class, given]
        enough = partner > min(margin * named, named + (named + partner) ** 0.5)
        own = given == predicted_class
        if (own or enough) and partner > 0 and best_predicted[given] == predicted_class:
            mutual[predicted_class, given] = 1
    return _names_of_most(2 * len(labels) * mutual + counts)  # a mutual pair outweighs all counts


def match_by_counts(probs: Table, labels: np.ndarray) -> np.ndarray:
    """int64 [C], for each class of the predictions the given class that it is if as many labels as can be are right;
    arguments as of `match_classes`."""
    return _names_of_most(count_pairs(probs.argmax(1), labels, probs.shape[1]))


def _names_of_most(value: np.ndarray) -> np.ndarray:
    """int64 [C], a given class for each predicted one, so that the values [C, C] of all pairs sum to the most; whole
    numbers, of which a tie leaves classes as they are called."""
    from scipy.optimize import linear_sum_assignment

    return linear_sum_assignment(-(value + 0.5 * np.eye(len(value))))[1]

"""Votes drawn from sources whose noise is known, and their slow, literal reading."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from clc_text.data.votes import Votes


class Drawn(NamedTuple):
    """Votes, true classes [N], every source's T [J, C, C], and log-probabilities [N, C] of a classifier."""

    votes: Votes
    true: np.ndarray
    matrices: np.ndarray
    log_probs: np.ndarray


def drawn_votes(
    rows: int, accuracies: list[float], classes: int, present: float, seed: int = 0, sureness: float = 2.0
) -> Drawn:
    """Args: present: the share of rows that each source speaks of; sureness: of the classifier, 0 for none."""
    random = np.random.default_rng(seed)
    scores = sureness * random.normal(size=(rows, classes))
    probs = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
    true = np.array([random.choice(classes, p=row) for row in probs])
    even = np.eye(classes)
    matrices = np.stack([a * even + (1 - a) / (classes - 1) * (1 - even) for a in accuracies])
    said = np.array([[random.choice(classes, p=matrix[c]) for matrix in matrices] for c in true])
    table = np.where(random.random(said.shape) < present, said, -1)
    return Drawn(Votes.of_table(table, classes), true, matrices, np.log(probs))

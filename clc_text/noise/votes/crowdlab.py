"""CROWDLAB, which averages what sources and a classifier say, each weighed by how far it agrees with the others."""

from __future__ import annotations

import numpy as np

from clc_text.data.votes import Votes
from clc_text.errors import InputError
from clc_text.noise.votes.fit import LOOSE, VotesFit
from clc_text.noise.votes.matrices import counted, shrunk_matrices
from clc_text.utils.memory import check_memory


def crowdlab(votes: Votes, log_probs: np.ndarray) -> VotesFit:
    """The belief whose likeliest class is cleanlab's consensus of the best quality.

    Source: Goh, Tkachenko and Mueller, "CROWDLAB: Supervised learning to infer consensus labels and quality scores
    for data with multiple annotators", 2022; `cleanlab.multiannotator.get_label_quality_multiannotator` gives the
    weights, by how far all agree with the majority. It reads one class a vote: the likeliest of a distribution. A row
    without votes has what the classifier says.

    Args:
        log_probs: [N, C], of the true class by a classifier that saw no vote on the row.

    Raises:
        InputError: cleanlab is not installed, no row has two votes, or the table of votes is too large for memory.
    """
    try:
        from cleanlab.multiannotator import get_label_quality_multiannotator
    except ImportError:
        raise InputError(
            "data.join: crowdlab needs cleanlab: pip install 'clc-text[cleanlab]', or choose cross_fit",
            key="data.join",
        ) from None
    single, seen = votes.likeliest, np.flatnonzero(votes.per_row > 0)
    if not (single.per_row > 1).any():
        raise InputError(
            "data.join: crowdlab compares sources on rows that several have labelled, and no row has two labels here; "
            "choose cross_fit, which takes a label a row",
            key="data.join",
        )
    people = np.flatnonzero(single.per_source > 0)
    shape = f"a table of {len(seen):,} rows and {len(people):,} sources"
    check_memory(3 * 8.0 * len(seen) * len(people), shape, "data.join to cross_fit, which makes none")
    said = np.full((votes.rows, len(votes.sources)), np.nan)
    said[single.row, single.source] = single.label
    said = said[np.ix_(seen, people)]
    probs = np.exp(log_probs)
    told = get_label_quality_multiannotator(
        said, probs[seen], consensus_method="majority_vote", return_detailed_quality=False,
        return_annotator_stats=False, return_weights=True, verbose=False,
    )  # fmt: skip
    several = told["label_quality"]["num_annotations"].to_numpy() > 1
    agrees = float(told["label_quality"]["annotator_agreement"].to_numpy()[several].mean())
    belief = probs / probs.sum(1, keepdims=True)
    belief[seen] = _average(said, belief[seen], told["annotator_weight"], float(told["model_weight"]), agrees)
    return VotesFit(belief, shrunk_matrices(counted(votes, belief), LOOSE))


def _average(said: np.ndarray, probs: np.ndarray, weight: np.ndarray, of_model: float, agrees: float) -> np.ndarray:
    """float64 [N, C], the weighed mean of the probabilities [N, C] and of what each source says [N, J]: its class with
    the probability `agrees`, else any other."""
    rows, classes = probs.shape
    other = (1 - agrees) / (classes - 1)
    row, source = np.nonzero(~np.isnan(said))
    total = np.bincount(row, weight[source], rows)[:, None]
    at = row * classes + said[row, source].astype(np.int64)
    more = np.bincount(at, weight[source] * (agrees - other), rows * classes).reshape(rows, classes)
    return (probs * of_model + total * other + more) / (total + of_model)
